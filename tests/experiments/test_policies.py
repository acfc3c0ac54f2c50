"""The shipped policies and shocks, rules that do nothing, and the tables of docs/policies.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

from cloudpact.schema import TABLES
from experiments import policies
from experiments.comparison import Comparison
from experiments.policies import FOLDER, OUTCOMES, RULES, SHOCKS, scenario_of, study, table_of_effects, table_of_pairs
from experiments.running import run
from experiments.validation import BEGIN, END
from market.scenario import Rule, RuleKind, Scenario, Shock, ShockKind
from tests.experiments.test_comparison import market

TINY = Scenario.load("tiny").with_({"time.end": "2026Q4"})
PAGE = policies.PAGE.read_text(encoding="utf-8")


# What is shipped


def test_every_kind_of_rule_and_shock_is_studied_and_every_file_is() -> None:
    scenarios = [scenario_of(name) for name in (*RULES, *SHOCKS)]
    rules = {rule.kind for scenario in scenarios for rule in scenario.policy.rules}
    shocks = {shock.kind for scenario in scenarios for shock in scenario.shocks}
    assert rules | shocks == {*get_args(RuleKind), *get_args(ShockKind)} - {"none"}
    assert {path.stem for path in FOLDER.glob("*.toml")} <= {*RULES, *SHOCKS}


@pytest.mark.parametrize("name", [*RULES, *SHOCKS])
def test_a_policy_is_the_baseline_with_its_rules_alone(name: str) -> None:
    scenario = scenario_of(name)
    assert scenario.name == name
    assert scenario.description
    expected = "policy.rules" if name in RULES else "shocks"
    assert set(scenario_of("baseline").diff(scenario)) == {"name", "description", expected}
    since = [entry.since for entries in (scenario.policy.rules, scenario.shocks) for entry in entries]
    assert min(since) > scenario.time.deals_until


def test_all_rules_holds_every_other_rule_at_its_strictest() -> None:
    together = {(rule.kind, rule.since, rule.size) for rule in scenario_of("all-rules").policy.rules}
    alone = {
        (rule.kind, rule.since, rule.size)
        for name in RULES
        if name not in ("all-rules", "voluntary-egress-cut")
        for rule in scenario_of(name).policy.rules
    }
    assert together == alone


# Rules that do nothing


def with_rules(*rules: Rule) -> Scenario:
    policy = TINY.policy.model_copy(update={"rules": rules})
    return TINY.model_copy(update={"name": "-".join(rule.kind for rule in rules), "policy": policy})


NO_OPS = [
    Rule(kind="none", since="2025Q1"),
    Rule(kind="disclosure", since="2025Q1"),
    Rule(kind="stake_cap", since="2025Q1", size=1.0),
    Rule(kind="egress_cap", since="2025Q1", size=1.0),
    Rule(kind="interoperability", since="2025Q1", size=1.0),
    Rule(kind="interoperability", since="2027Q1", size=0.0),  # after the end
    Rule(kind="egress_cap", since="2026Q1", until="2026Q1", size=0.0),  # over before it begins
]


@pytest.mark.parametrize("rule", NO_OPS, ids=lambda rule: f"{rule.kind}-{rule.since}-{rule.size}")
def test_a_rule_that_does_nothing_equals_the_baseline_bit_for_bit(rule: Rule) -> None:
    assert run(with_rules(rule), seed=3).content_hash() == run(TINY, seed=3).content_hash()


def test_the_study_names_what_changes_no_bit() -> None:
    worlds = {
        "nothing": with_rules(*NO_OPS),
        "something": with_rules(Rule(kind="egress_cap", since="2025Q1", size=0.0)),
        "collapse": TINY.model_copy(update={"shocks": (Shock(kind="demand_collapse", since="2025Q2", size=0.4),)}),
    }
    found = study(TINY, worlds, 2, 1, ["lab_revenue_annualised_usd_bn", "market_hhi"])
    assert found.identical == ("nothing",)
    assert list(found.comparisons) == list(worlds)
    effects = found.comparisons["nothing"].effects
    assert (effects["effect"] == 0.0).all()
    assert (effects["identical"] == 2).all()
    collapse = found.comparisons["collapse"]
    assert collapse.effects["effect"].to_dict()["lab_revenue_annualised_usd_bn"] < 0.0
    assert collapse.names == ("tiny", "collapse")
    table = table_of_effects(found.comparisons)
    assert table.splitlines()[2].split(" | ")[2] == "same"


# Tables


def comparisons() -> dict[str, Comparison]:
    base = market({0: [10.0], 1: [20.0], 2: [30.0]})
    worlds = {
        "up": market({0: [11.0], 1: [22.0], 2: [33.0]}),
        "down": market({0: [9.0], 1: [19.0], 2: [29.0]}),
        "idle": base,
    }
    return {name: Comparison.of(base, world, ("base", name), ["capacity_gw"]) for name, world in worlds.items()}


def test_the_tables() -> None:
    assert table_of_effects(comparisons()) == (
        "| effect (95 % interval) | base | `up` | `down` | `idle` |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `capacity_gw` (GW) | 20.00 | +2.00 (-0.48 to +4.48) | **-1.00 (-1.00 to -1.00)** | same |\n"
    )
    assert table_of_pairs(comparisons()) == (
        "| same sign; variance ratio | base | `up` | `down` | `idle` |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `capacity_gw` (GW) | 20.00 | 100%; 0.00 | 100%; 0.00 | same |\n"
    )


def test_pairs_without_a_value_are_counted() -> None:
    base, other = market({0: [10.0], 1: [20.0], 2: [30.0]}), market({0: [11.0], 1: [22.0]})
    found = {"short": Comparison.of(base, other, ("base", "short"), ["capacity_gw"])}
    assert table_of_effects(found).splitlines()[-1].endswith(" [2] |")


def test_the_report_says_what_it_takes_to_make_it_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []

    def made_up(base: Scenario, variants: dict[str, Scenario], runs: int, jobs: int) -> policies.Study:
        asked.append((base.name, list(variants), runs, jobs))
        return policies.Study(dict.fromkeys(variants, comparisons()["up"]), ("disclosure",))

    monkeypatch.setattr(policies, "study", made_up)
    policies.main(["--runs", "3", "--jobs", "1", "--out", str(tmp_path / "tables.md")])
    text = (tmp_path / "tables.md").read_text()
    assert asked == [("baseline", [*RULES, *SHOCKS], 3, 1)]
    assert text.startswith("Made with `python -m experiments.policies --runs 3` by cloudpact ")
    assert "No run differs in any bit of any table under: `disclosure`." in text
    assert [line for line in text.splitlines() if line.startswith("#")] == ["### Policies", "### Shocks"]
    assert text.count("- `") == len(RULES) + len(SHOCKS)


@pytest.mark.parametrize("arguments", [["--runs", "1"], ["--jobs", "0"], ["--out", "/nowhere/at/all.md"]])
def test_mistakes_end_with_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        policies.main(arguments)
    assert ended.value.code == 2
    assert f"error: {arguments[0]}: {arguments[1].rpartition('/')[0] or arguments[1]}" in capsys.readouterr().err


# The page


def test_the_page_shows_every_policy_and_outcome() -> None:
    measured = PAGE.partition(BEGIN)[2].partition(END)[0]
    for name in (*RULES, *SHOCKS):
        assert f"- `{name}`: {scenario_of(name).description}." in measured
    for outcome in OUTCOMES:
        assert measured.count(f"| `{outcome}` (") == 4


def test_outcomes_are_columns_of_the_market() -> None:
    known = set(TABLES["market"].column_names)
    assert {outcome.partition("@")[0].split("(")[-1].rstrip(")") for outcome in OUTCOMES} <= known
    assert isinstance(comparisons()["up"].effects, pd.DataFrame)
