"""allocate_compute: own use first, then contracts, then spot, then own use that can wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.hyperscaler import Hyperscaler
from market.allocation import by_affinity, ration, spread_need
from market.sums import total, totals

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

Array = NDArray[np.float64]
ROUNDING = 1e-12  # share of a quantity below which a difference is rounding
ANYWHERE = 0.1  # pull of a provider's size on a lab without a contract, against 1 for where it already is


def allocate_compute(market: CloudMarket) -> None:
    """Share each provider's usable capacity and split what labs get into inference and training."""
    flows = market.flows
    need = np.array([lab.need_gw if lab.active else 0.0 for lab in market.labs])
    usable = np.array([provider.usable_gw(market.parameters.capacity.availability) for provider in market.providers])
    flows.promised_gw = market.book.promised_gw(market.quarter)
    claims, owned = _serve_owners(market, usable, need)
    _serve_contracts(market, usable - claims, need - totals(owned, axis=0))
    sold_on = usable - claims - totals(flows.contract_gw[:-1], axis=1)
    flows.contract_gw += owned
    free = _serve_spot(market, np.maximum(sold_on, 0.0), need)
    _fill_with_own_use(market, free)
    _split_use(market)
    _observe(market)


def _serve_owners(market: CloudMarket, usable: Array, need: Array) -> tuple[Array, Array]:
    """First claim of own use, (providers,), and what of it serves integrated labs, (rows, labs).

    An integrated lab is served by its owner first; it asks the owner for what it has not rented elsewhere.
    """
    claims, owned = np.zeros(len(market.providers)), np.zeros_like(market.flows.promised_gw)
    for provider in market.providers:
        if market.quarter <= market.history_until:
            need_gw = _own_use_seen(market, provider, float(usable[provider.index]))
            provider.observe_own_need(need_gw, market.parameters.capex.own_use_weight)
        elif provider.own_need_gw <= 0.0:
            provider.own_need_gw = provider.spec.own_use_share * float(usable[provider.index])
        claims[provider.index] = min(provider.own_need_gw, usable[provider.index])
    left = claims.copy()
    for lab in market.labs:
        if lab.active and lab.integrated:
            row = market.provider_row[lab.spec.owner]
            rented = total(market.flows.promised_gw[:, lab.index])
            owned[row, lab.index] = min(max(need[lab.index] - rented, 0.0), left[row])
            left[row] -= owned[row, lab.index]
    market.flows.own_use_gw = left
    return claims, owned


def _own_use_seen(market: CloudMarket, provider: Hyperscaler, usable_gw: float) -> float:
    """While capacity is imposed: what a company built and sold to nobody, up to the utilisation it aims at."""
    rest = market.parameters.capex.utilisation_target * usable_gw - provider.sold_gw
    return max(provider.spec.own_use_share * usable_gw, rest)


def _serve_contracts(market: CloudMarket, capacity: Array, need: Array) -> None:
    """Make promised capacity available, pro rata where short; labs use what they need of it."""
    flows = market.flows
    available = flows.promised_gw.copy()
    for provider in market.providers:
        row = provider.index
        available[row] = ration(flows.promised_gw[row], max(float(capacity[row]), 0.0))
    flows.available_gw = available
    offered = totals(available, axis=0)
    share = np.where(offered > need, need / np.where(offered > 0.0, offered, 1.0), 1.0)
    flows.contract_gw = available * np.maximum(share, 0.0)


def _affinity(market: CloudMarket) -> Array:
    """Where labs look for capacity without a contract: where they are, a little elsewhere, more where it is cheap."""
    flows = market.flows
    size = np.array([provider.capacity.installed_gw if provider.spec.sells else 0.0 for provider in market.providers])
    share = size / total(size) if total(size) > 0.0 else size
    affinity = by_affinity(np.ones(len(market.labs)), market.last_delivered + flows.promised_gw)
    affinity[:-1] += ANYWHERE * share[:, None]
    elasticity = market.parameters.price.spot_elasticity
    affinity[:-1] *= np.array([(market.price / provider.price) ** elasticity for provider in market.providers])[:, None]
    for lab in market.labs:
        if lab.spec.home:
            affinity[market.provider_row[lab.spec.home], lab.index] += 1.0
        exclusive = [market.provider_row[name] for name in market.exclusive_hosts(lab)]
        if exclusive:
            affinity[:, lab.index] = 0.0
            affinity[exclusive, lab.index] = 1.0
    selling = np.array([*(provider.spec.sells for provider in market.providers), False])
    return np.asarray(affinity * selling[:, None])


def _serve_spot(market: CloudMarket, free: Array, need: Array) -> Array:
    """Sell what is left to labs' uncontracted need and to other customers.

    Capacity that a lab has contracted and leaves idle is sold on; the lab's take-or-pay stays due.
    """
    flows = market.flows
    left = need - totals(flows.contract_gw, axis=0)
    left = np.where(left > ROUNDING * need, left, 0.0)
    self_supplied = np.array([min(lab.spec.self_supplied_gw, left[lab.index]) for lab in market.labs])
    wanted = left - self_supplied
    open_asked = np.where([provider.spec.sells for provider in market.providers], flows.open_asked_gw, 0.0)
    affinity = _affinity(market)
    expected = totals(by_affinity(wanted, affinity), axis=1)[:-1]
    pressure = expected + open_asked
    labs_part = np.where(pressure > 0.0, expected / np.where(pressure > 0.0, pressure, 1.0), 0.0)
    open_room = free * (1.0 - labs_part)
    flows.open_gw = np.minimum(open_asked, np.where(pressure > free, open_room, open_asked))
    room = np.where(free - flows.open_gw > ROUNDING * free, free - flows.open_gw, 0.0)
    placed = spread_need(wanted, affinity, np.append(room, 0.0))
    flows.spot_gw = placed
    asked, given = total(wanted), total(placed)
    flows.spot_fill_frac = given / asked if asked > 0.0 else 1.0
    flows.rationed_frac = 1.0 - flows.spot_fill_frac
    flows.spot_gw[-1] += self_supplied
    left_over = free - flows.open_gw - totals(placed[:-1], axis=1)
    return np.where(left_over > ROUNDING * free, left_over, 0.0)


def _fill_with_own_use(market: CloudMarket, free: Array) -> None:
    """Own use that can wait takes slack, up to a share above its first claim."""
    for provider in market.providers:
        row = provider.index
        wait = market.parameters.capex.own_use_slack * provider.own_need_gw
        market.flows.own_use_gw[row] += min(wait, free[row])


def _split_use(market: CloudMarket) -> None:
    """Inference and training share what was delivered in proportion to what they asked."""
    flows = market.flows
    delivered = totals(flows.delivered_gw, axis=0)
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
        flows.effective_training[i] = flows.training_gw[i] * total(mix * efficiency)


def _observe(market: CloudMarket) -> None:
    """Providers see how much was used."""
    flows = market.flows
    for provider in market.providers:
        row = provider.index
        used = flows.own_use_gw[row] + flows.open_gw[row] + total(flows.delivered_gw[row])
        installed = provider.capacity.installed_gw
        utilisation = used / installed if installed > 0.0 else 0.0
        spot = total(flows.spot_gw[row]) + float(flows.open_gw[row])
        provider.observe(utilisation, spot, market.parameters.capex)
        provider.sold_gw = float(flows.open_gw[row]) + sum(
            float(flows.delivered_gw[row, lab.index]) for lab in market.labs if lab.spec.owner != provider.name
        )
    market.last_delivered = flows.delivered_gw.copy()
    market.spot_fill = 0.7 * market.spot_fill + 0.3 * flows.spot_fill_frac
