"""allocate_compute: own use first, then contracts, then spot, then own use that can wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from market.allocation import ration_by_rank, spread_need
from market.deals import Exclusivity

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

Array = NDArray[np.float64]


def allocate_compute(market: CloudMarket) -> None:
    """Share each provider's usable capacity and split what labs get into inference and training."""
    flows = market.flows
    need = np.array([lab.need_gw if lab.active else 0.0 for lab in market.labs])
    usable = np.array([provider.usable_gw(market.parameters.capacity.availability) for provider in market.providers])
    flows.promised_gw = market.book.promised_gw(market.quarter)
    claims, owned = _serve_owners(market, usable, need)
    _serve_contracts(market, usable - claims, need - owned.sum(axis=0))
    flows.contract_gw += owned
    free = _serve_spot(market, usable - claims, need, owned[:-1].sum(axis=1))
    _fill_with_own_use(market, free)
    _split_use(market)
    _observe(market)


def _serve_owners(market: CloudMarket, usable: Array, need: Array) -> tuple[Array, Array]:
    """First claim of own use, (providers,), and what of it serves integrated labs, (rows, labs)."""
    claims, owned = np.zeros(len(market.providers)), np.zeros_like(market.flows.promised_gw)
    for provider in market.providers:
        if market.quarter <= market.history_until or provider.own_need_gw <= 0.0:
            provider.own_need_gw = provider.spec.own_use_share * usable[provider.index]
        claims[provider.index] = min(provider.own_need_gw, usable[provider.index])
    left = claims.copy()
    for lab in market.labs:
        if lab.active and lab.integrated:
            row = market.provider_row[lab.spec.owner]
            owned[row, lab.index] = min(need[lab.index], left[row])
            left[row] -= owned[row, lab.index]
    market.flows.own_use_gw = left
    return claims, owned


def _serve_contracts(market: CloudMarket, capacity: Array, need: Array) -> None:
    """Make promised capacity available, pro rata where short; labs use what they need of it."""
    flows = market.flows
    available = flows.promised_gw.copy()
    for provider in market.providers:
        row = provider.index
        available[row] = ration_by_rank([flows.promised_gw[row]], float(capacity[row]))[0]
    flows.available_gw = available
    total = available.sum(axis=0)
    share = np.where(total > need, need / np.where(total > 0.0, total, 1.0), 1.0)
    flows.contract_gw = available * np.maximum(share, 0.0)


def _affinity(market: CloudMarket) -> Array:
    """Where labs look for capacity without a contract: where they are, and a little where there is some."""
    flows = market.flows
    rows = len(market.provider_names)
    size = np.array([provider.capacity.installed_gw if provider.spec.sells else 0.0 for provider in market.providers])
    share = size / size.sum() if size.sum() > 0.0 else size
    affinity = np.zeros((rows, len(market.labs)))
    prior = market.last_delivered + flows.promised_gw
    totals = prior.sum(axis=0)
    affinity += np.where(totals > 0.0, prior / np.where(totals > 0.0, totals, 1.0), 0.0)
    affinity[:-1] += 0.1 * share[:, None]
    selling = np.array([*(provider.spec.sells for provider in market.providers), False])
    affinity *= selling[:, None]
    for lab in market.labs:
        if lab.spec.home and affinity[:, lab.index].sum() > 0.0:
            row = market.provider_row[lab.spec.home]
            affinity[row, lab.index] += 1.0 if row < len(market.providers) else 0.0
        for name, kind in market.clauses[lab.name].items():
            if kind is Exclusivity.EXCLUSIVE:
                only = np.zeros(rows)
                only[market.provider_row[name]] = 1.0
                affinity[:, lab.index] *= only
                affinity[market.provider_row[name], lab.index] = 1.0
    return affinity


def _serve_spot(market: CloudMarket, capacity: Array, need: Array, owned: Array) -> Array:
    """Sell what is left to labs' uncontracted need and to other customers.

    Capacity that a lab has contracted and leaves idle is sold on; the lab's take-or-pay stays due.
    """
    flows = market.flows
    free = np.append(np.maximum(capacity - flows.contract_gw[:-1].sum(axis=1) + owned, 0.0), 0.0)
    left = np.maximum(need - flows.contract_gw.sum(axis=0), 0.0)
    self_supplied = np.array([min(lab.spec.self_supplied_gw, left[lab.index]) for lab in market.labs])
    wanted = left - self_supplied
    open_asked = np.where([provider.spec.sells for provider in market.providers], flows.open_asked_gw, 0.0)
    expected = spread_need(wanted, _affinity(market), np.full(len(free), 1e12))
    pressure = expected[:-1].sum(axis=1) + open_asked
    labs_part = np.where(pressure > 0.0, expected[:-1].sum(axis=1) / np.where(pressure > 0.0, pressure, 1.0), 0.0)
    open_room = free[:-1] * (1.0 - labs_part)
    flows.open_gw = np.minimum(open_asked, np.where(pressure > free[:-1], open_room, open_asked))
    placed = spread_need(wanted, _affinity(market), np.append(np.maximum(free[:-1] - flows.open_gw, 0.0), 0.0))
    flows.spot_gw = placed
    asked, given = float(wanted.sum()), float(placed.sum())
    flows.spot_fill_frac = given / asked if asked > 0.0 else 1.0
    flows.rationed_frac = 1.0 - flows.spot_fill_frac
    flows.spot_gw[-1] += self_supplied
    return np.maximum(free[:-1] - flows.open_gw - placed[:-1].sum(axis=1), 0.0)


def _fill_with_own_use(market: CloudMarket, free: Array) -> None:
    """Own use that can wait takes slack, up to a share above its first claim."""
    for provider in market.providers:
        row = provider.index
        wait = market.parameters.capex.own_use_slack * provider.own_need_gw
        market.flows.own_use_gw[row] += min(wait, free[row])


def _split_use(market: CloudMarket) -> None:
    """Inference and training share what was delivered in proportion to what they asked."""
    flows = market.flows
    delivered = flows.delivered_gw.sum(axis=0)
    growth = market.parameters.training.efficiency_per_year
    efficiency = np.append([market.efficiency_of(provider, growth) for provider in market.providers], 0.0)
    efficiency[-1] = float(efficiency[:-1].max(initial=1.0))
    for lab in market.labs:
        i = lab.index
        if not lab.active or lab.need_gw <= 0.0:
            continue
        served = min(delivered[i] / lab.need_gw, 1.0)
        flows.inference_gw[i] = lab.inference_gw * served
        flows.training_gw[i] = lab.training_gw * served
        mix = flows.delivered_gw[:, i] / delivered[i] if delivered[i] > 0.0 else np.zeros(len(efficiency))
        flows.effective_training[i] = flows.training_gw[i] * float(mix @ efficiency)


def _observe(market: CloudMarket) -> None:
    """Providers see how much was used."""
    flows = market.flows
    for provider in market.providers:
        row = provider.index
        used = flows.own_use_gw[row] + flows.open_gw[row] + float(flows.delivered_gw[row].sum())
        installed = provider.capacity.installed_gw
        utilisation = used / installed if installed > 0.0 else 0.0
        spot = float(flows.spot_gw[row].sum() + flows.open_gw[row])
        provider.observe(utilisation, spot, market.parameters.capex)
    market.last_delivered = flows.delivered_gw.copy()
    market.spot_fill = 0.7 * market.spot_fill + 0.3 * flows.spot_fill_frac
