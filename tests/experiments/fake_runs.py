"""Small made-up results in place of simulated ones, importable by worker processes."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from cloudpact.results import Results
from cloudpact.schema import TABLES, Column
from tests.experiments.fake_talks import story

QUARTERS = ("2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026Q2")
LAST_FACT = "2026Q1"
DEFAULTS: dict[str, Any] = {"int64": 0, "float64": 0.0, "bool": False, "str": ""}


def row(table: str, **values: Any) -> dict[str, Any]:
    """A row of a table with zeros and empty texts where nothing is given."""
    columns: tuple[Column, ...] = TABLES[table].columns
    unknown = set(values) - {column.name for column in columns}
    assert not unknown, unknown
    return {c.name: values.get(c.name, DEFAULTS[c.dtype]) for c in columns if c.name != "run"}


def simulated_deal(replicate: int) -> dict[str, Any]:
    return row(
        "deals",
        deal=f"{replicate}:2",
        number=2,
        quarter="2026Q2",
        provider="Oracle",
        lab="OpenAI",
        origin="simulated",
        kind="new",
        status="active",
        equity_usd_bn=4.0,
        upfront_usd_bn=1.0,
        pre_money_usd_bn=400.0,
        stake_frac=0.01,
        gw=1.5,
        start_quarter="2027Q1",
        term_quarters=20,
        commitment_usd_bn=75.0,
        price_usd_bn_per_gw_quarter=2.5,
        discount_frac=0.1,
        take_or_pay_frac=0.8,
        exclusivity="first_refusal",
        exclusive_until="",
        tranches=json.dumps(
            [
                {"amount_usd_bn": 1.0, "trigger": "date", "threshold": 8105, "paid": True},
                {"amount_usd_bn": 3.0, "trigger": "gw_live", "threshold": 1.5, "paid": False},
            ]
        ),
        warrants=json.dumps(
            [{"issuer": "Oracle", "holder": "OpenAI", "stake_frac": 0.005, "trigger": "valuation", "threshold": 1200.0}]
        ),
        events=json.dumps([["2026Q2", "signed"]]),
    )


def disclosed_deal() -> dict[str, Any]:
    return row(
        "deals",
        deal="microsoft-openai-2025-10",
        number=1,
        quarter="2025Q4",
        provider="Microsoft",
        lab="OpenAI",
        origin="disclosed",
        status="active",
        gw=5.0,
        start_quarter="2026Q1",
        term_quarters=24,
        commitment_usd_bn=250.0,
        price_usd_bn_per_gw_quarter=2.75,
        exclusivity="none",
        tranches="[]",
        warrants="[]",
        imputed="gw,take_or_pay",
        events="[]",
    )


def negotiation(replicate: int) -> dict[str, Any]:
    return row(
        "negotiations",
        number=7,
        quarter="2026Q2",
        lab="OpenAI",
        provider="Oracle",
        outcome="signed",
        reason="agreed",
        deal=f"{replicate}:2",
        rounds=2,
        joint_surplus_usd_bn=6.5,
        lab_utility_usd_bn=4.0,
        provider_utility_usd_bn=2.5,
        best_rival="Amazon",
        best_rival_lab_utility_usd_bn=3.0,
        constraint="buildable capacity",
        protocol="nash",
        trace=json.dumps(story()),
    )


def graph() -> nx.MultiDiGraph:
    made = nx.MultiDiGraph()
    made.add_node("Oracle", kind="hyperscaler", gw=np.float64(1.5))
    made.add_edge("Oracle", "OpenAI", key=2, kind="commitment", usd_bn=75.0, until=None)
    return made


def fake_results(seed: int = 1, replicate: int = 0) -> Results:
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, replicate])))
    market = [
        row(
            "market",
            quarter=quarter,
            forecast=quarter > LAST_FACT,
            capacity_gw=10.0 + number,
            capex_big4_usd_bn=100.0,
            utilisation_frac=0.5,
            price_usd_bn_per_gw_quarter=float(rng.uniform(2.0, 3.0)),
            alignment_hhi=5000.0,
            market_hhi=2000.0 + replicate,
        )
        for number, quarter in enumerate(QUARTERS)
    ]
    labs = [
        row("labs", quarter=quarter, lab=lab, active=lab != "Cohere", primary_provider=primary, dependence_hhi=hhi)
        for quarter in QUARTERS
        for lab, primary, hhi in (
            ("OpenAI", "Oracle" if quarter > LAST_FACT and replicate % 2 else "Microsoft", 6000.0),
            ("Cohere", "", float("nan")),
        )
    ]
    rows = {
        "market": market,
        "providers": [row("providers", quarter=quarter, provider="Oracle") for quarter in QUARTERS],
        "labs": labs,
        "alignment": [row("alignment", quarter=quarter, lab="OpenAI", provider="Oracle") for quarter in QUARTERS],
        "deals": [disclosed_deal(), simulated_deal(replicate)],
        "negotiations": [negotiation(replicate)],
    }
    made = Results.from_rows(rows, run=replicate)
    return Results(**made.tables, graphs={replicate: graph()})


def simulate(scenario: Any, seed: int, replicate: int, facts: Any) -> Results:
    return fake_results(seed, replicate)


def simulate_slowly(scenario: Any, seed: int, replicate: int, facts: Any) -> Results:
    if replicate:
        time.sleep(60)
    return fake_results(seed, replicate)


def simulate_or_fail(scenario: Any, seed: int, replicate: int, facts: Any) -> Results:
    if replicate == 2:
        raise ZeroDivisionError("no labs left")
    return fake_results(seed, replicate)


def simulate_or_die_once(scenario: Path, seed: int, replicate: int, facts: Any) -> Results:
    """Kills its process the first time replicate 2 is asked for; `scenario` is a folder for the mark."""
    mark = scenario / "died"
    if replicate == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return fake_results(seed, replicate)


def simulate_or_die(scenario: Any, seed: int, replicate: int, facts: Any) -> Results:
    if replicate == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return fake_results(seed, replicate)


def thread_limits(scenario: Any, seed: int, replicate: int, facts: Any) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
