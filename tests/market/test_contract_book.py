"""The contract book: one status per deal, arrays that agree with the running deals."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.contract_book import QUARTERS_BEYOND, ContractBook
from market.deals import DealStatus, Exclusivity, TermSheet, Tranche, Trigger, Warrant
from market.invariants import check_book

FIRST, LAST = 8100, 8110


def book() -> ContractBook:
    return ContractBook(["Amazon", "Google"], ["Anthropic", "OpenAI", "Cohere"], FIRST, LAST)


def terms(provider: str = "Amazon", lab: str = "Anthropic", **changes: object) -> TermSheet:
    values: dict[str, object] = {"quarter": 8100, "start_quarter": 8102, "gw_by_quarter": (0.25, 0.5, 1.0)}
    values |= {"price_usd_bn_per_gw_quarter": 4.0} | changes
    return TermSheet(provider, lab, **values)  # type: ignore[arg-type]


def test_signing_numbers_deals_and_logs_the_event() -> None:
    contracts = book()
    first = contracts.sign(terms(), 8100)
    second = contracts.sign(terms("Google"), 8101, "disclosed", "google-anthropic-2025-10", ("price",))
    assert contracts.deals == [first, second]
    assert (first.number, first.slug, first.origin, first.imputed) == (0, "", "simulated", ())
    assert (second.number, second.slug, second.origin, second.imputed) == (
        1,
        "google-anthropic-2025-10",
        "disclosed",
        ("price",),
    )
    assert (second.status, second.signed_quarter, second.events) == (
        DealStatus.SIGNED,
        8101,
        [(8101, "signed: disclosed")],
    )


def test_a_number_may_be_left_free() -> None:
    contracts = book()
    first = contracts.sign(terms(), 8100)
    contracts.skip_to(2)
    later = contracts.sign(terms("Google"), 8100)
    contracts.skip_to(1)
    last = contracts.sign(terms("Google"), 8100)
    assert [deal.number for deal in contracts.deals] == [0, 2, 3]
    assert [contracts.deal(number) for number in (0, 2, 3)] == [first, later, last]
    with pytest.raises(KeyError):
        contracts.deal(1)
    contracts.move(later, DealStatus.TERMINATED, 8101, "test")
    check_book(contracts)
    assert contracts.running() == [first, last]


def test_promises_and_backlog_of_one_deal() -> None:
    contracts = book()
    contracts.sign(terms(), 8100)
    assert [contracts.promised_gw(quarter)[0, 0] for quarter in range(8100, 8106)] == [0.0, 0.0, 0.25, 0.5, 1.0, 0.0]
    assert [contracts.backlog_usd_bn(quarter)[0, 0] for quarter in range(8101, 8106)] == [7.0, 7.0, 6.0, 4.0, 0.0]
    assert contracts.promised_gw(8103).tolist() == [[0.5, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_promises_of_a_pair_add_up() -> None:
    contracts = book()
    contracts.sign(terms(), 8100)
    contracts.sign(terms(start_quarter=8103, gw_by_quarter=(2.0,), price_usd_bn_per_gw_quarter=1.0), 8101)
    assert contracts.promised_path(8101, 5)[0, 0].tolist() == [0.0, 0.25, 2.5, 1.0, 0.0]
    assert contracts.backlog_usd_bn(8101)[0, 0] == 9.0


def test_backlog_counts_quarters_after_the_last_one_and_the_path_is_padded_with_zeros() -> None:
    contracts = book()
    contracts.sign(terms(start_quarter=LAST, gw_by_quarter=(1.0,) * (QUARTERS_BEYOND + 1)), 8100)
    assert contracts.backlog_usd_bn(LAST)[0, 0] == 4.0 * (QUARTERS_BEYOND + 1)
    path = contracts.promised_path(LAST, QUARTERS_BEYOND + 3)[0, 0]
    assert path.tolist() == [1.0] * (QUARTERS_BEYOND + 1) + [0.0, 0.0]
    with pytest.raises(ValueError, match="capacity promised after"):
        contracts.sign(terms(start_quarter=LAST, gw_by_quarter=(1.0,) * (QUARTERS_BEYOND + 2)), 8100)


def test_capacity_is_promised_from_the_signature_on() -> None:
    contracts = book()
    contracts.sign(terms(start_quarter=8098, gw_by_quarter=(1.0,) * 6), 8102)
    assert contracts.promised_path(8100, 5)[0, 0].tolist() == [0.0, 0.0, 1.0, 1.0, 0.0]


def test_a_deal_from_before_the_first_quarter_counts_from_there() -> None:
    contracts = book()
    contracts.sign(terms(quarter=8090, start_quarter=8098, gw_by_quarter=(1.0, 2.0, 3.0, 4.0)), 8090)
    assert contracts.promised_path(8100, 3)[0, 0].tolist() == [3.0, 4.0, 0.0]
    with pytest.raises(ValueError, match="lies before the book's first quarter, 2025Q1"):
        contracts.promised_gw(8099)


def test_termination_leaves_no_residue_and_keeps_the_past() -> None:
    contracts = book()
    tenth = contracts.sign(terms(gw_by_quarter=(0.1,) * 4), 8100)
    contracts.sign(terms(gw_by_quarter=(0.2,) * 4), 8100)
    contracts.move(tenth, DealStatus.TERMINATED, 8104, "mutual")
    assert contracts.promised_path(8102, 4)[0, 0].tolist() == [0.1 + 0.2, 0.1 + 0.2, 0.2, 0.2]
    assert tenth.events[-1] == (8104, "terminated: mutual")
    assert contracts.running() == [contracts.deals[1]]
    assert contracts.running(8103) == contracts.deals
    assert contracts.running(8104) == [contracts.deals[1]]


def test_deals_that_end_out_of_order_keep_their_past() -> None:
    contracts = book()
    early, late = contracts.sign(terms(), 8100), contracts.sign(terms(), 8100)
    contracts.move(late, DealStatus.DEFAULTED, 8104, "arrears")
    contracts.move(early, DealStatus.TERMINATED, 8103, "backdated")
    assert contracts.promised_path(8102, 3)[0, 0].tolist() == [0.5, 0.5, 0.0]


def test_parties_without_a_row_may_sign() -> None:
    contracts = book()
    deal = contracts.sign(terms("NVIDIA", "OpenAI"), 8100)
    assert contracts.running() == [deal]
    assert not contracts.promised_gw(8103).any()
    contracts.move(deal, DealStatus.TERMINATED, 8103, "test")
    assert contracts.running() == []


def test_answers_are_copies() -> None:
    contracts = book()
    contracts.sign(terms(), 8100)
    contracts.promised_gw(8102)[:] = 9.0
    contracts.promised_path(8102, 3)[:] = 9.0
    contracts.running().clear()
    assert contracts.promised_gw(8102)[0, 0] == 0.25
    assert len(contracts.running()) == 1


def test_life_of_a_capacity_deal() -> None:
    contracts = book()
    deal = contracts.sign(terms(), 8100)
    changed = [(quarter, contracts.advance(quarter)) for quarter in range(8100, 8107)]
    assert [(quarter, deals) for quarter, deals in changed if deals] == [(8102, [deal]), (8105, [deal])]
    assert deal.events == [
        (8100, "signed: simulated"),
        (8102, "active: start of the term"),
        (8105, "fulfilled: term over and equity settled"),
    ]


def test_an_equity_deal_is_active_at_once_and_over_when_paid() -> None:
    contracts = book()
    deal = contracts.sign(terms(gw_by_quarter=(), tranches=(Tranche(1.0, Trigger.DATE, 8101.0),)), 8100)
    assert contracts.advance(8100) == [deal]
    assert contracts.advance(8105) == []
    deal.tranche_paid[0] = True
    assert contracts.advance(8106) == [deal]
    assert deal.events == [
        (8100, "signed: simulated"),
        (8100, "active: start of the term"),
        (8106, "fulfilled: term over and equity settled"),
    ]


def test_open_milestones_lapse_with_the_term_and_dated_tranches_stay_due() -> None:
    contracts = book()
    tranches = (
        Tranche(1.0, Trigger.GW_LIVE, 9.0),
        Tranche(2.0, Trigger.DATE, 8107.0),
        Tranche(3.0, Trigger.REVENUE, 1.0),
    )
    warrants = (Warrant("Amazon", "Anthropic", 0.1, Trigger.VALUATION, 500.0),)
    deal = contracts.sign(terms(tranches=tranches, warrants=warrants), 8100)
    deal.tranche_paid[2] = True
    assert contracts.advance(8102) == [deal]
    assert contracts.advance(8105) == []
    assert (deal.status, deal.tranche_lapsed, deal.warrant_lapsed) == (DealStatus.ACTIVE, [True, False, False], [True])
    assert deal.events[-2:] == [
        (8105, "tranche 0 lapsed: gw_live 9 not reached"),
        (8105, "warrant 0 lapsed: valuation 500 not reached"),
    ]
    deal.tranche_paid[1] = True
    assert contracts.advance(8107) == [deal]
    assert deal.status is DealStatus.FULFILLED


def test_milestones_of_a_deal_without_capacity_wait() -> None:
    contracts = book()
    deal = contracts.sign(terms(gw_by_quarter=(), tranches=(Tranche(1.0, Trigger.VALUATION, 300.0),)), 8100)
    for quarter in range(8100, 8111):
        contracts.advance(quarter)
    assert (deal.status, deal.tranche_lapsed) == (DealStatus.ACTIVE, [False])


def test_a_dated_revenue_share_keeps_a_deal_running_after_its_capacity() -> None:
    contracts = book()
    deal = contracts.sign(terms(revenue_share_frac=0.2, revenue_share_until=8108), 8100)
    for quarter in range(8100, 8108):
        contracts.advance(quarter)
    assert deal.status is DealStatus.ACTIVE
    assert contracts.advance(8108) == [deal]


@pytest.mark.parametrize("status", [DealStatus.PROPOSED, DealStatus.SIGNED, DealStatus.ACTIVE, DealStatus.TERMINATED])
def test_nothing_follows_an_end(status: DealStatus) -> None:
    contracts = book()
    deal = contracts.sign(terms(), 8100)
    contracts.move(deal, DealStatus.DEFAULTED, 8103, "arrears")
    before = copy.deepcopy(deal)
    with pytest.raises(ValueError, match=f"deal 0 cannot go from defaulted to {status}"):
        contracts.move(deal, status, 8104, "test")
    assert deal == before


def test_a_deal_of_another_book_is_refused() -> None:
    deal = book().sign(terms(), 8100)
    contracts = book()
    contracts.sign(terms(), 8100)
    with pytest.raises(ValueError, match="deal 0 is not in this book"):
        contracts.move(deal, DealStatus.ACTIVE, 8102, "test")


def test_a_slug_is_used_once() -> None:
    contracts = book()
    contracts.sign(terms(), 8100, slug="a-b-2025-01")
    with pytest.raises(ValueError, match="deal 'a-b-2025-01' is already in the book"):
        contracts.sign(terms(), 8100, slug="a-b-2025-01")
    assert len(contracts.deals) == 1


def test_refused_terms_leave_no_trace() -> None:
    contracts = book()
    with pytest.raises(ValueError, match="deal of Amazon and Anthropic: take-or-pay"):
        contracts.sign(terms(take_or_pay_frac=2.0), 8100)
    assert contracts.deals == []


def test_strongest_clause_by_provider() -> None:
    contracts = book()
    contracts.sign(terms("Amazon", exclusivity=Exclusivity.PRIMARY), 8100)
    contracts.sign(terms("Amazon", exclusivity=Exclusivity.EXCLUSIVE, exclusive_until=8103), 8100)
    contracts.sign(terms("Google"), 8100)
    contracts.sign(terms("Google", "OpenAI", exclusivity=Exclusivity.FIRST_REFUSAL), 8101)
    assert contracts.exclusivity("Anthropic", 8102) == {"Amazon": Exclusivity.EXCLUSIVE}
    assert contracts.exclusivity("Anthropic", 8103) == {"Amazon": Exclusivity.PRIMARY}
    assert contracts.exclusivity("OpenAI", 8100) == {}
    assert contracts.exclusivity("OpenAI", 8101) == {"Google": Exclusivity.FIRST_REFUSAL}


def test_a_clause_ends_with_its_deal() -> None:
    contracts = book()
    deal = contracts.sign(terms(exclusivity=Exclusivity.EXCLUSIVE), 8100)
    contracts.move(deal, DealStatus.TERMINATED, 8103, "test")
    assert contracts.exclusivity("Anthropic", 8103) == {}


def test_an_amendment_changes_every_running_deal_of_the_pair_once() -> None:
    contracts = book()
    exclusive = contracts.sign(terms(exclusivity=Exclusivity.EXCLUSIVE, exclusive_until=8104), 8100)
    refusal = contracts.sign(terms(exclusivity=Exclusivity.FIRST_REFUSAL), 8100)
    other = contracts.sign(terms("Google", exclusivity=Exclusivity.EXCLUSIVE), 8100)
    contracts.change_exclusivity("Amazon", "Anthropic", Exclusivity.FIRST_REFUSAL, 8102)
    contracts.change_exclusivity("Amazon", "Anthropic", Exclusivity.FIRST_REFUSAL, 8103)
    assert exclusive.events[-1] == (8102, "exclusivity: exclusive to first_refusal")
    assert [len(deal.amendments) for deal in (exclusive, refusal, other)] == [1, 0, 0]
    assert contracts.exclusivity("Anthropic", 8102) == {
        "Amazon": Exclusivity.FIRST_REFUSAL,
        "Google": Exclusivity.EXCLUSIVE,
    }
    assert contracts.exclusivity("Anthropic", 8106)["Amazon"] is Exclusivity.FIRST_REFUSAL


def test_an_amendment_of_a_pair_without_deals_changes_nothing() -> None:
    contracts = book()
    contracts.change_exclusivity("Amazon", "Anthropic", Exclusivity.EXCLUSIVE, 8102)
    assert contracts.exclusivity("Anthropic", 8102) == {}


def test_last_quarter_before_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match="last quarter 8099 lies before the first, 8100"):
        ContractBook(["Amazon"], ["Anthropic"], 8100, 8099)


def test_a_copy_and_a_pickle_continue_alike() -> None:
    contracts = book()
    contracts.sign(terms(), 8100)
    for twin in (copy.deepcopy(contracts), pickle.loads(pickle.dumps(contracts))):
        twin.advance(8102)
        assert [deal.status for deal in twin.deals] == [DealStatus.ACTIVE]
        assert contracts.deals[0].status is DealStatus.SIGNED
        assert np.array_equal(twin.promised_gw(8103), contracts.promised_gw(8103))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["Amazon", "Google", "NVIDIA"]),
        st.sampled_from(["Anthropic", "OpenAI"]),
        st.lists(st.floats(0.0, 5.0), max_size=12),
        st.integers(0, 6),
        st.sampled_from([None, DealStatus.TERMINATED, DealStatus.DEFAULTED]),
    ),
    max_size=11,
)


@settings(max_examples=40, deadline=None)
@given(ACTIONS)
def test_arrays_equal_the_running_deals_after_any_history(
    actions: list[tuple[str, str, list[float], int, DealStatus | None]],
) -> None:
    contracts = book()
    for step, (provider, lab, gw, lead, end) in enumerate(actions):
        quarter = FIRST + step
        contracts.advance(quarter)
        contracts.sign(terms(provider, lab, start_quarter=quarter + lead, gw_by_quarter=tuple(gw)), quarter)
        if end is not None and contracts.running():
            contracts.move(contracts.running()[0], end, quarter, "test")
    check_book(contracts)
