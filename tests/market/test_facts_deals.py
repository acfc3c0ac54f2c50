"""Roles and imputed terms of the disclosed rows, and the stylised facts that they must keep."""

from __future__ import annotations

from collections import Counter

import pytest

from market.calendar import quarter_index, quarter_name
from market.deals import Exclusivity, TermSheet, Trigger, Warrant
from market.disclosed import DisclosedDeal, ImputationRules, size
from market.fact_names import Role
from market.facts import Facts

FACTS = Facts.load()
DEALS = {deal.slug: deal for deal in FACTS.disclosed_deals()}
INDEPENDENT = ("OpenAI", "Anthropic", "xAI", "Mistral", "Cohere")


def between(first: str, last: str, role: Role = Role.SIGNED) -> list[DisclosedDeal]:
    quarters = range(quarter_index(first), quarter_index(last) + 1)
    return [deal for deal in DEALS.values() if deal.role is role and deal.quarter in quarters]


def test_every_shipped_row_has_a_role_of_its_own() -> None:
    assert set(FACTS.roles) == set(DEALS)
    assert set(FACTS.overrides) <= set(DEALS)
    assert Counter(deal.role.value for deal in DEALS.values()) == {
        "signed": 25,
        "ignored": 20,
        "supplier": 9,
        "other_cloud": 7,
        "investor": 3,
        "exclusivity_change": 2,
    }


@pytest.mark.parametrize(
    "slug",
    [
        "amazon-anthropic-2024-03",
        "cerebras-openai-2026-01",
        "nvidia-openai-2025-09",
        "stargate-openai-2025-01",
        "nvidia-anthropic-2026-09",
        "nvidia-openai-2026-07",
        "nvidia-xai-2026-01",
        "nvidia-cohere-2023-06",
        "amd-cohere-2025-09",
        "microsoft-inflection-2023-06",
        "google-hugging-face-2023-08",
        "microsoft-inflection-2024-03",
        "google-character-ai-2024-08",
        "spacex-xai-2026-02",
    ],
)
def test_rows_not_to_add_up_bring_nothing(slug: str) -> None:
    deal = DEALS[slug]
    empty = TermSheet(deal.terms.provider, deal.terms.lab, deal.quarter, deal.quarter)
    assert (deal.role, deal.terms, deal.imputed, deal.is_target) == (Role.IGNORED, empty, (), False)


def test_equity_of_cloud_providers_in_2024_25_is_about_10_not_109() -> None:
    equity = {deal.slug: deal.terms.equity_usd_bn for deal in between("2024Q1", "2025Q4") if deal.terms.tranches}
    assert equity == {
        "microsoft-mistral-2024-02": 0.016,
        "amazon-anthropic-2024-11": pytest.approx(4.0),
        "google-anthropic-2025-03": 1.0,
        "microsoft-anthropic-2025-11": 5.0,
    }


def test_nine_of_eleven_compute_deals_from_2025_bring_no_new_equity() -> None:
    deals = [
        deal
        for role in (Role.SIGNED, Role.OTHER_CLOUD)
        for deal in between("2025Q1", "2026Q1", role)
        if deal.terms.lab in INDEPENDENT and not ("commitment" in deal.imputed and deal.terms.tranches)
    ]
    with_equity = [deal.slug for deal in deals if deal.terms.tranches]
    assert with_equity == ["microsoft-anthropic-2025-11", "amazon-openai-2026-02"]
    assert len(deals) == 11


def test_disclosed_upfront_shares() -> None:
    staged = [deal for deal in DEALS.values() if len(deal.terms.tranches) > 1 and "upfront" not in deal.imputed]
    shares = {deal.slug: deal.terms.tranches[0].amount_usd_bn / deal.terms.equity_usd_bn for deal in staged}
    assert shares == pytest.approx(
        {
            "amazon-anthropic-2023-09": 0.3125,
            "google-anthropic-2023-10": 0.25,
            "amazon-anthropic-2024-11": 0.325,
            "softbank-openai-2025-03": 0.25,
            "amazon-openai-2026-02": 0.30,
            "amazon-anthropic-2026-04": 0.20,
            "google-anthropic-2026-04": 0.25,
        }
    )


def test_compute_to_equity_ratios_where_both_are_disclosed() -> None:
    both = [d for d in DEALS.values() if d.role is Role.SIGNED and d.terms.tranches and "commitment" not in d.imputed]
    ratios = {deal.slug: deal.terms.commitment_usd_bn / deal.terms.equity_usd_bn for deal in both}
    assert ratios == pytest.approx(
        {
            "amazon-anthropic-2023-09": 1.0,
            "google-anthropic-2023-10": 1.5,
            "microsoft-anthropic-2025-11": 6.0,
            "amazon-openai-2026-02": 2.0,
            "amazon-anthropic-2026-04": 4.0,
        }
    )


@pytest.mark.parametrize(("lab", "gw"), [("OpenAI", 11.3), ("Anthropic", 8.1)])
def test_most_capacity_under_contract_in_2028_29_is_8_to_15_gw(lab: str, gw: float) -> None:
    quarters = range(quarter_index("2028Q1"), quarter_index("2029Q4") + 1)
    terms = [deal.terms for deal in DEALS.values() if deal.terms.lab == lab]
    contracted = max(sum(gw_in(sheet, quarter) for sheet in terms) for quarter in quarters)
    assert contracted == pytest.approx(gw, abs=0.1)
    assert 8 <= contracted <= 15


def gw_in(terms: TermSheet, quarter: int) -> float:
    position = quarter - terms.start_quarter
    return terms.gw_by_quarter[position] if 0 <= position < terms.term_quarters else 0.0


def test_a_price_never_leaves_the_band_and_the_commitment_is_kept() -> None:
    for deal in FACTS.disclosed_deals(price_at=lambda quarter: 2.5):
        terms, row = deal.terms, next(row for row in FACTS.deal_rows if row.slug == deal.slug)
        if terms.gw_by_quarter:
            assert 0.6 * 0.7 * 2.5 - 1e-9 <= terms.price_usd_bn_per_gw_quarter <= 1.6 * 2.5 + 1e-9
            if "commitment" not in deal.imputed:
                assert terms.commitment_usd_bn == pytest.approx(row.compute_commitment_usd_bn)
            assert row.compute_gw is None or terms.gw <= row.compute_gw or deal.slug == "spacex-anthropic-2026-05"


def test_size_of_a_deal_in_each_case() -> None:
    rules = ImputationRules()
    assert size(None, 1.0, 10.0, 3.0, rules) == (0.6, 3.0)
    assert size(None, None, 10.0, 3.0, rules) == (0.1, 3.0)
    assert size(60.0, None, 10.0, 3.0, rules) == (2.0, 3.0)
    assert size(60.0, 4.0, 10.0, 3.0, rules) == (2.0, 3.0)
    assert size(60.0, 1.6, 10.0, 3.0, rules) == (1.6, 3.75)
    assert size(60.0, 0.5, 10.0, 3.0, rules) == pytest.approx((1.25, 4.8))


def test_oracle_openai_in_full() -> None:
    deal = DEALS["oracle-openai-2025-07"]
    terms = deal.terms
    assert deal.imputed == ("discount", "price", "ramp", "start", "take_or_pay")
    assert (quarter_name(terms.start_quarter), terms.term_quarters, terms.gw) == ("2027Q1", 20, 4.5)
    assert terms.gw_by_quarter == pytest.approx([0.75, 1.5, 2.25, 3.0, 3.75] + [4.5] * 15)
    assert terms.commitment_usd_bn == pytest.approx(300)
    assert (terms.take_or_pay_frac, terms.makeup_quarters, terms.tranches, terms.warrants) == (0.8, 4, (), ())


def test_tranches_by_milestones_and_by_dates() -> None:
    terms = DEALS["amazon-anthropic-2026-04"].terms
    assert [tranche.amount_usd_bn for tranche in terms.tranches] == pytest.approx([5, 20 / 3, 20 / 3, 20 / 3])
    assert [tranche.trigger for tranche in terms.tranches] == [Trigger.DATE, *[Trigger.GW_LIVE] * 3]
    assert [tranche.threshold for tranche in terms.tranches[1:]] == pytest.approx(
        [0.33 * terms.gw, 0.66 * terms.gw, 0.99 * terms.gw]
    )
    terms = DEALS["google-anthropic-2023-10"].terms
    assert [(t.amount_usd_bn, t.trigger, quarter_name(int(t.threshold))) for t in terms.tranches] == [
        (0.5, Trigger.DATE, "2023Q4"),
        (0.5, Trigger.DATE, "2024Q2"),
        (0.5, Trigger.DATE, "2024Q4"),
        (0.5, Trigger.DATE, "2025Q2"),
    ]


def test_the_second_half_of_amazons_first_investment_is_paid_once_and_when_it_was() -> None:
    tranches = DEALS["amazon-anthropic-2023-09"].terms.tranches
    assert [(t.amount_usd_bn, quarter_name(int(t.threshold))) for t in tranches] == [(1.25, "2023Q3"), (2.75, "2024Q1")]


def test_stakes() -> None:
    assert DEALS["google-anthropic-2023-02"].terms.stake_frac == 0.10
    assert DEALS["google-anthropic-2023-02"].terms.pre_money_usd_bn == pytest.approx(2.7)
    assert DEALS["softbank-openai-2025-03"].terms.stake_frac == pytest.approx(30 / 300)
    assert DEALS["amazon-openai-2026-02"].terms.pre_money_usd_bn == 730
    assert DEALS["google-anthropic-2026-04"].terms.pre_money_usd_bn == 350
    assert {slug: deal.stake_set_to for slug, deal in DEALS.items() if deal.stake_set_to is not None} == {
        "google-anthropic-2025-03": 0.14,
        "microsoft-openai-2025-10": 0.27,
    }


def test_providers_own_shares_go_to_the_lab() -> None:
    assert DEALS["coreweave-openai-2025-03"].terms.warrants == (
        Warrant("CoreWeave", "OpenAI", 0.015, Trigger.DATE, quarter_index("2025Q1")),
    )
    amd = DEALS["amd-openai-2025-10"].terms
    assert [(w.issuer, w.holder, quarter_name(int(w.threshold))) for w in amd.warrants] == [
        ("AMD", "OpenAI", "2026Q4"),
        ("AMD", "OpenAI", "2027Q4"),
        ("AMD", "OpenAI", "2028Q4"),
    ]
    assert sum(warrant.stake_frac for warrant in amd.warrants) == pytest.approx(0.10)
    assert {deal.slug for deal in DEALS.values() if deal.terms.warrants} == {
        "coreweave-openai-2025-03",
        "amd-openai-2025-10",
        "amd-meta-2026-02",
    }


def test_exclusivity_of_microsoft_and_openai_decays() -> None:
    pair = [d for d in DEALS.values() if (d.terms.provider, d.terms.lab) == ("Microsoft", "OpenAI")]
    assert [(quarter_name(deal.quarter), deal.role.value, deal.terms.exclusivity) for deal in pair] == [
        ("2019Q3", "signed", Exclusivity.EXCLUSIVE),
        ("2021Q1", "signed", Exclusivity.EXCLUSIVE),
        ("2023Q1", "signed", Exclusivity.EXCLUSIVE),
        ("2025Q1", "exclusivity_change", Exclusivity.FIRST_REFUSAL),
        ("2025Q4", "signed", Exclusivity.PRIMARY),
        ("2026Q2", "exclusivity_change", Exclusivity.NONE),
    ]
    assert all(deal.terms.exclusive_until is None for deal in pair)


def test_suppliers_and_investors_bring_equity_and_never_capacity() -> None:
    for deal in DEALS.values():
        if deal.role in (Role.SUPPLIER, Role.INVESTOR, Role.EXCLUSIVITY_CHANGE):
            assert deal.terms.gw_by_quarter == ()
    suppliers = {deal.slug: deal.terms.equity_usd_bn for deal in DEALS.values() if deal.role is Role.SUPPLIER}
    assert {slug: equity for slug, equity in suppliers.items() if equity} == {
        "nvidia-xai-2025-10": 2.0,
        "nvidia-anthropic-2025-11": 10.0,
        "nvidia-openai-2026-02": 30.0,
        "amd-anthropic-2026-07": 5.0,
    }
    investors = [deal for deal in DEALS.values() if deal.role is Role.INVESTOR]
    assert {deal.terms.provider for deal in investors} == {"Outside investors"}
    assert sum(deal.terms.equity_usd_bn for deal in investors) == 61.5


def test_weak_rows_are_signed_and_never_a_target() -> None:
    weak = {deal.slug for deal in DEALS.values() if deal.role is not Role.IGNORED and not deal.is_target}
    assert weak == {
        "microsoft-openai-2021-01",
        "coreweave-openai-2025-05",
        "nebius-meta-2025-11",
        "lambda-anthropic-2026-09",
    }


def test_a_scenario_passes_its_own_numbers() -> None:
    rules = ImputationRules(commitment_per_equity=1.5, take_or_pay_frac=0.5)
    terms = {deal.slug: deal.terms for deal in FACTS.disclosed_deals(rules=rules)}["microsoft-openai-2023-01"]
    assert terms.commitment_usd_bn == pytest.approx(15)
    assert terms.take_or_pay_frac == 0.5
