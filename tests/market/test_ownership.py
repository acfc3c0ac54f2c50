"""Cap tables: dilution, recapitalisation, warrants."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.invariants import check_cap_tables
from market.ownership import CapEvent, CapTable


def test_dilution_in_the_round_of_february_2026() -> None:
    """27 % before USD 110 bn at 730 pre-money becomes 23.46 %; Amazon's 50 buy 5.95 % (field notes 4.2)."""
    table = CapTable({"Microsoft": 27.0, "others": 73.0})
    assert table.issue("round", 110.0, 730.0) == pytest.approx(110 / 840, abs=1e-14)
    assert table.fraction("Microsoft") == pytest.approx(0.27 * 730 / 840, abs=1e-14)
    assert round(table.fraction("Microsoft"), 4) == 0.2346

    parts = CapTable({"Microsoft": 0.27, "others": 0.73})
    # Investors of one round buy one after another at the pre-money raised by the money before them.
    for holder, amount, pre_money in (("Amazon", 50.0, 730.0), ("NVIDIA", 30.0, 780.0), ("SoftBank", 30.0, 810.0)):
        parts.issue(holder, amount, pre_money)
    expected = {"Microsoft": 0.27 * 730 / 840, "others": 0.73 * 730 / 840}
    expected |= {"Amazon": 50 / 840, "NVIDIA": 30 / 840, "SoftBank": 30 / 840}
    assert parts.fractions() == pytest.approx(expected, abs=1e-14)
    assert round(parts.fraction("Amazon"), 4) == 0.0595


def test_a_participant_keeps_old_shares_beside_new_ones() -> None:
    table = CapTable({"Amazon": 1.0, "founders": 3.0})
    assert table.issue("Amazon", 25.0, 100.0) == 0.2
    assert table.fractions() == {"Amazon": 0.4, "founders": 0.6}


def test_nothing_invested_changes_nothing() -> None:
    """M13: with the equity channel at zero no cap table changes."""
    table = CapTable({"founders": 1.0})
    assert table.issue("Amazon", 0.0, 100.0) == 0.0
    table.grant("Amazon", 0.0)
    assert (table.fractions(), table.history) == ({"founders": 1.0}, [])


def test_warrants_give_a_fraction_of_all_shares_afterwards() -> None:
    table = CapTable({"holders": 1.0})
    table.grant("OpenAI", 0.2)
    assert table.fractions() == {"holders": 0.8, "OpenAI": 0.2}


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.27, 0.49, 0.75])
def test_a_recapitalisation_sets_one_fraction_and_keeps_the_others_in_proportion(fraction: float) -> None:
    table = CapTable({"Microsoft": 0.49, "staff": 0.34, "foundation": 0.17})
    table.set_fraction("Microsoft", fraction)
    assert table.fraction("Microsoft") == pytest.approx(fraction, abs=1e-14)
    assert table.fraction("staff") == pytest.approx((1.0 - fraction) * 2 / 3, abs=1e-14)
    assert table.fraction("foundation") == pytest.approx((1.0 - fraction) / 3, abs=1e-14)


def test_a_recapitalisation_may_bring_in_a_stranger() -> None:
    table = CapTable({"staff": 1.0})
    table.set_fraction("Microsoft", 0.2)
    assert table.fractions() == {"staff": 0.8, "Microsoft": 0.2}


def test_history_lists_the_changes_in_order() -> None:
    table = CapTable({"staff": 1.0})
    table.issue("Amazon", 25.0, 100.0)
    table.grant("AMD", 0.5)
    table.set_fraction("Amazon", 0.25)
    assert table.history == [
        CapEvent("issue", "Amazon", 0.2, 25.0, 100.0),
        CapEvent("grant", "AMD", 0.5, 0.0, 0.0),
        CapEvent("recapitalisation", "Amazon", 0.25, 0.0, 0.0),
    ]


def test_a_stranger_owns_nothing() -> None:
    assert CapTable({"staff": 1.0}).fraction("Amazon") == 0.0


@pytest.mark.parametrize("holders", [{}, {"a": 0.0}, {"a": -1.0, "b": 3.0}, {"a": math.nan}, {"a": math.inf}])
def test_impossible_opening_holders_are_refused(holders: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cap table needs finite weights"):
        CapTable(holders)


@pytest.mark.parametrize(("amount", "pre_money"), [(-1.0, 1.0), (1.0, 0.0), (math.nan, 1.0), (1.0, math.inf)])
def test_impossible_rounds_are_refused(amount: float, pre_money: float) -> None:
    with pytest.raises(ValueError, match="Amazon cannot buy"):
        CapTable({"staff": 1.0}).issue("Amazon", amount, pre_money)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, math.nan])
def test_impossible_fractions_are_refused(fraction: float) -> None:
    table = CapTable({"staff": 1.0})
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\)"):
        table.grant("AMD", fraction)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\)"):
        table.set_fraction("AMD", fraction)


def test_a_recapitalisation_below_one_share_is_refused() -> None:
    with pytest.raises(ValueError, match="fraction of staff is 5e-324, less than one share"):
        CapTable({"staff": 1.0, "seed": 1.0}).set_fraction("staff", 5e-324)


def test_nobody_to_recapitalise_with() -> None:
    with pytest.raises(ValueError, match="staff holds all shares"):
        CapTable({"staff": 1.0}).set_fraction("staff", 0.5)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["issue", "grant", "set"]),
        st.sampled_from(["Amazon", "Microsoft", "staff"]),
        st.just(0.0) | st.floats(0.001, 0.9),
        st.floats(1.0, 1000.0),
    ),
    max_size=12,
)


@given(EVENTS)
def test_fractions_sum_to_one_and_shares_never_fall(events: list[tuple[str, str, float, float]]) -> None:
    """M02: after any history; a priced round multiplies everybody else's fraction by V / (V + A)."""
    table = CapTable({"staff": 1.0, "seed": 1.0})
    for kind, holder, size, pre_money in events:
        shares, before = table.shares_outstanding, table.fractions()
        if kind == "issue":
            table.issue(holder, size * pre_money, pre_money)
            for name in before.keys() - {holder}:
                assert table.fraction(name) == pytest.approx(before[name] / (1.0 + size), abs=1e-12)
        elif kind == "grant":
            table.grant(holder, size)
        else:
            table.set_fraction(holder, size)
        assert table.shares_outstanding >= shares or (kind == "set" and size == 0.0)
        check_cap_tables({"lab": table})
