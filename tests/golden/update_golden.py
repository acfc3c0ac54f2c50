"""Write the golden numbers anew: `python -m tests.golden.update_golden`, after a change of the model that is meant.

Two runs: `tiny`, and the baseline through its history to the end of 2027.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cloudpact.model import CloudMarket

GOLDEN = Path(__file__).parent
RUNS = {"tiny": 12, "baseline": 36}
SEED = 7


def golden_numbers(scenario: str) -> dict[str, Any]:
    """Last quarter of the market, of providers and of labs, and how deals and talks stand."""
    market = CloudMarket(scenario, rng=SEED)
    market.run_for(RUNS[scenario])
    tables = market.record_tables()
    quarter = tables["market"][-1]["quarter"]
    last = {
        table: [row for row in tables[table] if row["quarter"] == quarter]
        for table in ("market", "providers", "labs", "alignment")
    }
    outcomes = [row["outcome"] for row in tables["negotiations"]]
    deals = [
        {name: deal[name] for name in ("deal", "provider", "lab", "status", "gw", "equity_usd_bn", "discount_frac")}
        for deal in tables["deals"]
    ]
    return {**last, "deals": deals, "outcomes": {each: outcomes.count(each) for each in sorted(set(outcomes))}}


if __name__ == "__main__":
    for name in RUNS:
        text = json.dumps(golden_numbers(name), indent=1, allow_nan=True)
        GOLDEN.joinpath(f"{name}.json").write_text(text + "\n", encoding="utf-8")
