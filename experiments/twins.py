"""Limit cases in which the market has a closed form: the table of analytic twins in docs/validation.md.

    python -m experiments.twins

rewrites its marked part. Every row runs the market itself, under a scenario that switches the rest off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudpact.model import CloudMarket
from cloudpact.quarter.adoption import enterprise_utilities
from market.choice import nested_logit_shares
from market.investment import dixit_pindyck_multiple, newsvendor_haircut
from market.ownership import CapTable
from market.pricing import user_cost
from market.scenario import Scenario

Array = NDArray[np.float64]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "validation.md"
BEGIN, END = "<!-- twins:begin -->", "<!-- twins:end -->"
STILL = {
    "uncertainty.scale": 0.0,
    "demand.volatility_per_quarter": 0.0,
    "demand.appeal_volatility_per_quarter": 0.0,
    "capacity.build_cost_growth_per_year": 0.0,
    "capacity.delay_probability": 0.0,
}


@dataclass(frozen=True, slots=True)
class Twin:
    """A limit case: the closed form and its source, what it says, what the market did, and how far apart they may be.

    Several values are compared by their largest distance; the first of each is shown.
    """

    case: str
    law: str
    expected: Array
    found: Array
    tolerance: float

    @property
    def error(self) -> float:
        """Largest distance between market and closed form."""
        return float(np.max(np.abs(self.expected - self.found)))


def market_of(name: str, changes: dict[str, Any], quarters: int, rng: int = 3) -> CloudMarket:
    """A market under a shipped scenario with changes, after some quarters."""
    scenario = Scenario.load(name).with_(STILL | changes)
    market = CloudMarket(scenario, rng=rng)
    market.run_for(quarters)
    return market


def bass(count: int) -> Twin:
    """Adoption of enterprises of one size against the recursion F + (p + q F)(1 - F)."""
    p, q, quarters = 0.03, 0.38, 16
    changes = {"enterprises.count": count, "enterprises.size_sigma": 0.0}
    market = market_of("symmetric", changes | {"enterprises.innovation": p, "enterprises.imitation": q}, quarters)
    path, adopted = [], 0.0
    for _ in range(quarters):
        adopted += (p + q * adopted) * (1.0 - adopted)
        path.append(adopted)
    found = market.results.market["adoption_frac"].to_numpy(dtype=float)
    # five standard errors of a share of one half, which errors of earlier quarters can double
    tolerance = 5.0 / math.sqrt(count)
    return Twin(f"Adoption, {count:,} equal enterprises", "Bass (1969), discrete", np.array(path), found, tolerance)


def bass_continuous() -> Twin:
    """With slow hazards quarters hardly matter: F(t) = (1 - e^-(p+q)t) / (1 + q/p e^-(p+q)t)."""
    p, q, quarters, count = 0.003, 0.038, 28, 100_000
    changes = {"enterprises.count": count, "enterprises.size_sigma": 0.0}
    market = market_of("symmetric", changes | {"enterprises.innovation": p, "enterprises.imitation": q}, quarters)
    decay = np.exp(-(p + q) * np.arange(1, quarters + 1))
    found = market.results.market["adoption_frac"].to_numpy(dtype=float)
    law = "Bass (1969), continuous"
    return Twin("Adoption, slow hazards", law, (1.0 - decay) / (1.0 + q / p * decay), found, 0.01)


def logit() -> Twin:
    """Consumers who all choose anew every quarter hold logit shares of the labs' utilities."""
    changes = {"demand.consumer_churn_per_quarter": 1.0, "labs.Ada.consumer_appeal": 1.0}
    market = market_of("tiny", changes, 5)
    weight = market.parameters.demand.consumer_capability_weight
    seen = market_of("tiny", changes, 4)  # they chose on what labs could do then
    sold = [lab.index for lab in seen.labs if lab.active and lab.spec.sells]
    utility = np.array(
        [seen.labs[i].spec.consumer_appeal + seen.labs[i].appeal_log + weight * seen.labs[i].capability for i in sold]
    )
    shares = np.exp(utility) / np.exp(utility).sum()
    return Twin("Consumers without inertia", "logit, McFadden (1974)", shares, market.consumer_shares[sold], 1e-12)


def anchor() -> Twin:
    """With no response to utilisation the price returns to full cost times markup at the anchor's speed."""
    quarters = 12
    market = market_of("symmetric", {"price.utilisation_response": 0.0}, quarters)
    rules = market.parameters.price
    goal = rules.markup * market.merchant_cost
    gap = math.log(rules.start_usd_bn_per_gw_quarter / goal)
    left = gap * (1.0 - rules.anchor) ** np.arange(1, quarters + 1)
    found = _column(market, "price_usd_bn_per_gw_quarter")
    return Twin("Price without scarcity", "p* exp(gap (1 - e)^t)", goal * np.exp(left), found, 1e-9)


def retirement() -> Twin:
    """Capacity that nobody renews, evenly aged, falls on a line to nil over the life of chips."""
    scenario = Scenario.load("symmetric")
    idle = {f"hyperscalers.{name}.builds": False for name in scenario.hyperscalers}
    market = market_of("symmetric", idle, 12)
    start = sum(spec.capacity_gw for spec in scenario.hyperscalers.values())
    life = scenario.capacity.chip_life_quarters
    line = start * (1.0 - np.arange(1, 13) / life)
    return Twin("Capacity that nobody renews", "K (1 - t / life)", line, _column(market, "capacity_gw"), 1e-9)


def steady_capacity() -> Twin:
    """Constant own use: capacity settles where orders replace what retires.

    Each quarter a share a of the gap between desired D and what will be there, v (K - q), is ordered, and q = K / life
    retires: K = a D / (1 / life + a v (1 - 1 / life)), with D = need (1 + slack h) / u*, h the newsvendor's haircut.
    """
    changes = {
        "capacity.chip_lead_quarters": 3, "capacity.lead_quarters": 3, "capex.own_use_damping": 0.0,
        "capex.inertia": 0.0, "supply.accelerators_gw_per_quarter": 50.0, "supply.power_gw_per_quarter": 50.0,
        "demand.saturation_usd_bn_per_year": 1.0, "time.end": "2064Q4", "price.utilisation_response": 0.0,
    }  # fmt: skip
    scenario = Scenario.load("symmetric")
    for name in scenario.hyperscalers:
        changes |= {
            f"hyperscalers.{name}.own_use_share": 1.0, f"hyperscalers.{name}.own_use_growth_per_year": 0.0,
            f"hyperscalers.{name}.cash_flow_usd_bn_per_quarter": 500.0,
        }  # fmt: skip
    for name in scenario.labs:
        changes |= {f"labs.{name}.enters": "2064Q4"}
    market = market_of("symmetric", changes, 150)
    provider, rules = market.providers[0], market.parameters
    haircut = newsvendor_haircut(provider.price, user_cost(market.cost_basis(provider)), rules.capex.spot_demand_sd)
    desired = provider.own_need_gw * (1.0 + rules.capex.own_use_slack * haircut) / rules.capex.utilisation_target
    life, a, v = rules.capacity.chip_life_quarters, rules.capex.adjustment, rules.capacity.availability
    steady = a * desired / (1.0 / life + a * v * (1.0 - 1.0 / life))
    law = "stock adjustment with a newsvendor's haircut, Arrow, Harris and Marschak (1951)"
    rows = market.results.providers
    held = (
        rows.loc[rows["provider"] == provider.name, "capacity_gw"].tail(life).mean()
    )  # echoes of retirement average out
    return Twin("Capacity under constant need, GW", law, np.array([steady]), np.array([held]), 0.005 * steady)


def dilution() -> Twin:
    """27 % before 110 at 730 before the money (Microsoft in OpenAI, February 2026)."""
    table = CapTable({"Founders": 0.73, "Microsoft": 0.27})
    table.issue("Amazon", 110.0, 730.0)
    found = np.array([table.fraction("Microsoft"), table.fraction("Amazon")])
    return Twin("Stake after a round", "s V / (V + E)", np.array([0.27 * 730 / 840, 110 / 840]), found, 1e-9)


# One provider, one lab, and nothing on the table but compute: talks in which only the discount moves the split.
ONE_PAIR = {
    "hyperscalers.East.sells": False, "labs.Byron.enters": "2027Q4", "negotiation.equity_scale": 0.0,
    "negotiation.revenue_share_levels": (0.0,), "negotiation.clause_levels": ("none",),
}  # fmt: skip
PATIENCE = 0.9


def _provider_gain(changes: dict[str, Any]) -> float:
    """The provider's gain in the first talks of a market of one pair."""
    return float(market_of("tiny", ONE_PAIR | changes, 1).results.negotiations["provider_utility_usd_bn"].iloc[0])


def nash() -> Twin:
    """Money moves the split along a line, on which a party gets its weight's share of the most it could get."""
    powers = (0.8, 0.5, 0.3)
    most = _provider_gain({"negotiation.provider_power": 1.0})
    found = np.array([_provider_gain({"negotiation.provider_power": power}) / most for power in powers])
    return Twin("One pair, Nash: provider's part", "w, Nash (1950), Kalai (1977)", np.array(powers), found, 1e-6)


def rubinstein() -> Twin:
    """Alternating offers of equally patient parties: who offers first gets 1 / (1 + d) of the most it could get."""
    interval = -math.log(PATIENCE) / Scenario.load("tiny").talks.impatience_per_quarter
    rule = {"negotiation.protocol": "alternating_offers", "talks.offer_interval_quarters": interval}
    found = _provider_gain(rule) / _provider_gain({"negotiation.provider_power": 1.0})
    law = "1 / (1 + d), Rubinstein (1982)"
    return Twin("One pair, alternating offers", law, np.array([1.0 / (1.0 + PATIENCE)]), np.array([found]), 1e-4)


def nested_logit() -> Twin:
    """Enterprises free of switching costs that all choose anew: channels in nests of labs, and no purchase."""
    count = 300_000
    changes = {
        "enterprises.count": count, "enterprises.size_sigma": 0.0, "enterprises.segments": 1,
        "enterprises.innovation": 1.0, "enterprises.renewal_quarters": 1, "enterprises.second_model_prob": 0.0,
        "enterprises.cloud_friction": 0.0, "enterprises.model_switching_cost": 0.0,
        "labs.Ada.enterprise_appeal": 0.7, "labs.Ada.home": "North", "labs.Byron.home": "East",
    }  # fmt: skip
    market, seen = market_of("tiny", changes, 5), market_of("tiny", changes, 4)  # what labs could do when they chose
    rules = market.parameters.enterprises
    utility = np.where(market.reach, enterprise_utilities(seen)[0][:, None], -np.inf)
    inside, outside = nested_logit_shares(utility, rules.nest, rules.no_purchase_utility)
    chosen = market.population.columns.channels[:, 0]
    found = np.bincount(chosen + 1, minlength=market.reach.size + 1) / count
    expected = np.append(outside, inside.ravel())
    # five standard errors of a share of one half
    return Twin("Enterprises without inertia", "nested logit, McFadden (1978)", expected, found, 2.5 / math.sqrt(count))


# Two providers with hardly any capacity, no use of their own, and a price that starts at half of what pays for waiting
# and returns to full cost with markup by the anchor alone.
WAITING = {
    "capex.rule": "real_option", "capex.option_volatility_per_year": 0.2, "price.utilisation_response": 0.0,
    "price.start_usd_bn_per_gw_quarter": 1.2, "capex.inertia": 0.0,
    "hyperscalers.North.capacity_gw": 0.05, "hyperscalers.North.own_use_share": 0.0,
    "hyperscalers.East.capacity_gw": 0.05, "hyperscalers.East.own_use_share": 0.0,
}  # fmt: skip


def _crossing(market: CloudMarket, quarters: int) -> int:
    """Quarter, from nil, in which a price that only the anchor moves reaches beta / (beta - 1) user costs."""
    rules, cost = market.parameters, user_cost(market.cost_basis(market.providers[0]))
    rate = 4.0 * rules.capacity.cost_of_capital_per_quarter
    trigger = cost * dixit_pindyck_multiple(
        rate, rules.capex.option_payout_per_year, rules.capex.option_volatility_per_year
    )
    goal = rules.price.markup * market.merchant_cost
    gap = math.log(rules.price.start_usd_bn_per_gw_quarter / goal)
    return int(np.argmax(goal * np.exp(gap * (1.0 - rules.price.anchor) ** np.arange(quarters)) >= trigger))


def option_trigger() -> Twin:
    """Demand without a contract is built for from the quarter in which the price reaches the trigger."""
    market = market_of("tiny", WAITING | {"negotiation.coverage_threshold": 0.0}, 12)
    ordered = market.results.providers.groupby("quarter")["ai_capex_usd_bn"].sum().to_numpy(dtype=float)
    found = np.array([float(np.argmax(ordered > 0.0))])
    law = "price at beta / (beta - 1) user costs, Dixit and Pindyck (1994)"
    return Twin("First order without a contract, quarter", law, np.array([float(_crossing(market, 12))]), found, 0.0)


def committed_orders() -> Twin:
    """Below the trigger contracts alone are built for, and in full: a ((1 - PD) committed / u* - v K) each quarter."""
    rich = {f"hyperscalers.{name}.cash_flow_usd_bn_per_quarter": 500.0 for name in ("North", "East")}
    market = market_of("tiny", WAITING | rich, 0)
    rules = market.parameters
    lead, kept = rules.capacity.lead_quarters, 1.0 - rules.negotiation.default_probability_per_quarter
    expected, found = [], []
    for _ in range(_crossing(market, 12)):
        market.run_for(1)
        promised = market.book.promised_path(market.quarter - 1, lead + 1)[:, :, lead].sum(axis=1)
        for provider in market.providers:
            held = float(provider.capacity.path(lead + 1)[lead]) - provider.last_order_gw
            wanted = kept**lead * promised[provider.index] / rules.capex.utilisation_target
            expected.append(max(rules.capex.adjustment * (wanted - rules.capacity.availability * held), 0.0))
            found.append(provider.last_order_gw)
    case = "Orders for contracts below the trigger, GW"
    return Twin(case, "stock adjustment, no option value", np.array(expected), np.array(found), 1e-9)


def _column(market: CloudMarket, name: str) -> Array:
    return market.results.market[name].to_numpy(dtype=float)


CASES: tuple[Callable[[], Twin], ...] = (
    lambda: bass(1_000),
    lambda: bass(100_000),
    bass_continuous,
    logit,
    nested_logit,
    nash,
    rubinstein,
    anchor,
    retirement,
    steady_capacity,
    option_trigger,
    committed_orders,
    dilution,
)


def twins() -> Iterator[Twin]:
    """Every limit case in turn."""
    return (case() for case in CASES)


def table(found: list[Twin]) -> str:
    """The limit cases as Markdown."""
    lines = [
        "| limit case | closed form | it says | the market | largest error | allowed |",
        "|---|---|---|---|---|---|",
    ]
    for each in found:
        values = (f"{each.expected[-1]:.5g}", f"{each.found[-1]:.5g}", f"{each.error:.1e}", f"{each.tolerance:.1e}")
        lines.append(f"| {each.case} | {each.law} | {' | '.join(values)} |")
    return "\n".join(lines)


def main() -> None:
    """Rewrite the marked part of the page."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    told = "Made with `python -m experiments.twins`; values are those of the last quarter compared."
    text = f"{told}\n\n{table(list(twins()))}"
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
