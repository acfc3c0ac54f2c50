"""What a lab's partners mean for each other: clauses in force, rivals, bidders, threats of replacement, own rules."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest

from cloudpact.model import CloudMarket
from cloudpact.quarter import adoption, delivery, needs, negotiation, sides
from cloudpact.quarter.arrangements import ARRANGEMENTS, Winner
from cloudpact.quarter.lab_talks import LabTalks, Need
from market.bargaining.negotiation import Offer
from market.deals import DealKind, Exclusivity, TermSheet
from market.scenario import Policy, ProtocolName, Rule, Scenario
from tests.properties.market_worlds import LIVELY, first_difference, lively, market_of

PROTOCOLS: tuple[str, ...] = get_args(ProtocolName)
BILATERAL = ("nash", "kalai_smorodinsky", "alternating_offers", "concession", "screening")
PROVIDERS = ("North", "East", "South", "West")
LABS = ("Ada", "Byron", "Cantor")
# `lively` where providers do not differ
ALIKE = {path: value for path, value in LIVELY.items() if not path.startswith(("hyperscalers", "labs."))}


def opened(scenario: Scenario, quarters: int = 0, seed: int = 7) -> CloudMarket:
    """A market in a quarter in which needs are known and talks have not begun."""
    market = CloudMarket(scenario, rng=seed)
    market.run_for(quarters)
    market._open_quarter()
    for phase in (delivery.deliver_capacity, adoption.adopt_and_choose, needs.plan_needs):
        phase(market)
    return market


def room_of(market: CloudMarket) -> dict[str, float]:
    room = {provider.name: sides.buildable(market, provider) for provider in market.providers if provider.spec.sells}
    return room | {sides.WORLD: sides.world_room(market)}


def talks_of(market: CloudMarket, lab: str = "Ada") -> LabTalks:
    asking = market.lab_by_name[lab]
    asking.last_talks = -1000  # these talks may be opened twice in a quarter
    need = negotiation._open(market, asking)
    assert need is not None
    return LabTalks(market, need, room_of(market))


def winners_of(talks: LabTalks) -> dict[str, Winner]:
    found = ARRANGEMENTS[talks.market.parameters.negotiation.protocol](talks, 1)
    return {winner.provider: winner for winner in found}


def with_clauses(
    scenario: Scenario, clauses: Mapping[str, Exclusivity], contracted_gw: float = 0.0, seed: int = 7
) -> CloudMarket:
    """An open market in which Ada has signed clauses, with as much capacity from now on under each."""
    market = opened(scenario, seed=seed)
    for name, kind in clauses.items():
        start = market.quarter
        gw = (contracted_gw,) * 20 if contracted_gw else ()
        terms = TermSheet(name, "Ada", start, start, gw, 3.0, exclusivity=kind, exclusive_until=start + 20)
        market.book.sign(terms, start)
    market.refresh_clauses()
    return market


# clauses in force


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_exclusive_lab_talks_to_its_host_alone(protocol: str) -> None:
    market = with_clauses(lively(**{"negotiation.protocol": protocol}), {"East": Exclusivity.EXCLUSIVE})
    assert talks_of(market).providers == ("East",)
    assert set(talks_of(market, "Byron").providers) == set(PROVIDERS)
    assert set(winners_of(talks_of(market))) <= {"East"}
    assert {trace.provider for trace in market.flows.traces} <= {"East"}


def test_an_exclusive_lab_talks_to_all_where_exclusivity_does_not_hold() -> None:
    free = lively(**{"negotiation.constraints": ["capacity", "power", "cash", "stake_cap"]})
    assert set(talks_of(with_clauses(free, {"East": Exclusivity.EXCLUSIVE})).providers) == set(PROVIDERS)


@pytest.mark.parametrize("protocol", ["nash_in_nash", "nash_in_nash_replacement", "nash_in_shapley"])
def test_who_signs_an_exclusive_clause_signs_alone_in_that_quarter(protocol: str) -> None:
    """Pairs that are solved at once: no terms with others are left beside an exclusive deal."""
    worth_it = {"negotiation.capture_frac": 0.1, "negotiation.second_source_value": 0.0}
    bound = {"negotiation.protocol": protocol, "negotiation.exclusivity": "always", **worth_it}
    market = market_of(lively(**bound), quarters=1)
    signed = [deal.terms for deal in market.book.deals]
    assert signed
    assert {terms.exclusivity for terms in signed} == {Exclusivity.EXCLUSIVE}
    assert len({terms.lab for terms in signed}) == len(signed)


def test_rivals_may_contract_up_to_the_primary_host() -> None:
    market = with_clauses(lively(), {"East": Exclusivity.PRIMARY}, contracted_gw=0.05)
    talks = talks_of(market)
    room = {name: talks.problem(name).provider.rival_room_gw for name in talks.providers}
    assert room == {"East": math.inf, "North": 0.05, "South": 0.05, "West": 0.05}
    offers = {name: talks.offer(name) for name in room}
    for name in ("North", "South", "West"):
        terms = offers[name].terms
        assert terms is None or terms.gw <= 0.05
    tied = offers["East"].terms
    assert tied is not None
    assert tied.gw > 0.05


def test_a_rival_that_is_larger_already_gets_nothing_more_and_the_larger_of_two_hosts_counts() -> None:
    market = with_clauses(lively(), {"East": Exclusivity.PRIMARY, "North": Exclusivity.PRIMARY}, contracted_gw=0.05)
    start = market.quarter
    for name, gw in (("North", 0.02), ("West", 0.3)):
        market.book.sign(TermSheet(name, "Ada", start, start, (gw,) * 20, 3.0), start)
    talks = talks_of(market)
    room = {name: talks.problem(name).provider.rival_room_gw for name in talks.providers}
    assert room == {"East": math.inf, "North": math.inf, "South": pytest.approx(0.07), "West": 0.0}
    assert not talks.offer("West").agreed


@pytest.mark.parametrize("protocol", [*BILATERAL, "auction"])
def test_the_holder_of_a_first_refusal_takes_what_it_can_match(protocol: str) -> None:
    """East loses to West without the clause; with it East gives the lab no less than West's offer, or lets it go."""
    rules = {"negotiation.protocol": protocol}
    first = winners_of(talks_of(opened(lively(**rules))))
    assert "East" not in first
    held = {"East": Exclusivity.FIRST_REFUSAL}
    outcomes = []
    for cost in (1.0, 1.1, 1.6):
        market = with_clauses(lively(**rules, **{"hyperscalers.East.build_cost_factor": cost}), held)
        talks = talks_of(market)
        (winner,) = winners_of(talks).values()
        lost = {trace.provider: trace for trace in market.flows.traces if trace.outcome == "lost"}
        outcomes.append(winner.provider == "East")
        if winner.provider == "East":
            # none is beaten where East's own offer is the best one anyway
            for beaten in lost.values():
                assert beaten.reason == "East used its right of first refusal"
                assert winner.offer.lab >= beaten.lab_utility * (1.0 - 1e-9)
            assert lost or protocol == "auction"
            assert winner.offer.provider >= 0.0
        else:
            assert lost == {}
            assert talks.best_gain("East") < winner.offer.lab
    assert outcomes[0]
    assert not outcomes[-1]


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_of_several_holders_that_match_alike_luck_decides(seed: int) -> None:
    """East, North and South are identical and all may match West: who is listed first is no matter."""
    held = dict.fromkeys(("East", "North", "South"), Exclusivity.FIRST_REFUSAL)
    market = with_clauses(at_once(4, "nash", **{"hyperscalers.West.build_cost_factor": 0.9}), held, seed=seed)
    talks = talks_of(market)
    luck = {name: draw for name, draw in talks.luck().items() if name in held}
    assert set(winners_of(talks)) == {min(luck, key=lambda name: luck[name])}


def test_a_first_refusal_means_nothing_where_exclusivity_does_not_hold() -> None:
    free = {"negotiation.constraints": ["capacity", "power", "cash", "stake_cap"]}
    market = with_clauses(lively(**free), {"East": Exclusivity.FIRST_REFUSAL})
    assert set(winners_of(talks_of(market))) == {"West"}


@pytest.mark.parametrize("protocol", ["nash", "nash_in_nash"])
def test_a_ban_ends_exclusive_clauses_and_no_new_ones_are_signed(protocol: str) -> None:
    """From exclusive to primary, in the quarter in which the ban comes, and on record."""
    rules = {"negotiation.protocol": protocol, "negotiation.exclusivity": "always", "time.end": "2027Q4"}
    scenario = lively(**rules).model_copy(
        update={"policy": Policy(rules=(Rule(kind="exclusivity_ban", since="2026Q1"),))}
    )
    market = market_of(scenario, guards=True)
    since = market.first_quarter + 4
    exclusive = [deal for deal in market.book.deals if deal.terms.exclusivity is Exclusivity.EXCLUSIVE]
    assert exclusive
    for deal in exclusive:
        assert deal.terms.quarter < since
        assert deal.exclusivity_in(since - 1) is Exclusivity.EXCLUSIVE
        assert deal.exclusivity_in(since) is Exclusivity.PRIMARY
        assert (since, "exclusivity: exclusive to primary") in deal.events
    assert not any(market.exclusive_hosts(lab) for lab in market.labs)


# rivals


def at_once(sellers: int, protocol: str, **changes: Any) -> Scenario:
    """Providers alike of which the first few sell; one deal a lab and quarter."""
    silent = {f"hyperscalers.{name}.sells": False for name in PROVIDERS[sellers:]}
    rules = {"negotiation.protocol": protocol, "negotiation.deals_per_round": 1}
    return Scenario.load("symmetric").with_({**ALIKE, **rules, **silent, **changes})


def only(scenario: Scenario, lab: str) -> tuple[Winner, float]:
    """The one deal that a lab would sign in the first quarter, and the best it could have from any provider."""
    talks = talks_of(opened(scenario), lab)
    (winner,) = winners_of(talks).values()
    return winner, max(talks.best_gain(name) for name in talks.providers)


@pytest.mark.parametrize("lab", LABS)
def test_one_bidder_leaves_the_lab_next_to_nothing(lab: str) -> None:
    """A monopoly bids the reserve, which is nil: on terms that are continuous the lab gets nil but for rounding."""
    winner, best = only(at_once(1, "auction"), lab)
    assert 0.0 <= winner.offer.lab <= 1e-6 * best
    assert winner.offer.provider > 0.0


@pytest.mark.parametrize("lab", LABS)
@pytest.mark.parametrize("sellers", [2, 3, 4])
def test_identical_bidders_bid_all_but_one_part_in_their_number(lab: str, sellers: int) -> None:
    """Uniform types: a bid is (n - 1) / n of the most that the bidder could give (Vickrey 1961, Che 1993)."""
    winner, best = only(at_once(sellers, "auction"), lab)
    assert winner.offer.problem.bidders == sellers
    share = (sellers - 1) / sellers
    assert share * best * (1.0 - 1e-9) <= winner.offer.lab <= best
    # all are alike but for the customers they have, which moves a bid by little
    assert winner.offer.lab == pytest.approx(share * best, rel=1e-3)


@pytest.mark.parametrize("lab", LABS)
def test_an_identical_outsider_gives_the_lab_all(lab: str) -> None:
    """Ho and Lee (2019): with perfect substitutes the replaced floor binds; plain Nash-in-Nash ignores outsiders."""
    replaced, best = only(at_once(2, "nash_in_nash_replacement"), lab)
    plain, _ = only(at_once(2, "nash_in_nash"), lab)
    alone, _ = only(at_once(1, "nash_in_nash_replacement"), lab)
    assert replaced.offer.problem.floors[0] == pytest.approx(best, rel=1e-3)
    assert replaced.offer.lab >= replaced.offer.problem.floors[0] * (1.0 - 1e-12)
    assert [rival.provider for rival in replaced.rivals] == [
        name for name in ("North", "East") if name != replaced.provider
    ]
    assert replaced.rivals[0].offered == replaced.offer.problem.floors[0]
    assert plain.offer.problem.floors[0] == -math.inf
    assert plain.rivals == ()
    assert plain.offer.lab < 0.8 * replaced.offer.lab
    assert alone.offer.problem.floors[0] == -math.inf
    assert (alone.offer.lab, alone.offer.provider) == pytest.approx((plain.offer.lab, plain.offer.provider), rel=1e-3)


@pytest.mark.parametrize("protocol", ["nash_in_nash", "nash_in_nash_replacement", "nash_in_shapley"])
def test_with_one_provider_all_pairs_at_once_are_nash(protocol: str) -> None:
    """Whole runs, bit for bit but for the protocol's name and its report."""
    one = {"time.end": "2027Q4"}
    nash, several = (market_of(at_once(1, name, **one)).record_tables() for name in ("nash", protocol))
    assert nash["deals"]
    for tables in (nash, several):
        for row in tables["negotiations"]:
            del row["protocol"], row["trace"]
    assert first_difference(nash, several) == ""


@pytest.mark.parametrize("lab", LABS)
def test_a_rival_without_better_terms_does_not_move_nash(lab: str) -> None:
    """An outside option matters only where it is better than the bargain (Binmore, Shaked and Sutton 1989)."""
    alone, _ = only(at_once(1, "nash"), lab)
    beside, _ = only(at_once(2, "nash"), lab)
    assert (beside.offer.lab, beside.offer.provider) == pytest.approx((alone.offer.lab, alone.offer.provider), rel=1e-2)


def test_a_rival_with_a_better_offer_is_a_floor() -> None:
    """Rivals with less power over the lab: the best of their offers, and no more, is what the winner has to give."""
    talks = talks_of(opened(at_once(4, "nash", **{"labs.Ada.bargaining_power": 0.2})))
    alike, west = talks.problem("North").lab, talks.problem("West")
    generous = {
        name: dataclasses.replace(talks.problem(name), lab=dataclasses.replace(alike, weight=0.8))
        for name in PROVIDERS[:3]
    }
    cheaper = 0.9 * west.provider.user_cost_usd_bn_per_gw_quarter
    best_joint = dataclasses.replace(west.provider, user_cost_usd_bn_per_gw_quarter=cheaper)
    talks._problems |= generous | {"West": dataclasses.replace(west, provider=best_joint)}
    (winner,) = winners_of(talks).values()
    best = max(talks.offer(name).lab for name in generous)
    assert winner.provider == "West"
    assert winner.offer.problem.floors[0] == best
    assert best > talks.offer("West").lab
    assert winner.offer.lab == pytest.approx(best, rel=1e-9)
    assert talks.best_gain("West") > winner.offer.lab


@pytest.mark.parametrize("protocol", ["auction", "nash"])
def test_offers_that_differ_by_rounding_fall_to_luck(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of identical offers rounding favours, the same provider is taken."""
    talks = talks_of(opened(at_once(4, protocol)))
    one_offer = talks.offer("North")
    chosen = set()
    for favoured in talks.providers:

        def offer(name: str, favoured: str = favoured, **_: Any) -> Offer:
            nudge = 1.0 + (4e-16 if name == favoured else 0.0)
            problem = dataclasses.replace(one_offer.problem, provider=talks.problem(name).provider)
            return dataclasses.replace(one_offer, problem=problem, lab=one_offer.lab * nudge)

        monkeypatch.setattr(talks, "offer", offer)
        chosen |= set(winners_of(talks))
    assert len(chosen) == 1


# several deals of one lab at once


@pytest.mark.parametrize("protocol", ["nash_in_nash", "nash_in_nash_replacement", "nash_in_shapley"])
def test_deals_that_are_struck_at_once_are_each_the_answer_to_the_other(protocol: str) -> None:
    """A fixed point: given the other's terms on the grid, each pair's own problem gives its terms again."""
    talks = talks_of(opened(lively(**{"negotiation.protocol": protocol})))
    winners = winners_of(talks)
    assert len(winners) == 2
    for name, winner in winners.items():
        assert winner.convergence is not None
        assert winner.convergence.converged
        (other,) = (each for each in winners if each != name)
        more = winner.offer.problem.lab.contracted_gw - talks.problem(name).lab.contracted_gw
        terms = winners[other].offer.terms
        assert terms is not None
        live = talks.problem(other).provider.lead_quarters + talks.problem(other).provider.ramp_quarters
        assert more[live] == pytest.approx(terms.gw, rel=1e-9)
        assert (more[: talks.problem(other).provider.lead_quarters] == 0.0).all()


@pytest.mark.parametrize("protocol", ["nash", "nash_in_nash"])
def test_two_deals_of_one_quarter_fit_what_both_could_build_and_close_the_gap(protocol: str) -> None:
    market = opened(lively(**{"negotiation.protocol": protocol}))
    room, gap = room_of(market), {lab: talks_of(market, lab).need.gap_gw for lab in LABS}
    for asking in market.labs:
        asking.last_talks = -1000
    negotiation.negotiate_deals(market)
    signed = [market.book.deals[number].terms for number in market.flows.signed]
    for lab in LABS:
        own = [terms for terms in signed if terms.lab == lab]
        assert len(own) == 2
        assert len({terms.provider for terms in own}) == 2
        assert sum(terms.gw for terms in own) <= gap[lab] * (1.0 + 1e-9)
    for name in PROVIDERS:
        assert sum(terms.gw for terms in signed if terms.provider == name) <= room[name]


def test_a_lab_does_not_sign_a_loss_without_the_deal_that_makes_up_for_it() -> None:
    """M15 for a lab's deals together: in Nash-in-Shapley one may lose money as long as the others are signed, too."""
    scenario, losses = lively(**{"negotiation.protocol": "nash_in_shapley"}), 0
    for quarters in (14, 15, 16):
        market = opened(scenario, quarters)
        asking = [lab.name for lab in market.labs if negotiation._open(market, lab) is not None]
        for talks in (talks_of(market, name) for name in asking):
            winners = winners_of(talks)
            if all(winner.offer.lab >= 0.0 for winner in winners.values()):
                continue
            losses += 1
            taken = {name: 0.0 for name, winner in winners.items() if winner.offer.lab >= 0.0}
            market.flows.traces.clear()
            negotiation._sign_winners(market, list(winners.values()), room_of(market) | taken)
            assert {trace.outcome for trace in market.flows.traces} == {"lost"}
    assert losses


# contracts that run out


def test_a_contract_that_runs_out_can_be_renewed_once() -> None:
    """The pair's next end before a new contract would have ramped up, unless a renewal goes on from it already."""
    market = opened(lively())
    west, ada, now = market.provider_by_name["West"], market.lab_by_name["Ada"], market.quarter
    soon = market.parameters.capacity.lead_quarters + market.parameters.negotiation.ramp_quarters
    assert sides.running_out(market, west, ada) == (0, 0.0)
    for gw, quarters in ((0.4, soon + 1), (0.3, soon), (0.2, 2)):
        market.book.sign(TermSheet("West", "Ada", now, now, (gw,) * quarters, 3.0), now)
    assert sides.running_out(market, west, ada) == (2, 0.2)
    renewal = market.book.sign(TermSheet("West", "Ada", now, now + 2, (0.2,) * 20, 3.0), now)
    renewal.kind = DealKind.RENEWAL
    assert sides.running_out(market, west, ada) == (soon, 0.3)
    assert sides.running_out(market, market.provider_by_name["East"], ada) == (0, 0.0)


# own rules of one pair


def settled_first(scenario: Scenario) -> dict[tuple[str, str], tuple[str, float, float]]:
    """By lab and provider: the rule and what both would gain, alone, in the first quarter."""
    market = opened(scenario)
    found = {}
    for lab in LABS:
        talks = talks_of(market, lab)
        for name in talks.providers:
            offer = talks.offer(name)
            found[lab, name] = (talks.rule(name), offer.lab, offer.provider)
    return found


def _pairs(*entries: dict[str, str]) -> dict[str, Any]:
    return {"negotiation.pair_protocols": list(entries)}


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ([{"provider": "West", "lab": "Ada"}], {("Ada", "West")}),
        ([{"provider": "West"}], {(lab, "West") for lab in LABS}),
        ([{"lab": "Byron"}], {("Byron", name) for name in PROVIDERS}),
        ([{}], {(lab, name) for lab in LABS for name in PROVIDERS}),
        ([], set()),
    ],
)
def test_a_rule_of_their_own_changes_the_named_pairs_alone(
    entries: list[dict[str, str]], named: set[tuple[str, str]]
) -> None:
    """In the first quarter; an empty name means all."""
    plain = settled_first(lively())
    own = settled_first(lively(**_pairs(*({**entry, "protocol": "kalai_smorodinsky"} for entry in entries))))
    assert {pair for pair in plain if own[pair] != plain[pair]} == named
    assert {pair for pair in own if own[pair][0] == "kalai_smorodinsky"} == named


def test_the_first_entry_that_fits_holds() -> None:
    general, special = {"protocol": "screening"}, {"provider": "West", "lab": "Ada", "protocol": "alternating_offers"}
    first = settled_first(lively(**_pairs(special, general)))
    assert {pair for pair, (rule, *_) in first.items() if rule == "alternating_offers"} == {("Ada", "West")}
    assert {rule for pair, (rule, *_) in first.items() if pair != ("Ada", "West")} == {"screening"}
    last = settled_first(lively(**_pairs(general, special)))
    assert {rule for rule, *_ in last.values()} == {"screening"}


def test_pairs_at_once_bargain_by_their_own_rules_too() -> None:
    several = {"negotiation.protocol": "nash_in_nash"}
    assert {rule for rule, *_ in settled_first(lively(**several)).values()} == {"nash"}
    own = lively(**several, **_pairs({"provider": "West", "protocol": "kalai_smorodinsky"}))
    winners = winners_of(talks_of(opened(own)))
    assert {name: winner.offer.problem.rule for name, winner in winners.items()} == {
        name: "kalai_smorodinsky" if name == "West" else "nash" for name in winners
    }
    assert "West" in winners


# what the two sides believe


def same(one: Any, other: Any, *but: str) -> bool:
    """Whether two views are equal, the named fields left out."""
    names = [field.name for field in dataclasses.fields(one) if field.name not in but]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


BELIEFS = {
    "growth_per_quarter": (0.05, ("need_gw", "revenue_usd_bn_per_quarter"), ()),
    "price_drift_per_quarter": (0.02, (), ("expected_price",)),
    "default_factor": (3.0, ("default_prob_per_quarter",), ()),
}


@pytest.mark.parametrize("belief", BELIEFS)
def test_equal_beliefs_are_another_common_forecast_and_nothing_else(belief: str) -> None:
    size, lab_fields, provider_fields = BELIEFS[belief]
    both = {f"beliefs.{side}_{belief}": size for side in ("lab", "provider")}
    plain, shared = (talks_of(opened(lively(**changes))).problem("West") for changes in ({}, both))
    assert shared.seen is None
    assert same(plain.lab, shared.lab, *lab_fields)
    assert same(plain.provider, shared.provider, *provider_fields)
    for view, other, names in ((plain.lab, shared.lab, lab_fields), (plain.provider, shared.provider, provider_fields)):
        assert not any(np.array_equal(getattr(view, name), getattr(other, name)) for name in names)
    assert (plain.grid, plain.threat, plain.floors, plain.luck) == (
        shared.grid,
        shared.threat,
        shared.floors,
        shared.luck,
    )


@pytest.mark.parametrize("belief", BELIEFS)
@pytest.mark.parametrize("side", ["lab", "provider"])
def test_a_belief_of_one_side_is_in_its_own_view_alone(belief: str, side: str) -> None:
    size, lab_fields, provider_fields = BELIEFS[belief]
    plain, own = (
        talks_of(opened(lively(**changes))).problem("West") for changes in ({}, {f"beliefs.{side}_{belief}": size})
    )
    assert own.seen is not None
    as_lab, as_provider = (own.lab, own.provider), own.seen
    unmoved, moved = (as_provider, as_lab) if side == "lab" else (as_lab, as_provider)
    assert same(plain.lab, unmoved[0])
    assert same(plain.provider, unmoved[1])
    assert same(plain.lab, moved[0], *lab_fields)
    assert same(plain.provider, moved[1], *provider_fields)
    assert not (same(plain.lab, moved[0]) and same(plain.provider, moved[1]))


def test_reservation_values_are_drawn_only_where_they_are_private() -> None:
    assert talks_of(opened(lively())).problem("West").luck == (0.0, 0.0)
    private = talks_of(opened(lively(**{"beliefs.reservation_width": 0.5})))
    draws = [private.problem(name).luck for name in PROVIDERS]
    assert len({draw for pair in draws for draw in pair}) == 8
    assert {private.problem(name).conduct.uncertainty for name in PROVIDERS} == {0.5}


def test_talks_that_are_closed_are_not_opened() -> None:
    """Who has signed this quarter is not asked again, nor who does not sell."""
    market = opened(lively(**{"hyperscalers.North.sells": False}))
    need = Need(market.lab_by_name["Ada"], 0.1, ["West"])
    assert LabTalks(market, need, room_of(market)).providers == ("East", "South")
