"""Disclosed deal rows as term sheets, with every term that had to be imputed named.

Announced GW is a ceiling ("up to") and a commitment in USD a floor, so neither gives a price by
itself: the capacity is what the commitment buys at the market's price, at most what was announced,
and the price per GW-quarter stays inside a band around the market's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from market.deals import Exclusivity, TermSheet, Tranche, Trigger, Warrant
from market.fact_names import Override, Role, RoleRow
from market.fact_rows import TARGET_CONFIDENCES, DealRow, LabRow

EXCLUSIVITY = {
    "": Exclusivity.NONE,
    "none": Exclusivity.NONE,
    "primary": Exclusivity.PRIMARY,
    "right-of-first-refusal": Exclusivity.FIRST_REFUSAL,
    "exclusive": Exclusivity.EXCLUSIVE,
}
_HOSTED = frozenset({Role.SIGNED, Role.OTHER_CLOUD})


@dataclass(frozen=True, slots=True)
class ImputationRules:
    """Numbers for the terms that a row does not disclose; each was chosen by us, none is a fact."""

    term_years: float = 5.0
    large_term_years: float = 7.0
    large_commitment_usd_bn: float = 100.0
    equity_only_term_years: float = 4.0
    commitment_per_equity: float = 1.0
    announced_gw_frac: float = 0.6
    undisclosed_gw: float = 0.1
    price_band: tuple[float, float] = (0.6, 1.6)
    own_silicon_price_frac: float = 0.7
    lead_quarters: int = 2
    large_lead_quarters: int = 6
    small_gw: float = 0.5
    ramp_frac: float = 1 / 3
    ramp_max_quarters: int = 8
    upfront_frac: float = 0.25
    small_equity_usd_bn: float = 2.0
    tranche_quarters: tuple[int, ...] = (2, 4, 6)
    milestones_from: date = date(2025, 9, 1)
    # A hair below thirds of the plateau, so that rounding cannot hold a payment back.
    milestone_fracs: tuple[float, ...] = (0.33, 0.66, 0.99)
    round_days: int = 31
    pre_money_per_equity: float = 9.0
    take_or_pay_frac: float = 0.8
    makeup_quarters: int = 4
    share_grant_frac: float = 0.015
    warrant_quarters: tuple[int, ...] = (4, 8, 12)


@dataclass(frozen=True, slots=True)
class DisclosedDeal:
    """A disclosed row as the model takes it.

    `imputed` names the terms that the row does not disclose. `stake_set_to` is the provider's
    whole holding in the lab after the deal, where a stake was disclosed without new cash or as a
    cumulative figure; it replaces what the deals so far add up to. An ignored row has empty terms.
    The exclusivity clause between a provider and a lab is that of their latest row.
    """

    slug: str
    date: date
    quarter: int
    role: Role
    terms: TermSheet
    imputed: tuple[str, ...]
    confidence: str
    note: str
    reason: str
    stake_set_to: float | None = None

    @property
    def is_target(self) -> bool:
        """Whether a calibration may aim at it: confidence high or medium and not ignored."""
        return self.confidence in TARGET_CONFIDENCES and self.role is not Role.IGNORED


@dataclass(frozen=True, slots=True)
class _Compute:
    start_quarter: int
    gw_by_quarter: tuple[float, ...]
    price_usd_bn_per_gw_quarter: float
    imputed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Equity:
    tranches: tuple[Tranche, ...]
    pre_money_usd_bn: float
    stake_frac: float
    imputed: tuple[str, ...]


_NO_EQUITY = _Equity((), 0.0, 0.0, ())


def disclosed_deal(
    row: DealRow,
    role: RoleRow,
    overrides: Sequence[Override],
    lab_rows: Sequence[LabRow],
    price_at: Callable[[int], float],
    rules: ImputationRules,
) -> DisclosedDeal:
    """One row as a disclosed deal; `overrides` and `lab_rows` hold only what is known at the origin."""
    given = {override.term: override.value for override in overrides}
    terms = TermSheet(provider=role.provider, lab=role.lab, quarter=row.quarter, start_quarter=row.quarter)
    imputed: set[str] = set()
    if role.role is not Role.IGNORED:
        terms = dataclasses.replace(terms, exclusivity=EXCLUSIVITY[row.exclusivity])
        if not row.exclusivity:
            imputed.add("exclusivity")
    if role.role in _HOSTED and _has_compute(row):
        compute = _compute(row, given, price_at(row.quarter), rules)
        imputed.update(compute.imputed)
        terms = dataclasses.replace(
            terms,
            start_quarter=compute.start_quarter,
            gw_by_quarter=compute.gw_by_quarter,
            price_usd_bn_per_gw_quarter=compute.price_usd_bn_per_gw_quarter,
            take_or_pay_frac=rules.take_or_pay_frac,
            makeup_quarters=rules.makeup_quarters,
        )
    if role.role not in (Role.IGNORED, Role.EXCLUSIVITY_CHANGE):
        equity = _equity(row, given, terms.gw, lab_rows, rules)
        warrants = _warrants(row, role, rules)
        imputed.update(equity.imputed, ("warrants",) if warrants else ())
        terms = dataclasses.replace(
            terms,
            tranches=equity.tranches,
            pre_money_usd_bn=equity.pre_money_usd_bn,
            stake_frac=equity.stake_frac,
            warrants=warrants,
        )
    return DisclosedDeal(
        slug=row.slug,
        date=row.date,
        quarter=row.quarter,
        role=role.role,
        terms=terms,
        imputed=tuple(sorted(imputed)),
        confidence=row.confidence,
        note=row.note,
        reason=role.reason,
        stake_set_to=_stake_set_to(row, role, given),
    )


def _has_compute(row: DealRow) -> bool:
    """A stake without cash or compute (a recapitalisation or a changed clause) brings no capacity."""
    disclosed = (row.compute_commitment_usd_bn, row.compute_gw, row.equity_usd_bn)
    return any(value is not None for value in disclosed) or row.equity_stake_pct is None


def _compute(row: DealRow, given: Mapping[str, float], market_price: float, rules: ImputationRules) -> _Compute:
    imputed = {"ramp", "take_or_pay", "discount", "price", "start"}
    commitment = given.get("commitment_usd_bn", row.compute_commitment_usd_bn)
    if commitment is None and row.compute_gw is None and (row.equity_usd_bn or 0.0) > 0:
        commitment = rules.commitment_per_equity * (row.equity_usd_bn or 0.0)
    if commitment is None or commitment != row.compute_commitment_usd_bn:
        imputed.add("commitment")
    years = given.get("term_years", row.compute_term_years)
    if years is None:
        years = _term_years(row, commitment, rules)
    if years != row.compute_term_years:
        imputed.add("term")
    ramp = ramp_fracs(max(1, round(4 * years)), rules)
    local_price = market_price * (rules.own_silicon_price_frac if _own_silicon(row.chips) else 1.0)
    gw, price = size(commitment, row.compute_gw, sum(ramp), local_price, rules)
    if gw != row.compute_gw:
        imputed.add("gw")
    lead = rules.lead_quarters if gw <= rules.small_gw else rules.large_lead_quarters
    start = int(given.get("start_quarter", row.quarter + lead))
    return _Compute(start, tuple(gw * frac for frac in ramp), price, tuple(imputed))


def _term_years(row: DealRow, commitment: float | None, rules: ImputationRules) -> float:
    if row.compute_commitment_usd_bn is None and row.compute_gw is None:
        return rules.equity_only_term_years
    return rules.large_term_years if (commitment or 0.0) >= rules.large_commitment_usd_bn else rules.term_years


def _own_silicon(chips: str) -> bool:
    """Whether the capacity runs on the cloud's own chips, which cost less than merchant ones."""
    merchant = "NVIDIA" in chips or "GPU" in chips
    return ("TPU" in chips or "Trainium" in chips) and not merchant


def ramp_fracs(term_quarters: int, rules: ImputationRules) -> tuple[float, ...]:
    """Share of the plateau in each quarter of the term: linear over a third of it, at most 8 quarters.

    >>> ramp_fracs(6, ImputationRules())
    (0.5, 1.0, 1.0, 1.0, 1.0, 1.0)
    """
    ramp = max(1, min(rules.ramp_max_quarters, int(term_quarters * rules.ramp_frac)))
    return tuple(min(1.0, (quarter + 1) / ramp) for quarter in range(term_quarters))


def size(
    commitment_usd_bn: float | None,
    announced_gw: float | None,
    ramp: float,
    market_price: float,
    rules: ImputationRules,
) -> tuple[float, float]:
    """Plateau in GW and price in USD bn per GW-quarter of a deal; `ramp` is the sum of its ramp's shares.

    With a commitment C: gw = min(announced, C / (p * ramp)), then moved so that the price
    C / (gw * ramp) lies between 0.6 and 1.6 times the market price p. With announced capacity
    only: 0.6 of it at p. With neither: 0.1 GW at p.

    >>> size(100.0, 2.0, 20.0, 5.0, ImputationRules())
    (1.0, 5.0)
    >>> size(100.0, 0.1, 20.0, 5.0, ImputationRules())
    (0.625, 8.0)
    """
    if commitment_usd_bn is None:
        gw = rules.undisclosed_gw if announced_gw is None else rules.announced_gw_frac * announced_gw
        return gw, market_price
    implied = commitment_usd_bn / (market_price * ramp)
    gw = implied if announced_gw is None else min(announced_gw, implied)
    low, high = rules.price_band
    gw = min(max(gw, implied / high), implied / low)
    return gw, commitment_usd_bn / (gw * ramp)


def _equity(
    row: DealRow, given: Mapping[str, float], plateau_gw: float, lab_rows: Sequence[LabRow], rules: ImputationRules
) -> _Equity:
    equity = row.equity_usd_bn or 0.0
    if equity <= 0:
        return _NO_EQUITY
    imputed = {"pre_money"}
    tranches, how = _tranches(row, equity, plateau_gw, given, rules)
    imputed.update(how)
    if row.equity_stake_pct is not None and "stake_set_to_frac" not in given:
        stake = row.equity_stake_pct / 100
        return _Equity(tranches, equity / stake - equity, stake, tuple(imputed))
    pre_money = given.get("pre_money_usd_bn") or pre_money_usd_bn(row, equity, lab_rows, rules)
    imputed.add("stake")
    return _Equity(tranches, pre_money, equity / (pre_money + equity), tuple(imputed))


def _tranches(
    row: DealRow, equity: float, plateau_gw: float, given: Mapping[str, float], rules: ImputationRules
) -> tuple[tuple[Tranche, ...], tuple[str, ...]]:
    upfront = row.equity_upfront_usd_bn
    how: tuple[str, ...] = ("tranches",)
    if upfront is None:
        upfront = equity if equity <= rules.small_equity_usd_bn else rules.upfront_frac * equity
        how = ("tranches", "upfront")
    first = Tranche(upfront, Trigger.DATE, row.quarter)
    rest = equity - upfront
    if rest <= 0:
        return (first,), how[1:]
    if "remainder_quarter" in given:
        return (first, Tranche(rest, Trigger.DATE, given["remainder_quarter"])), how
    if row.date >= rules.milestones_from and plateau_gw > 0:
        trigger = Trigger.GW_LIVE
        thresholds = [frac * plateau_gw for frac in rules.milestone_fracs]
    else:
        trigger = Trigger.DATE
        thresholds = [float(row.quarter + quarters) for quarters in rules.tranche_quarters]
    later = (Tranche(rest / len(thresholds), trigger, threshold) for threshold in thresholds)
    return (first, *later), how


def pre_money_usd_bn(row: DealRow, equity: float, lab_rows: Sequence[LabRow], rules: ImputationRules) -> float:
    """Valuation before the deal's money: the lab's last known one at the deal's date.

    A valuation dated up to a month before with a funding round beside it is that round's value
    after the money, so the deal's equity comes off, unless its note says pre-money. A lab without
    any valuation counts nine times the equity (a stake of a tenth).
    """
    known = [lab for lab in lab_rows if lab.lab == row.lab and lab.valuation_usd_bn and lab.date <= row.date]
    if not known:
        return rules.pre_money_per_equity * equity
    last = max(known, key=lambda lab: lab.date)
    valuation = last.valuation_usd_bn or 0.0
    same_round = last.funding_round_usd_bn is not None and (row.date - last.date).days <= rules.round_days
    if same_round and "pre-money" not in last.note and valuation > equity:
        return valuation - equity
    return valuation


def _warrants(row: DealRow, role: RoleRow, rules: ImputationRules) -> tuple[Warrant, ...]:
    """The provider's own shares to the lab: a negative stake vests by dates, negative equity at signing."""
    if role.role is Role.OTHER_CLOUD:
        return ()
    if (row.equity_stake_pct or 0.0) < 0:
        part = -(row.equity_stake_pct or 0.0) / 100 / len(rules.warrant_quarters)
        dates = (row.quarter + quarters for quarters in rules.warrant_quarters)
        return tuple(Warrant(role.provider, role.lab, part, Trigger.DATE, vesting) for vesting in dates)
    if (row.equity_usd_bn or 0.0) < 0:
        return (Warrant(role.provider, role.lab, rules.share_grant_frac, Trigger.DATE, row.quarter),)
    return ()


def _stake_set_to(row: DealRow, role: RoleRow, given: Mapping[str, float]) -> float | None:
    if role.role is not Role.SIGNED:
        return None
    if "stake_set_to_frac" in given:
        return given["stake_set_to_frac"]
    if row.equity_usd_bn is None and (row.equity_stake_pct or 0.0) > 0:
        return (row.equity_stake_pct or 0.0) / 100
    return None
