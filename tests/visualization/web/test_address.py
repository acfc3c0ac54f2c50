"""Addresses of pages: round trips, the worlds they name, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.running import run
from market.scenario import Scenario
from visualization.web.address import Address, AddressError, command_line, python_code
from visualization.web.controls import PATHS, controls, setting
from visualization.web.imports import imported

SEED = 20261201


def random_address(rng: np.random.Generator) -> Address:
    """A state that a user could have reached: scenario, parameters, forks, quarter, seed."""
    scenario = str(rng.choice(["tiny", "baseline", "symmetric", "no-equity"]))
    known = {each.path: each for each in controls(Scenario.load(scenario))}
    settings = []
    for path in rng.choice(PATHS, size=int(rng.integers(0, 4)), replace=False):
        each = known[str(path)]
        if each.choices:
            text = str(rng.choice(each.choices))
        elif each.path == "enterprises.count":
            text = str(rng.integers(1, 1000))
        else:
            low, high = each.low or 0.0, min(each.high or 1.0, 10.0)
            text = repr(float(rng.uniform(low + 1e-6, high)))
        settings.append(setting(Scenario.load(scenario), each.path, text))
    kinds = ["exclusivity_ban", "stake_cap", "demand_collapse", "interest_rate"]
    forks = [
        f"{kind}@{rng.integers(2026, 2029)}Q{rng.integers(1, 5)}" for kind in rng.choice(kinds, rng.integers(0, 3))
    ]
    quarter = f"{rng.integers(2025, 2028)}Q{rng.integers(1, 5)}"
    return Address(scenario, int(rng.integers(0, 2**32)), tuple(settings), tuple(forks), quarter, deal="a b&c=d%?#ü")


def test_a_hundred_random_states_come_back_from_their_addresses() -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(100):
        address = random_address(rng)
        again = Address.parse("?" + address.query())
        assert again == address
        assert again.query() == address.query()
        assert again.resolved().content_hash() == address.resolved().content_hash()


def test_what_is_at_its_default_is_left_out() -> None:
    assert Address().query() == ""
    assert Address.parse("") == Address()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("scenaro=tiny", "'scenaro' is no part of an address.*did you mean 'scenario'"),
        ("scenario=tinny", "scenario: got 'tinny'; allowed: .*did you mean 'tiny'"),
        ("scenario=../../etc/passwd", "scenario: got '../../etc/passwd'; allowed"),
        ("seed=-1", "seed: got '-1'; allowed: a whole number"),
        ("seed=99999999999", "seed: got '99999999999'; allowed"),
        ("seed=1&seed=2", "seed is given twice"),
        ("quarter=2027Q9", "quarter: got '2027Q9'; allowed: such as 2027Q3"),
        ("set=negotiation.provider_power%3D7", "provider_power: out of range .got 7.; allowed: a number from 0 to 1"),
        ("set=negotiation.provider_powr%3D0.5", "unknown key.*did you mean 'provider_power'"),
        ("set=hello", "not a setting"),
        ("set=enterprises.count%3D1000000", "enterprises.count: got 1,000,000; allowed on a page: 100,000"),
        ("set=time.end%3D2099Q4", "time.end: 324 quarters from time.start; allowed on a page: 120"),
        ("forks=exclusivity_bann@2027Q1", "KIND one of .*did you mean 'exclusivity_ban'"),
        ("forks=stake_cap@2027Q1*much", "forks: got size 'much'"),
        ("forks=stake_cap@soon", "since"),
        ("x=" + "y" * 9000, "the address has 9,002 characters; allowed: 8,000"),
    ],
)
def test_what_cannot_be_used_is_one_line(query: str, said: str) -> None:
    with pytest.raises(AddressError, match=said) as caught:
        Address.parse(query)
    assert "\n" not in str(caught.value)


FORKED = Address("tiny", 7, ("negotiation.provider_power=0.7",), ("stake_cap@2026Q2*0.1",), "2026Q3")


def test_a_fork_shares_the_past_to_the_bit() -> None:
    """A demand collapse from 2026Q2 on: no number before that quarter moves, and later ones do."""
    plain = run(Address("tiny", 7).resolved(), seed=7).market
    forked = run(Address("tiny", 7, forks=("demand_collapse@2026Q2",)).resolved(), seed=7).market
    before = plain["quarter"] < "2026Q2"
    pd.testing.assert_frame_equal(plain[before], forked[before], check_exact=True)
    assert not plain[~before].equals(forked[~before])


@pytest.mark.slow
@pytest.mark.parametrize("address", [Address("tiny", 3), FORKED], ids=["plain", "forked"])
def test_the_code_that_is_shown_gives_the_same_numbers(address: Address, tmp_path: Path) -> None:
    expected = run(address.resolved(), seed=address.seed)
    shell = command_line(address).replace("cloudpact ", f"{sys.executable} -m cloudpact.cli ") + " --out shown"
    subprocess.run(["sh", "-ec", shell], cwd=tmp_path, check=True, capture_output=True, env=_environment())
    shown = pd.read_parquet(tmp_path / "shown" / "market.parquet")
    pd.testing.assert_frame_equal(shown, expected.market, check_exact=True)
    told = subprocess.run(
        [sys.executable, "-c", python_code(address)], cwd=tmp_path, check=True, capture_output=True, text=True,
        env=_environment(),
    ).stdout  # fmt: skip
    assert told.strip() == str(expected.market[["quarter", "alignment_hhi", "market_hhi"]].tail()).strip()


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


def test_a_pasted_scenario_is_kept_in_the_address() -> None:
    text = (
        'base = "tiny"\nname = "mine"\n[negotiation]\nprovider_power = 0.25\n'
        '[labs.Byron]\nremove = true\n[labs.New]\nhome = "East"\n'
    )
    address = imported(text, 4)
    assert (address.scenario, address.seed) == ("tiny", 4)
    scenario = Address.parse(address.query()).resolved()
    assert scenario.negotiation.provider_power == 0.25
    assert set(scenario.labs) == {"Ada", "New"}
    assert scenario.name == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[negotiation]\nprovider_powr = 0.2\n", "scenario.toml:2: negotiation.provider_powr: unknown key"),
        ("x = \n", "scenario.toml:1: not valid TOML"),
        ('base = "../../secret.toml"\n', "scenario.toml: base: got '../../secret.toml'; allowed on a page"),
        ("# " + "x" * 70_000, "scenario.toml: 70,002 bytes; allowed: 65,536"),
        ("", "scenario.toml:1: the file is empty"),
    ],
)
def test_a_bad_scenario_is_told_as_on_the_command_line(text: str, said: str) -> None:
    with pytest.raises(AddressError) as caught:
        imported(text, 1)
    assert str(caught.value).startswith(said)
    assert "/tmp" not in str(caught.value)


def test_a_comparison_s_code_says_all_that_was_changed() -> None:
    from visualization.web.compare_page import python_code as python
    from visualization.web.compare_page import shell_code

    plain = Address("tiny", 7, other="symmetric", runs=4)
    assert shell_code(plain) == "cloudpact compare tiny symmetric --runs 4 --seed 7"
    assert 'compare(Scenario.load("tiny"), "symmetric", runs=4, seed=7)' in python(plain)
    deal = FORKED.changed(other="amazon-anthropic-2023-09", runs=4)
    assert shell_code(deal) == (
        "cat > mine.toml <<'END'\n"
        'base = "tiny"\nname = "tiny-mine"\n"negotiation"."provider_power" = 0.7\n\n'
        '[[policy.rules]]\nkind = "stake_cap"\nsince = "2026Q2"\nsize = 0.1\nEND\n'
        "cloudpact counterfactual mine.toml --without amazon-anthropic-2023-09 --runs 4 --seed 7"
    )
