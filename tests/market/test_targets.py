"""Target series of the shipped facts, their ranges, and rows appended by a user."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.calendar import quarter_index, quarter_name
from market.fact_admitted import Admitted, admitted, admitted_cells, admitted_table, spans
from market.fact_files import SHIPPED
from market.facts import Facts, FactsError
from market.targets import Measured, Target, rounding, target, target_names

FACTS = Facts.load()
RAMP = "Ramp: businesses paying for AI"


def told(name: str, facts: Facts = FACTS) -> list[tuple[str, float, float, float, str]]:
    return [(quarter_name(m.quarter), *m[1:5]) for m in target(name).observed(facts)]


def known(origin: str) -> Facts:
    return FACTS.known_at(quarter_index(origin))


def appended(folder: Path, **lines: list[str]) -> Facts:
    """The shipped files with lines added at their ends."""
    for stem, new in lines.items():
        text = (SHIPPED / f"{stem}.csv").read_text(encoding="utf-8")
        (folder / f"{stem}.csv").write_text(text + "\n".join(new) + "\n", encoding="utf-8")
    return Facts.load(folder)


def test_a_name_says_family_key_unit_and_scale() -> None:
    assert target("capex[four]") == Target("capex[four]", "capex", "four", "USD bn/quarter", "log")
    assert target("market_share[Amazon]") == Target("market_share[Amazon]", "market_share", "Amazon", "frac", "linear")
    assert target("deals") == Target("deals", "deals", "", "deals/quarter", "linear")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("capx[Amazon]", "'capx[Amazon]' is no target; did you mean 'capex[NAME]'?"),
        ("capex", "'capex' is no target; write 'capex[NAME]'"),
        ("deals[Amazon]", "'deals[Amazon]' is no target; write 'deals'"),
        ("capex[Amazn]", "'capex[Amazn]' is no target; did you mean 'capex[Amazon]'?"),
        ("adoption[Census]", "'adoption[Census]' is no target; did you mean 'adoption[Ramp]'?"),
        ("run_rate[OpenAl]", "'run_rate[OpenAl]' is no target; did you mean 'run_rate[OpenAI]'?"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(FactsError) as caught:
        target(name).observed(FACTS)
    assert str(caught.value) == message


def test_a_company_of_which_nothing_was_known_yet_has_an_empty_series() -> None:
    assert target("cloud_revenue[CoreWeave]").observed(known("2023Q4")) == ()
    assert target("market_share[Google]").observed(known("2018Q4")) == ()


def test_equity_of_signed_deals_is_headline_by_quarter_with_nils_between() -> None:
    amounts = {quarter: value for quarter, value, *_ in told("deal_equity")}
    assert {quarter: value for quarter, value in amounts.items() if value > 0.0} == {
        "2019Q3": 1.0, "2023Q1": 10.3, "2023Q3": 4.0, "2023Q4": 2.0, "2024Q1": 0.016, "2024Q4": 4.0,
        "2025Q1": 1.0, "2025Q4": 5.0, "2026Q1": 50.0, "2026Q2": 65.0,
    }  # fmt: skip
    assert len(amounts) == len(told("deals"))
    assert told("deal_equity")[6] == ("2021Q1", 0.0, 0.0, 2.0, "high")  # unverified: only the range knows of it
    with_equity = {quarter: value for quarter, value, *_ in told("equity_deals")}
    nine_of_eleven = ["2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1"]
    assert [with_equity[quarter] for quarter in nine_of_eleven] == [1.0, 0.0, 0.0, 1.0, 1.0]


def test_run_rates_are_irregular_the_last_of_a_quarter_and_never_weak() -> None:
    assert told("run_rate[OpenAI]") == [
        ("2023Q4", 2.0, 1.6, 2.4, "medium"),
        ("2024Q2", 3.4, 2.72, 4.08, "medium"),
        ("2024Q4", 5.5, 4.95, 6.05, "high"),
        ("2025Q2", 10.0, 9.0, 11.0, "high"),
        ("2025Q3", 12.0, 9.6, 14.4, "medium"),
        ("2025Q4", 20.0, 18.0, 22.0, "high"),
        ("2026Q1", 24.0, 21.6, 26.4, "high"),
    ]
    assert told("run_rate[Anthropic]") == [
        ("2024Q4", 1.0, 0.9, 1.1, "high"),
        ("2025Q3", 5.0, 4.5, 5.5, "high"),
        ("2025Q4", 9.0, 8.1, 9.9, "high"),
        ("2026Q1", 19.0, 15.2, 22.8, "medium"),
    ]


def test_compute_in_use() -> None:
    assert told("compute[OpenAI]") == [
        ("2023Q4", 0.2, 0.15, 0.25, "medium"),
        ("2024Q4", 0.6, 0.54, 0.66, "high"),
        ("2025Q4", 1.9, 1.71, 2.09, "high"),
    ]


def test_conflicting_readings_lie_in_the_ranges() -> None:
    """OpenAI 1.6 at the end of 2023 and 25 early in March 2026; Google 14 % in 2025Q4, 13 % in 2024Q2."""
    cases = [("run_rate[OpenAI]", "2023Q4", 1.6), ("run_rate[OpenAI]", "2026Q1", 25.0)]
    cases += [("market_share[Google]", "2025Q4", 0.14), ("market_share[Google]", "2024Q2", 0.13)]
    for name, quarter, other in cases:
        low, high = next((low, high) for at, _, low, high, _ in told(name) if at == quarter)
        assert low <= other <= high


def test_concentration_is_of_the_three_largest_where_three_are_known() -> None:
    assert [(quarter, value) for quarter, value, *_ in told("cloud_hhi")] == [
        ("2020Q2", 33**2 + 18**2 + 9**2),
        ("2021Q2", 33**2 + 20**2 + 10**2),
        ("2022Q3", 34**2 + 21**2 + 11**2),
        ("2022Q4", 33**2 + 23**2 + 11**2),
        ("2024Q2", 32**2 + 23**2 + 12**2),
        ("2025Q2", 30**2 + 20**2 + 13**2),
        ("2025Q3", 29**2 + 20**2 + 13**2),
        ("2025Q4", 28**2 + 21**2 + 15**2),
        ("2026Q1", 28**2 + 21**2 + 14**2),
    ]
    assert told("cloud_hhi")[-1][2:] == (27.5**2 + 20.5**2 + 13.5**2, 28.5**2 + 21.5**2 + 14.5**2, "high")


def test_deals_are_counted_with_their_zeros_until_the_last_complete_quarter() -> None:
    counts = {quarter: (value, high) for quarter, value, _, high, _ in told("deals")}
    some = {"2019Q3": 1, "2023Q1": 2, "2023Q3": 1, "2023Q4": 1, "2024Q1": 1, "2024Q4": 1, "2025Q1": 2, "2025Q2": 1}
    some |= {"2025Q3": 4, "2025Q4": 4, "2026Q1": 2, "2026Q2": 3}
    quarters = [quarter_name(at) for at in range(quarter_index("2019Q3"), quarter_index("2026Q2") + 1)]
    weak = {"2021Q1": 1, "2025Q2": 1}
    assert counts == {name: (some.get(name, 0), some.get(name, 0) + weak.get(name, 0)) for name in quarters}


def test_zeros_of_deals_run_to_the_origin() -> None:
    assert [value for _, value, *_ in told("deals", known("2022Q4"))] == [1.0] + [0.0] * 13


def test_capex_of_the_four_is_their_sum_where_all_are_known() -> None:
    assert told("capex[four]")[0][0] == "2018Q4"
    assert told("capex[four]")[-1] == ("2026Q1", 129.75, 129.748, 129.752, "high")


def test_an_imputed_or_unverified_value_is_no_target() -> None:
    assert told("capex[CoreWeave]") == []
    assert "capex[CoreWeave]" not in target_names(FACTS)
    assert told("capex[Amazon]")[0][0] == "2018Q1"
    assert [quarter for quarter, *_ in told("cloud_revenue[Oracle]")] == ["2025Q2", "2025Q3", "2026Q1"]


def test_no_target_of_any_name_is_weak_or_out_of_its_range() -> None:
    for name in target_names(FACTS):
        series = target(name).observed(FACTS)
        quarters = [value.quarter for value in series]
        assert quarters == sorted(set(quarters))
        assert {value.confidence for value in series} <= {"high", "medium"}
        assert all(0.0 <= value.low <= value.value <= value.high for value in series)
        assert all(".csv" in value.source for value in series)


def test_microsoft_is_told_in_the_definition_of_the_origin() -> None:
    assert told("cloud_revenue[Microsoft]", known("2024Q2"))[-1][:2] == ("2024Q2", 28.515)
    assert told("cloud_revenue[Microsoft]")[0][:2] == ("2024Q3", 24.092)
    after = target("cloud_revenue[Microsoft]").observed_after(FACTS, quarter_index("2023Q4"))
    assert [(quarter_name(value.quarter), value.value) for value in after] == [("2024Q1", 26.708), ("2024Q2", 28.515)]
    later = target("cloud_revenue[Microsoft]").observed_after(FACTS, quarter_index("2025Q3"))
    assert [(quarter_name(value.quarter), value.value) for value in later] == [("2025Q4", 32.907), ("2026Q1", 34.681)]


def test_adoption_and_accelerators() -> None:
    assert told("adoption[Ramp]") == [
        ("2023Q1", 0.07, 0.065, 0.075, "high"),
        ("2025Q1", 0.35, 0.345, 0.355, "high"),
        ("2026Q1", 0.504, 0.499, 0.509, "high"),
    ]
    assert told("accelerators[NVIDIA]") == [
        ("2024Q3", 30.771, 30.7705, 30.7715, "high"),
        ("2025Q1", 39.112, 39.1115, 39.1125, "high"),
        ("2025Q2", 41.096, 41.0955, 41.0965, "high"),
        ("2025Q3", 51.215, 51.2145, 51.2155, "high"),
        ("2025Q4", 62.3, 62.25, 62.35, "medium"),
        ("2026Q1", 75.2, 75.15, 75.25, "high"),
    ]


def test_rounding() -> None:
    assert [rounding(value) for value in (0.871, 3.3, 3.0, 12.25)] == [0.0005, 0.05, 0.05, 0.005]
    assert [rounding(value, 0) for value in (229.0, 74.1)] == [0.5, 0.05]


NEXT_QUARTER = {
    "capex_quarterly": [f"2026Q2,{name},50.5,,made up,high," for name in ("AMZN", "MSFT", "GOOGL", "META", "ORCL")],
    "cloud_revenue": ["2026Q2,AMZN,AWS,40.25,,30,400,made up,high,"],
    "labs": [
        "OpenAI,2026-05-15,,29,,,,,made up,high,",
        "OpenAI,2026-06-30,,30,,,2.5,,made up,high,",
        "Anthropic,2026-06-30,,40,,,,,made up,low,",
        "Brand New Lab,2026-06-30,,1.5,,,,,made up,medium,",
    ],
    "market_share": ["2026Q2,AWS,27,,made up,high,", "2026Q2,Hetzner,4,,made up,high,"],
    "adoption": [f"2026-06-30,{RAMP},55,made up,high,"],
    "supply": ["2026Q2,NVIDIA data-centre revenue,80.5,usd_bn,made up,high,"],
}


def test_appended_rows_become_targets_and_the_new_origin(tmp_path: Path) -> None:
    facts = appended(tmp_path, **NEXT_QUARTER)
    new = quarter_index("2026Q2")
    assert (FACTS.latest_origin, facts.latest_origin) == (new - 1, new)
    now = {name: target(name).observed(facts)[-1] for name in target_names(facts)}
    line = (SHIPPED / "cloud_revenue.csv").read_text(encoding="utf-8").count("\n") + 1
    assert now["cloud_revenue[Amazon]"] == Measured(
        new, 40.25, 40.245, 40.255, "high", f"made up (cloud_revenue.csv:{line})"
    )
    signed = ("deals", "equity_deals", "deal_equity")
    assert {name: value[1:4] for name, value in now.items() if value.quarter == new and name not in signed} == {
        **{f"capex[{name}]": (50.5, 50.45, 50.55) for name in ("Amazon", "Google", "Meta", "Microsoft", "Oracle")},
        "capex[four]": (202.0, 201.8, 202.2),
        "cloud_revenue[Amazon]": (40.25, 40.245, 40.255),
        "backlog[Amazon]": (400.0, 399.5, 400.5),
        "run_rate[OpenAI]": (30.0, 27.0, 33.0),
        "run_rate[Brand New Lab]": (1.5, 1.2, 1.8),
        "compute[OpenAI]": (2.5, 2.25, 2.75),
        "market_share[Amazon]": (0.27, 0.265, 0.275),
        "market_share[Hetzner]": (0.04, 0.035, 0.045),
        "adoption[Ramp]": (0.55, 0.545, 0.555),
        "accelerators[NVIDIA]": (80.5, 80.45, 80.55),
    }
    assert facts.known_at(new - 1).latest_origin == new - 1


def test_the_origin_waits_for_the_last_company(tmp_path: Path) -> None:
    facts = appended(tmp_path, capex_quarterly=NEXT_QUARTER["capex_quarterly"][:-1])
    assert facts.latest_origin == FACTS.latest_origin
    assert told("capex[four]", facts)[-1][:2] == ("2026Q2", 202.0)


def test_a_provider_that_is_new_to_the_companies_files_needs_only_a_name(tmp_path: Path) -> None:
    facts = appended(
        tmp_path,
        names=["company,NBIS,Nebius,other_cloud,nebius,", "segment,Nebius AI,Nebius,cloud,nebius,"],
        cloud_revenue=["2026Q1,NBIS,Nebius AI,0.25,,,,made up,high,"],
    )
    assert told("cloud_revenue[Nebius]", facts) == [("2026Q1", 0.25, 0.245, 0.255, "high")]


def test_an_appended_deal_ends_the_quarter_before_it(tmp_path: Path) -> None:
    header = (SHIPPED / "deals.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    row = {"date": "2026-10-02", "provider": "Amazon/AWS", "lab": "OpenAI", "confidence": "high"}
    facts = appended(tmp_path, deals=[",".join(row.get(column, "") for column in header)])
    assert (quarter_name(FACTS.deals_until), quarter_name(facts.deals_until)) == ("2026Q2", "2026Q3")
    assert told("deals", facts)[-2:] == [("2026Q2", 3.0, 3.0, 3.0, "high"), ("2026Q3", 0.0, 0.0, 0.0, "high")]


def test_which_origins_and_horizons_the_facts_admit() -> None:
    rows = {(row.target, row.origin): row for row in admitted(FACTS)}
    assert len(rows) == 5 * len(target_names(FACTS))
    cases = {
        ("capex[four]", "2021Q4"): (13, (1, 2, 3, 4, 5, 6, 7, 8)),
        ("capex[four]", "2025Q4"): (29, (1,)),
        ("run_rate[OpenAI]", "2021Q4"): (0, (8,)),
        ("run_rate[OpenAI]", "2023Q4"): (1, (2, 4, 6, 7, 8)),
        ("run_rate[Anthropic]", "2024Q4"): (1, (3, 4, 5)),
        ("cloud_revenue[Microsoft]", "2023Q4"): (20, (1, 2)),
        ("deals", "2024Q4"): (22, (1, 2, 3, 4, 5, 6)),
    }
    assert {key: (rows[key].known, rows[key].horizons) for key in cases} == cases


def test_the_tables_of_what_is_admitted() -> None:
    rows = [Admitted("a", "2021Q4", 3, (1, 2, 4)), Admitted("a", "2022Q4", 0, ()), Admitted("b", "2021Q4", 2, ())]
    assert admitted_cells(rows) == [
        {"target": "a", "2021Q4": "3: 1-2,4", "2022Q4": "-"},
        {"target": "b", "2021Q4": "2"},
    ]
    assert admitted_table(rows[:2]) == "| target | 2021Q4 | 2022Q4 |\n|---|---|---|\n| `a` | 3: 1-2,4 | - |"
    assert admitted_table([]) == "none"
    assert spans([2]) == "2"
