"""The checks of docs/validation.md on made-up results."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from experiments import validation
from experiments.validation import Check, at, judge, over_forecast, table, year_sum

MARKET = pd.DataFrame(
    {
        "run": [0, 0, 0, 1, 1, 1],
        "quarter": ["2025Q4", "2026Q1", "2026Q2"] * 2,
        "forecast": [False, True, True] * 2,
        "capex_big4_usd_bn": [1.0, 2.0, 3.0, 1.0, 4.0, 5.0],
    }
)
DEALS = pd.DataFrame(
    {
        "run": [0, 0, 0, 1],
        "quarter": ["2025Q1", "2026Q1", "2026Q2", "2026Q2"],
        "origin": ["disclosed", "simulated", "simulated", "simulated"],
        "equity_usd_bn": [9.0, 2.0, 0.0, 4.0],
        "upfront_usd_bn": [9.0, 0.5, 0.0, 1.0],
        "commitment_usd_bn": [9.0, 6.0, 5.0, 20.0],
        "exclusivity": ["none", "exclusive", "none", "none"],
    }
)


def results() -> Any:
    return SimpleNamespace(market=MARKET, deals=DEALS, tables={"market": MARKET, "deals": DEALS}, runs=[0, 1])


def test_measures_are_taken_by_run() -> None:
    assert at("market", "capex_big4_usd_bn", "2026Q1")(results()).tolist() == [2.0, 4.0]
    assert year_sum("capex_big4_usd_bn", 2026)(results()).tolist() == [5.0, 9.0]
    assert over_forecast("capex_big4_usd_bn", "min")(results()).tolist() == [2.0, 4.0]


def test_measures_of_deals_leave_out_disclosed_ones() -> None:
    assert validation.share_without_equity(results()).tolist() == [0.5, 0.0]
    assert validation.compute_to_equity(results()).tolist() == [3.0, 5.0]
    assert validation.upfront_share(results()).tolist() == [0.25, 0.25]
    assert validation.equity_between(2026, 2026)(results()).tolist() == [2.0, 4.0]
    assert validation.exclusive_share(2026, 2026)(results()).tolist() == [0.5, 0.0]
    assert validation.deals_a_year(results()).tolist() == [4.0, 2.0]


@pytest.mark.parametrize(("low", "high", "mark"), [(0.0, 2.9, "**out**"), (2.9, 3.1, "in"), (3.1, 9.0, "**out**")])
def test_the_median_is_judged(low: float, high: float, mark: str) -> None:
    check = Check("capex", "USD bn", low, high, "because", at("market", "capex_big4_usd_bn", "2026Q1"))
    verdict = judge(check, results())
    assert (verdict.median, verdict.lower, verdict.upper) == (3.0, pytest.approx(2.2), pytest.approx(3.8))
    assert table("t", (check,), results()).splitlines()[-1].endswith(f"| because | {mark} |")


def test_nothing_to_measure_is_no_pass() -> None:
    check = Check("nothing", "x", 0.0, 1.0, "because", lambda _: pd.Series([float("nan")]))
    assert table("t", (check,), results()).splitlines()[-1].endswith("| **no case** |")


def test_only_the_marked_part_of_the_page_is_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{validation.BEGIN}\nold\n{validation.END}\nafter\n")
    validation.rewrite(page, "new")
    assert page.read_text() == f"before\n{validation.BEGIN}\n\nnew\n{validation.END}\nafter\n"
