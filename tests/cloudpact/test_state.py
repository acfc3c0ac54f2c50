"""M19: a market saved, forked or loaded goes on to the same bits."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from agents.enterprise import Enterprise
from cloudpact.inquiries import STATE
from cloudpact.model import CloudMarket
from tests.properties.market_worlds import bits, first_difference, lively, market_of

CONTINUE = """
import sys
from cloudpact.model import CloudMarket
for path in sys.argv[1:]:
    market = CloudMarket.load(path)
    market.run_for(999)
    print(market.results.content_hash())
"""


@pytest.mark.parametrize(
    ("world", "stops"), [("lively", (1, 9)), pytest.param("baseline", (0, 1, 11, 29, 40), marks=pytest.mark.slow)]
)
def test_a_saved_market_goes_on_in_another_process(world: str, stops: tuple[int, ...], tmp_path: Path) -> None:
    """Stops before, in and after history, and where deals have signed, started and paid tranches."""
    market, paths = CloudMarket(lively() if world == "lively" else world, rng=7), []
    for stop in stops:
        market.run_for(stop - market.tick)
        paths.append(str(tmp_path / f"{stop}.pickle"))
        market.save(paths[-1])
    market.run_for(999)
    done = subprocess.run([sys.executable, "-c", CONTINUE, *paths], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [market.results.content_hash()] * len(stops)


def test_a_fork_goes_on_alike_and_apart() -> None:
    market = CloudMarket("baseline", rng=7)
    market.run_for(31)
    untouched = bits(market.record_tables())
    fork = market.fork()
    assert bits(fork.record_tables()) == untouched
    fork.run_for(6)
    assert bits(market.record_tables()) == untouched
    assert [lab.cap_table.fractions() for lab in market.labs] != [lab.cap_table.fractions() for lab in fork.labs]
    market.run_for(6)
    assert first_difference(market.record_tables(), fork.record_tables()) == ""
    assert market.ledger.entries == fork.ledger.entries


def test_a_fork_has_its_own_enterprises() -> None:
    market = market_of("tiny", quarters=6)
    fork = market.fork()
    assert len(fork.agents_by_type[Enterprise]) == 50
    assert [each.channels for each in fork.agents_by_type[Enterprise]] == [
        each.channels for each in market.agents_by_type[Enterprise]
    ]
    before = [each.channels for each in market.agents_by_type[Enterprise]]
    fork.run_for(6)
    assert [each.channels for each in market.agents_by_type[Enterprise]] == before
    assert [each.channels for each in fork.agents_by_type[Enterprise]] != before


def test_state_names_everything_that_changes() -> None:
    """An attribute that a step changes and a fork forgets would only show where it matters."""
    market = CloudMarket(lively(), rng=7)
    agents_and_mesa = {"providers", "labs", "provider_by_name", "lab_by_name", "steps", "time", "step", "scenario"}

    def snapshot() -> dict[str, bytes]:
        kept = {name: value for name, value in vars(market).items() if name[0] != "_" and name not in agents_and_mesa}
        return {name: pickle.dumps(value) for name, value in kept.items()}

    before = snapshot()
    market.run_for(16)
    after = snapshot()
    changed = {name for name in after if after[name] != before.get(name)}
    assert {"ledger", "book", "price", "population"} <= changed
    assert changed <= set(STATE)
