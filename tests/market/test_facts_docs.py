"""The tables in docs/facts.md are those of the shipped files."""

from __future__ import annotations

from pathlib import Path

from market.fact_admitted import admitted, admitted_table
from market.fact_tables import deal_table, ignored_table
from market.facts import Facts

PAGE = Path(__file__).parents[2] / "docs" / "facts.md"


def test_the_page_shows_the_shipped_rows() -> None:
    deals = Facts.load().disclosed_deals()
    page = PAGE.read_text(encoding="utf-8")
    assert deal_table(deals) in page
    assert ignored_table(deals) in page


def test_the_page_shows_which_targets_origins_and_horizons_the_facts_admit() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = page.split("<!-- targets: generated -->\n")[1].split("\n<!-- end of targets -->")[0]
    assert shown == admitted_table(admitted(Facts.load()))
