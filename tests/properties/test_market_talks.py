"""M05, M06, M08, M13-M15 and M19 under every protocol, what limits forbid, and what beliefs do, in whole markets."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from agents.lab import Lab
from cloudpact.model import CloudMarket
from cloudpact.quarter import negotiation, sides
from cloudpact.quarter.arrangements import Winner, signed_terms
from market.bargaining.explanation import explained, offer_from
from market.calendar import quarter_index
from market.deals import Deal, DealKind, Exclusivity, Trigger
from market.scenario import ConstraintName, ProtocolName, Scenario
from tests.properties.market_worlds import (
    Tables,
    bits,
    first_difference,
    in_other_units,
    lively,
    market_of,
    renamed,
    tables_of,
    unequal_cells,
    with_names,
)

slow = pytest.mark.slow
PROTOCOLS: tuple[str, ...] = get_args(ProtocolName)
CONSTRAINTS: tuple[str, ...] = get_args(ConstraintName)
PROVIDERS = ("North", "East", "South", "West")
ROUNDING = 1e-8  # USD bn: M15's tolerance
SEEDS = (1, 2, 3, 4, 5, 6)


# `lively` with clauses that are worth it: all kinds are signed, and traded away again as labs grow
CLAUSES: dict[str, Any] = {
    "negotiation.capture_frac": 0.02,
    "negotiation.second_source_value": 0.02,
    "negotiation.clause_levels": ["none", "primary", "first_refusal", "exclusive"],
}


def under(protocol: str, **changes: Any) -> Scenario:
    return lively(**CLAUSES | {"negotiation.protocol": protocol} | changes)


@cache
def run(protocol: str) -> CloudMarket:
    return market_of(under(protocol), guards=True)


@cache
def tables(protocol: str) -> Tables:
    return run(protocol).record_tables()


def signed_rows(market_tables: Tables) -> list[dict[str, Any]]:
    """Negotiations that led to a deal, their stories read."""
    rows = [row for row in market_tables["negotiations"] if row["outcome"] == "signed"]
    return [row | {"story": json.loads(row["trace"])} for row in rows]


# what holds under every protocol


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_signed_deal_leaves_both_no_worse_off(protocol: str) -> None:
    """M15 by each side's own view: gains are the sums of traced components, none below the threat point.

    In Nash-in-Shapley a lab may lose on a deal what others with it bring; that threat point is negative.
    """
    rows = signed_rows(tables(protocol))
    assert len(rows) > 10
    assert {row["deal"] for row in rows} == {row["deal"] for row in tables(protocol)["deals"]}
    for row in rows:
        story = row["story"]
        threats, floors = story["problem"]["threat"], story["problem"]["floors"]
        assert protocol == "nash_in_shapley" or threats == [0.0, 0.0]
        for side, threat, floor in zip(("lab", "provider"), threats, floors, strict=True):
            gain, parts = row[f"{side}_utility_usd_bn"], story["components"][side].values()
            assert gain >= threat - ROUNDING, (row["quarter"], side)
            assert gain >= float(floor) - ROUNDING, (row["quarter"], side)
            assert sum(parts) == pytest.approx(gain, rel=1e-9, abs=1e-9 * sum(map(abs, parts)))
            assert story["payoffs"][side] == gain


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_signed_deal_comes_out_of_its_story_to_the_bit(protocol: str) -> None:
    for row in signed_rows(tables(protocol)):
        offer, story = offer_from(row["story"]), row["story"]
        assert offer.terms is not None, (row["quarter"], row["lab"], row["provider"], offer.reason)
        found = {"terms": offer.terms.plain(), "payoffs": {"lab": offer.lab, "provider": offer.provider}}
        assert found == {name: story[name] for name in found}, (row["quarter"], row["lab"], row["provider"])


def test_what_the_best_rival_offered_is_what_its_story_says() -> None:
    told = 0
    for row in signed_rows(tables("nash")):
        offered = {rival["provider"]: rival["offered"] for rival in explained(row["story"])["rivals"]}
        if row["best_rival"]:
            assert offered[row["best_rival"]] == pytest.approx(row["best_rival_lab_utility_usd_bn"], rel=1e-9)
            told += 1
    assert told > 5


def _late(*first: str) -> list[Any]:
    """All protocols, the named ones fast."""
    return [pytest.param(name, marks=[] if name in first else [slow]) for name in PROTOCOLS]


@pytest.mark.parametrize("protocol", _late("nash_in_shapley"))
def test_the_same_seed_gives_the_same_bits(protocol: str) -> None:
    """M05, without guards this time."""
    assert bits(tables_of(under(protocol))) == bits(tables(protocol))


@pytest.mark.parametrize("protocol", _late("screening"))
def test_a_market_saved_or_forked_between_talks_goes_on_to_the_same_bits(protocol: str, tmp_path: Path) -> None:
    """M19, in the quarter after the first clauses are traded."""
    market = CloudMarket(under(protocol), rng=7)
    market.run_for(14)
    market.save(tmp_path / "market.pickle")
    for twin in (market.fork(), CloudMarket.load(tmp_path / "market.pickle")):
        twin.run_for(999)
        assert first_difference(tables(protocol), twin.record_tables()) == ""


@pytest.mark.parametrize("protocol", _late("nash_in_nash"))
def test_names_and_order_of_parties_do_not_matter(protocol: str) -> None:
    """M06: parties renamed in a circle and listed backwards, luck carried along."""
    scenario = under(protocol)
    names: dict[str, str] = {}
    for parties in (list(scenario.hyperscalers), list(scenario.labs)):
        names |= dict(zip(parties, parties[1:] + parties[:1], strict=True))
    assert first_difference(with_names(tables(protocol), names), tables_of(renamed(scenario, names))) == ""


def _without_gains(market_tables: Tables) -> Tables:
    """Negotiations without the gains of one side, which rounding may leave with next to nothing, and without rivals.

    Identical rivals offer the same but for rounding.
    """
    gains = ("lab_utility_usd_bn", "provider_utility_usd_bn", "best_rival_lab_utility_usd_bn")
    left_out = dict.fromkeys(gains, 0.0) | {"best_rival": ""}
    return market_tables | {"negotiations": [row | left_out for row in market_tables["negotiations"]]}


@pytest.mark.parametrize("protocol", _late("auction"))
def test_the_unit_of_money_does_not_matter(protocol: str) -> None:
    """M08; gains of the two sides to within 1e-9 of both together."""
    factors = {"USD": 7.0}
    one, other = tables(protocol), tables_of(in_other_units(under(protocol), factors))
    assert not list(itertools.islice(unequal_cells(_without_gains(one), _without_gains(other), factors, 1e-9), 3))
    for row, same in zip(one["negotiations"], other["negotiations"], strict=True):
        for gain in ("lab_utility_usd_bn", "provider_utility_usd_bn"):
            assert abs(same[gain] - 7.0 * row[gain]) <= 1e-9 * abs(same["joint_surplus_usd_bn"])


@pytest.mark.parametrize("protocol", _late("kalai_smorodinsky"))
def test_without_the_equity_channel_no_protocol_moves_a_share(protocol: str) -> None:
    """M13: neither tranches nor warrants, although warrants are listed and would be signed with the channel."""
    paid = {"negotiation.warrant_levels": [0.0, 0.05], "negotiation.discount_levels": [0.3, 0.45]}
    market = market_of(under(protocol, **paid, **{"negotiation.equity_scale": 0.0}))
    assert not any(deal.terms.tranches or deal.terms.warrants for deal in market.book.deals)
    assert all(row["mhhi_delta_proportional"] == 0.0 for row in market.tables["market"])


@pytest.mark.parametrize("protocol", _late("concession"))
def test_without_a_zone_of_agreement_no_protocol_signs(protocol: str) -> None:
    """M14."""
    dear = {"negotiation.fixed_cost_share": 1.0, "demand.half_compute": 123.0, "time.end": "2026Q4"}
    rows = tables_of(under(protocol, **dear))["negotiations"]
    assert len(rows) > 10
    assert {row["outcome"] for row in rows} == {"failed"}
    assert all(row["reason"] for row in rows)


# limits on terms


type Broken = list[tuple[str, str, str]]


def _stake_if_all_is_paid(deals: list[Deal], provider: str, lab: Lab) -> float:
    """The provider's stake once its tranches are paid and its warrants vested, booked on a copy of the cap table."""
    table = copy.deepcopy(lab.cap_table)
    for deal in deals:
        for tranche, done in zip(deal.terms.tranches, deal.tranche_paid, strict=True):
            if not done:
                table.issue(provider, tranche.amount_usd_bn, deal.terms.pre_money_usd_bn, deal.shares_at_signing)
    for deal in deals:
        for warrant, done in zip(deal.terms.warrants, deal.warrant_vested, strict=True):
            if not done:
                table.grant(provider, warrant.stake_frac)
    return table.fraction(provider)


def _at_seven(market: CloudMarket, lab: Lab) -> dict[str, float]:
    """GW contracted with each provider seven quarters ahead."""
    path = market.book.promised_path(market.quarter, 8)[:, lab.index, 7]
    return {name: float(path[market.provider_row[name]]) for name in market.provider_by_name}


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Clauses in force and capacity contracted, by lab and provider, when a round of talks opened."""

    clauses: dict[str, dict[str, Exclusivity]]
    contracted: dict[str, dict[str, float]]

    @classmethod
    def of(cls, market: CloudMarket) -> Snapshot:
        return cls(copy.deepcopy(market.clauses), {lab.name: _at_seven(market, lab) for lab in market.labs})

    def primary_broken(self, market: CloudMarket, provider: str, lab: Lab) -> bool:
        """Whether a rival now has more than the largest primary host had; one without any contract does not bind."""
        clauses, had = self.clauses[lab.name], self.contracted[lab.name]
        if clauses.get(provider, Exclusivity.NONE) is not Exclusivity.NONE:
            return False
        largest = max((had[host] for host, kind in clauses.items() if kind is Exclusivity.PRIMARY), default=0.0)
        return 0.0 < largest < _at_seven(market, lab)[provider] * (1.0 - 1e-9)


def _sums_broken(market: CloudMarket, room: dict[str, float], cash: dict[str, float]) -> Iterator[tuple[str, str]]:
    """What all deals of a quarter together break."""
    signed = [market.book.deals[number].terms for number in market.flows.signed]
    more = 1.0 + 1e-12
    for name in cash:
        if sum(terms.gw for terms in signed if terms.provider == name) > room[name] * more:
            yield "capacity", name
        if sum(terms.equity_usd_bn for terms in signed if terms.provider == name) > cash[name] * more:
            yield "cash", name
    if sum(terms.gw for terms in signed) > room[sides.WORLD] * more:
        yield "power", sides.WORLD


def watched(scenario: Scenario, seed: int = 7) -> tuple[CloudMarket, Broken]:
    """A run, and what its deals broke: (limit, provider or world, lab)."""
    talks, sign_winners, sign = negotiation.negotiate_deals, negotiation._sign_winners, negotiation._conclude
    broken: Broken = []
    opened: list[Snapshot] = []

    def whole_quarter(market: CloudMarket) -> None:
        room = {provider.name: sides.buildable(market, provider) for provider in market.providers}
        room[sides.WORLD] = sides.world_room(market)
        cash = {provider.name: market.ledger.cash_usd_bn(provider.name) for provider in market.providers}
        talks(market)
        broken.extend((limit, name, "") for limit, name in _sums_broken(market, room, cash))

    def one_round(market: CloudMarket, winners: Any, room: dict[str, float]) -> None:
        opened.append(Snapshot.of(market))
        sign_winners(market, winners, room)

    def one_deal(market: CloudMarket, winner: Winner, *taken: Any) -> None:
        provider, lab, terms = winner.provider, winner.need.lab, signed_terms(winner)
        tied = [host for host, kind in market.clauses[lab.name].items() if kind is Exclusivity.EXCLUSIVE]
        sign(market, winner, *taken)
        if terms.gw > 0.0 and tied and provider not in tied:
            broken.append(("exclusive", provider, lab.name))
        if terms.gw > 0.0 and opened[-1].primary_broken(market, provider, lab):
            broken.append(("primary", provider, lab.name))
        if terms.equity_usd_bn > 0.0 or terms.warrant_stake_frac > 0.0:
            stake = _stake_if_all_is_paid(market.book.between(provider, lab.name), provider, lab)
            if stake > market.conditions.stake_cap + 1e-9:
                broken.append(("stake_cap", provider, lab.name))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(negotiation, "negotiate_deals", whole_quarter)
        patch.setattr(negotiation, "_sign_winners", one_round)
        patch.setattr(negotiation, "_conclude", one_deal)
        return market_of(scenario, seed), broken


# A world in which each limit binds, and what is signed where it is left out
BINDING: dict[str, tuple[str, dict[str, Any]]] = {
    "capacity": (
        "capacity",
        {
            "supply.accelerators_gw_per_quarter": 0.1,
            "supply.accelerators_growth_max": 0.0,
            **{f"hyperscalers.{name}.own_use_share": 0.95 for name in PROVIDERS},
        },
    ),
    # East's own use outgrows it, and takes what the others have to spare
    "power": (
        "power",
        {
            "hyperscalers.East.capacity_gw": 4.0,
            "hyperscalers.East.own_use_share": 1.0,
            "hyperscalers.East.own_use_growth_per_year": 2.0,
        },
    ),
    "cash": (
        "cash",
        {
            "capex.cash_floor_quarters": 0.0,
            "capex.cash_ceiling_quarters": 0.0,
            **{f"hyperscalers.{name}.cash_usd_bn": 0.5 for name in PROVIDERS},
        },
    ),
    "stake_cap": ("stake_cap", {"policy.stake_cap": 0.005}),
    "exclusivity, exclusive": ("exclusive", CLAUSES),
    "exclusivity, primary": ("primary", CLAUSES),
}


@pytest.mark.parametrize(
    "world",
    [pytest.param(name, marks=[slow] if name in ("capacity", "exclusivity, primary") else []) for name in BINDING],
)
def test_a_limit_that_is_left_out_does_not_hold(world: str) -> None:
    """With it nothing is signed that it forbids; without it that is signed, and the run is another."""
    limit, changes = BINDING[world]
    others = [name for name in CONSTRAINTS if name != world.split(",")[0]]
    held, broken = watched(lively(**changes))
    assert [what for what in broken if what[0] == limit] == []
    lifted, broken = watched(lively(**changes, **{"negotiation.constraints": others}))
    assert limit in {what[0] for what in broken}
    assert first_difference(held.record_tables(), lifted.record_tables()) != ""


def test_a_lab_with_an_exclusive_host_talks_to_others_where_exclusivity_is_left_out() -> None:
    """The clause forbids the talks, not only the deal: without it negotiations with others are on record."""
    others = [name for name in CONSTRAINTS if name != "exclusivity"]
    for constraints, expected in ((CONSTRAINTS, False), (others, True)):
        market = market_of(lively(**CLAUSES, **{"negotiation.constraints": list(constraints)}))
        assert bool(list(_talks_beside_an_exclusive_host(market))) is expected


def _talks_beside_an_exclusive_host(market: CloudMarket) -> Iterator[tuple[str, str, str]]:
    """Talks of a lab with one provider after the quarter in which it signed an exclusive clause with another."""
    exclusive = [deal.terms for deal in market.book.deals if deal.terms.exclusivity is Exclusivity.EXCLUSIVE]
    for row in market.tables["negotiations"]:
        quarter, lab, provider = str(row["quarter"]), str(row["lab"]), str(row["provider"])
        if any(
            terms.lab == lab and terms.provider != provider and terms.quarter < quarter_index(quarter)
            for terms in exclusive
        ):
            yield quarter, lab, provider


@pytest.mark.parametrize("protocol", _late("nash"))
@pytest.mark.parametrize("world", ["capacity", "cash", "stake_cap"])
def test_nothing_forbidden_is_signed(world: str, protocol: str) -> None:
    _, broken = watched(under(protocol, **BINDING[world][1]))
    assert broken == []


@pytest.mark.parametrize(
    ("protocol", "seed"),
    [
        ("nash", 7),
        ("nash_in_nash", 7),
        *(pytest.param(name, seed, marks=slow) for name in ("auction", "nash_in_nash") for seed in (1, 2)),
    ],
)
def test_rivals_of_a_primary_host_never_contract_more(protocol: str, seed: int) -> None:
    """A provider without a clause, against the largest host that had one when the round of talks opened."""
    primary = {"negotiation.clause_levels": ["none", "primary"], "negotiation.second_source_value": 0.04}
    market, broken = watched(under(protocol, **primary), seed)
    assert any(deal.terms.exclusivity is Exclusivity.PRIMARY for deal in market.book.deals)
    assert [what for what in broken if what[0] == "primary"] == []


def test_the_stake_cap_holds_once_all_warrants_have_vested() -> None:
    warrants = {"negotiation.warrant_levels": [0.0, 0.02, 0.04], "negotiation.discount_levels": [0.45]}
    market, broken = watched(lively(**warrants, **{"policy.stake_cap": 0.03}))
    assert any(deal.terms.warrants for deal in market.book.deals)
    assert broken == []


# what the two sides believe


def contracted_gw(market: CloudMarket) -> float:
    return sum(deal.terms.gw for deal in market.book.deals)


def on_revenue(market: CloudMarket) -> int:
    return sum(tranche.trigger is Trigger.REVENUE for deal in market.book.deals for tranche in deal.terms.tranches)


@slow
def test_optimistic_labs_contract_more_and_take_tranches_on_revenue() -> None:
    """Paired seeds: were the direction a coin's toss, all six would agree with probability 1/64, each of the two."""
    listed = {"negotiation.milestones": ["gw_live", "revenue"]}
    for seed in SEEDS:
        plain, hopeful = (
            market_of(lively(**listed, **{"beliefs.lab_growth_per_quarter": belief}), seed) for belief in (0.0, 0.05)
        )
        assert contracted_gw(hopeful) > 1.05 * contracted_gw(plain), seed
        assert on_revenue(hopeful) > on_revenue(plain), seed


@slow
def test_pessimistic_labs_contract_less() -> None:
    """Paired seeds, by chance with probability 1/64."""
    for seed in SEEDS:
        plain, gloomy = (
            market_of(lively(**{"beliefs.lab_growth_per_quarter": belief}), seed) for belief in (0.0, -0.05)
        )
        assert contracted_gw(gloomy) < 0.95 * contracted_gw(plain), seed


@slow
def test_private_reservation_values_cost_deals() -> None:
    """Screening where each side knows only its own: on every seed a smaller share of talks ends in a deal.

    By chance with probability 1/64. A lab that fails talks again, so deals are counted over all seeds.
    """
    deals = {0.0: 0, 1.0: 0}
    for seed in SEEDS:
        share = {}
        for width in deals:
            market = market_of(under("screening", **{"beliefs.reservation_width": width}), seed)
            deals[width] += len(market.book.deals)
            share[width] = len(market.book.deals) / len(market.tables["negotiations"])
        assert share[1.0] < 0.8 * share[0.0], seed
    assert deals[1.0] < 0.95 * deals[0.0]


@pytest.mark.parametrize("protocol", _late("kalai_smorodinsky"))
def test_under_differing_beliefs_both_still_gain_by_their_own(protocol: str) -> None:
    """M15, the provider's components being by its own forecast."""
    differ = {
        "beliefs.lab_growth_per_quarter": 0.04,
        "beliefs.provider_price_drift_per_quarter": 0.01,
        "beliefs.provider_default_factor": 2.0,
    }
    rows = signed_rows(tables_of(under(protocol, **differ)))
    assert len(rows) > 10
    for row in rows:
        assert row["story"]["problem"]["seen"] is not None
        for side, threat in zip(("lab", "provider"), row["story"]["problem"]["threat"], strict=True):
            assert row[f"{side}_utility_usd_bn"] >= threat - ROUNDING


# several deals at once, renewals and amendments


@pytest.mark.parametrize("protocol", ["nash", "nash_in_nash"])
def test_a_lab_signs_with_two_providers_in_one_quarter(protocol: str) -> None:
    """Under Nash in one round after another, under Nash-in-Nash at once; guards and room are checked elsewhere."""
    by_quarter: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in signed_rows(tables(protocol)):
        by_quarter.setdefault((row["quarter"], row["lab"]), []).append(row)
    pairs = [rows for rows in by_quarter.values() if len(rows) == 2]
    assert pairs
    assert all(one["provider"] != other["provider"] for one, other in pairs)
    assert max(len(rows) for rows in by_quarter.values()) == 2  # negotiation.deals_per_round
    together = [{row["rounds"] for row in rows} == {1} for rows in pairs]
    assert any(together) if protocol == "nash_in_nash" else not any(together)


def clause_between(market: CloudMarket, deal: Deal, quarter: int) -> set[Exclusivity]:
    """Clauses of a pair's earlier deals that run in a quarter."""
    others = [other for other in market.book.deals[: deal.number] if other.was_running(quarter)]
    same = [
        other for other in others if (other.terms.provider, other.terms.lab) == (deal.terms.provider, deal.terms.lab)
    ]
    return {other.exclusivity_in(quarter) for other in same}


def test_amendments_replace_the_clause_that_they_amend() -> None:
    """Some loosen a clause, which ends on all older deals of the two, and some tighten one."""
    market = run("nash")
    amendments = [deal for deal in market.book.deals if deal.kind is DealKind.AMENDMENT]
    assert len(amendments) >= 3
    order = list(Exclusivity)
    loosened = 0
    for deal in amendments:
        quarter, signed = deal.terms.quarter, deal.terms.exclusivity
        assert deal.amends is not None
        old = market.book.deals[deal.amends]
        assert (old.terms.provider, old.terms.lab) == (deal.terms.provider, deal.terms.lab)
        before = [kind for changed, kind in old.amendments if changed < quarter]
        replaced = before[-1] if before else old.terms.exclusivity
        assert replaced is not Exclusivity.NONE
        assert replaced is not signed
        if order.index(signed) < order.index(replaced):
            loosened += 1
            assert (quarter, Exclusivity.NONE) in old.amendments
            assert (quarter, f"exclusivity: {replaced} to none") in old.events
            assert clause_between(market, deal, quarter) == {Exclusivity.NONE}
        else:
            assert quarter not in [changed for changed, _ in old.amendments]
    assert 0 < loosened < len(amendments)


def test_an_amendment_is_signed_against_the_running_contract() -> None:
    """Both gain over going on as before: the clause in force is the point of departure of every component."""
    rows = {row["deal"]: row for row in signed_rows(tables("nash"))}
    amendments = [row for row in tables("nash")["deals"] if row["kind"] == "amendment"]
    for deal in amendments:
        row = rows[deal["deal"]]
        before = explained(row["story"])["sides"]
        assert row["story"]["problem"]["provider"]["running_clause"] != "none"
        assert row["story"]["problem"]["provider"]["running_clause"] != deal["exclusivity"]
        assert before["lab"]["exclusivity"]["disagreement"] < 0.0
        assert row["lab_utility_usd_bn"] > 0.0
        assert row["provider_utility_usd_bn"] >= 0.0


SHORT = {"negotiation.term_levels_quarters": [4, 8]}


@cache
def short_contracts() -> CloudMarket:
    return market_of(lively(**SHORT), guards=True)


def renewals(market: CloudMarket) -> list[tuple[Deal, list[Deal]]]:
    """Renewals with the older deals of the pair that end where they start."""
    return [
        (deal, [old for old in market.book.deals[: deal.number] if _ends_where(old, deal)])
        for deal in market.book.deals
        if deal.kind is DealKind.RENEWAL
    ]


def _ends_where(old: Deal, deal: Deal) -> bool:
    same = (old.terms.provider, old.terms.lab) == (deal.terms.provider, deal.terms.lab)
    return same and bool(old.terms.gw_by_quarter) and old.terms.end_quarter == deal.terms.start_quarter


def test_renewals_go_on_where_a_contract_ends_without_a_ramp() -> None:
    found = renewals(short_contracts())
    assert len(found) >= 2
    for deal, old in found:
        assert deal.terms.gw_by_quarter == (deal.terms.gw,) * deal.terms.term_quarters
        assert 0.0 < deal.terms.gw <= max(each.terms.gw_by_quarter[-1] for each in old)
        assert deal.terms.quarter < deal.terms.start_quarter


def test_a_contract_is_renewed_once() -> None:
    """What starts without a ramp in one quarter is no more than what ends then."""
    by_start: dict[tuple[str, str, int], float] = {}
    for deal, old in renewals(short_contracts()):
        key = deal.terms.provider, deal.terms.lab, deal.terms.start_quarter
        by_start.setdefault(key, sum(each.terms.gw_by_quarter[-1] for each in old))
        by_start[key] -= deal.terms.gw
    assert min(by_start.values()) >= -1e-9


def test_a_renewal_is_one_whatever_the_ramp() -> None:
    assert renewals(market_of(lively(**SHORT, **{"negotiation.ramp_quarters": 1})))
