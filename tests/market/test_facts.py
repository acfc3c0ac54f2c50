"""Series of the shipped facts against published totals and the facts' own stylised figures."""

from __future__ import annotations

import pytest

from market.calendar import quarter_index, quarter_name
from market.facts import RECAST_FACTOR, Facts, FactsError, Observation

FACTS = Facts.load()
BIG_FOUR = ("Amazon", "Microsoft", "Google", "Meta")


def year_of(series: dict[int, float], year: int) -> float:
    return sum(series[quarter] for quarter in range(year * 4, year * 4 + 4))


@pytest.mark.parametrize(
    ("year", "usd_bn"), [(2015, 23.6), (2019, 69.1), (2022, 151.3), (2023, 147.4), (2024, 228.3), (2025, 376.1)]
)
def test_capex_of_the_four_adds_up_to_the_published_years(year: int, usd_bn: float) -> None:
    assert sum(year_of(FACTS.capex(name), year) for name in BIG_FOUR) == pytest.approx(usd_bn, abs=0.2)


def test_coreweave_is_spread_evenly_over_its_years_and_marked() -> None:
    series = FACTS.capex_observations("CoreWeave")
    first = quarter_index("2023Q1")
    expected = [usd_bn / 4 for usd_bn in (2.943, 8.702, 10.309) for _ in range(4)]
    assert series == [Observation(first + i, value, "imputed") for i, value in enumerate(expected)]
    assert not any(value.is_target for value in series)


def test_a_fiscal_year_that_ends_in_may_is_never_spread() -> None:
    assert min(FACTS.capex("Oracle")) == quarter_index("2019Q1")


def test_last_capex_quarter_is_the_last_one_that_all_quarterly_reporters_have() -> None:
    assert quarter_name(FACTS.last_capex_quarter) == "2026Q1"
    assert quarter_name(FACTS.known_at(quarter_index("2024Q3")).last_capex_quarter) == "2024Q3"


def test_unverified_capex_is_kept_and_never_a_target() -> None:
    series = {quarter_name(value.quarter): value for value in FACTS.capex_observations("Amazon")}
    assert series["2015Q1"] == (quarter_index("2015Q1"), 0.871, "unverified")
    assert [series[name].is_target for name in ("2015Q1", "2025Q4")] == [False, True]


def test_microsoft_joins_over_its_change_of_segments() -> None:
    joined, reported = FACTS.cloud_revenue("Microsoft"), dict_of(FACTS.cloud_revenue_as_reported("Microsoft"))
    before, after = quarter_index("2024Q2"), quarter_index("2024Q3")
    restated = sum(joined[quarter] for quarter in range(before - 3, before + 1))
    assert restated == pytest.approx(87.464, abs=1e-9)
    assert joined[after] == reported[after] == 24.092
    assert joined[before] == 28.515 * RECAST_FACTOR
    assert 0.98 < joined[after] / joined[before] < 1.08


def test_microsoft_stays_as_reported_before_the_change_was_known() -> None:
    early = FACTS.known_at(quarter_index("2024Q2"))
    assert early.cloud_revenue("Microsoft")[quarter_index("2024Q2")] == 28.515


@pytest.mark.parametrize(
    ("provider", "quarter", "revenue"),
    [
        ("Amazon", "2026Q1", 37.587),
        ("Google", "2025Q4", 17.664),
        ("Oracle", "2025Q3", 3.3),
        ("CoreWeave", "2025Q1", 0.982),
    ],
)
def test_cloud_revenue(provider: str, quarter: str, revenue: float) -> None:
    assert FACTS.cloud_revenue(provider)[quarter_index(quarter)] == revenue


def test_meta_has_no_cloud() -> None:
    assert (FACTS.cloud_revenue("Meta"), FACTS.backlog("Meta"), FACTS.market_share("Meta")) == ({}, {}, {})


def test_backlog_outruns_revenue() -> None:
    end = quarter_index("2023Q4")
    assert [FACTS.backlog(name)[end] for name in ("Microsoft", "Google", "Amazon")] == [229, 74.1, 155.7]
    assert FACTS.backlog("Microsoft")[quarter_index("2025Q4")] == 631


def test_market_share_is_a_fraction_and_the_top_three_hold_about_63_percent() -> None:
    shares = [FACTS.market_share(name)[quarter_index("2026Q1")] for name in ("Amazon", "Microsoft", "Google")]
    assert shares == [0.28, 0.21, 0.14]
    assert sum(shares) == pytest.approx(0.63)


def test_lab_series_hold_the_published_run_rates() -> None:
    ends = {quarter_index(f"{year}Q4") for year in (2023, 2024, 2025)}
    openai = FACTS.lab_series("OpenAI", "annualised_revenue_usd_bn")
    assert [value.value for value in openai if value.quarter in ends] == [2.0, 5.5, 20]
    anthropic = FACTS.lab_series("Anthropic", "annualised_revenue_usd_bn")
    assert [(quarter_name(value.quarter), value.value) for value in anthropic] == [
        ("2024Q4", 1.0),
        ("2025Q2", 3.0),
        ("2025Q3", 5.0),
        ("2025Q4", 7.0),
        ("2025Q4", 9.0),
        ("2026Q1", 14),
        ("2026Q1", 19),
    ]


def test_compute_in_use_joins_both_files_without_doubling() -> None:
    assert [(quarter_name(q), gw) for q, gw, _ in FACTS.lab_series("OpenAI", "compute_gw")] == [
        ("2023Q4", 0.2),
        ("2024Q4", 0.6),
        ("2025Q4", 1.9),
    ]
    assert [gw for _, gw, _ in FACTS.lab_series("Anthropic", "compute_gw")] == [1.4]


def test_supply_and_adoption() -> None:
    chips = dict_of(FACTS.supply("NVIDIA data-centre revenue"))
    assert (chips[quarter_index("2023Q1")], chips[quarter_index("2025Q1")]) == (4.284, 39.112)
    ramp = FACTS.adoption("Ramp: businesses paying for AI")
    assert [value.value for value in ramp] == pytest.approx([0.07, 0.35, 0.468, 0.504])


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(FactsError, match="'Amazn' is no company of the facts; did you mean 'Amazon'"):
        FACTS.capex("Amazn")
    with pytest.raises(FactsError, match="'valuation' is no measure of a lab; allowed: annualised_revenue_usd_bn"):
        FACTS.lab_series("OpenAI", "valuation")


def dict_of(series: list[Observation]) -> dict[int, float]:
    return {value.quarter: value.value for value in series}
