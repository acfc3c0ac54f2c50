"""Series of the facts that a model may be held to, one value a quarter, each with its range of measurement.

Only rows with confidence `high` or `medium` count; `low`, `unverified` and imputed values never do.
`docs/facts.md` gives the rule of each family's range and its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, NamedTuple

from market.fact_names import Role
from market.fact_rows import FactsError, Row
from market.facts import SEGMENT_CHANGE, Facts

BIG_FOUR = ("Amazon", "Microsoft", "Google", "Meta")
ADOPTION = {"Ramp": "Ramp: businesses paying for AI"}
ACCELERATORS = {"NVIDIA": "NVIDIA data-centre revenue"}

# Readings of the labs are "about" (24 and 25 within one month); one outlet or a derived figure is
# worse (OpenAI at the end of 2023: 2.0, elsewhere 1.6). Half-widths as fractions of the value.
LAB_ERROR_FRAC = {"high": 0.1, "medium": 0.2}
# Whole percents; two outlets quote the same tracker one point apart (Google 2025Q4: 15 and 14).
SHARE_ERROR_FRAC = {"high": 0.005, "medium": 0.015}
# Half a point: the index moves by that much between two months without any trend in it.
ADOPTION_ERROR_FRAC = {"high": 0.005, "medium": 0.01}
_NAME = re.compile(r"(\w+)(?:\[(.+)\])?")


class Measured(NamedTuple):
    """A value fit as a target: `low` to `high` is where the true value lies as far as the sources tell."""

    quarter: int
    value: float
    low: float
    high: float
    confidence: str
    source: str


@dataclass(frozen=True, slots=True)
class Target:
    """A series: its name, its family, the key in brackets ("" for none), its unit and how errors scale."""

    name: str
    family: str
    key: str
    unit: str
    scale: Literal["log", "linear"]

    def observed(self, facts: Facts) -> tuple[Measured, ...]:
        """Values fit as a target by quarter, at most one a quarter: its last reading.

        Raises FactsError for a company, lab or index that the facts do not have; one of which
        nothing was known yet at the facts' origin gives an empty series.
        """
        family = FAMILIES[self.family]
        keys = family.keys(facts)
        if self.key not in keys and self.key not in facts.topics.get(family.topic, ()):
            raise FactsError(_unknown(self.name, (_name(self.family, key) for key in keys)))
        return tuple(family.series(facts, self.key))

    def observed_after(self, facts: Facts, origin: int) -> tuple[Measured, ...]:
        """What happened after an origin, told in the definitions of that origin: the truth that scores a forecast.

        From an origin before 2024Q3 Microsoft's cloud is followed in its old segments and only as long
        as they were reported: the later figures of new segments are no fact about the old ones.
        """
        if self.name == "cloud_revenue[Microsoft]" and origin < SEGMENT_CHANGE:
            facts = facts.known_at(SEGMENT_CHANGE - 1)
        return tuple(value for value in self.observed(facts) if value.quarter > origin)


@dataclass(frozen=True, slots=True)
class Family:
    """Targets of one kind: unit, scale, the keys that the facts have, and the series of a key."""

    unit: str
    scale: Literal["log", "linear"]
    keys: Callable[[Facts], Sequence[str]]
    series: Callable[[Facts, str], Iterable[Measured]]
    topic: str = ""


def target(name: str) -> Target:
    """The target of a name such as `capex[Amazon]` or `deals`.

    Raises FactsError for a family that is none, or a key that is missing or one too many.

    >>> target("run_rate[OpenAI]")
    Target(name='run_rate[OpenAI]', family='run_rate', key='OpenAI', unit='USD bn/year', scale='log')
    """
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in FAMILIES:
        close = get_close_matches(name.partition("[")[0], FAMILIES, n=1)
        forms = {family: _name(family, "" if family in _ALONE else "NAME") for family in FAMILIES}
        hint = f"did you mean {forms[close[0]]!r}?" if close else f"allowed: {', '.join(forms.values())}"
        raise FactsError(f"{name!r} is no target; {hint}")
    family, key = match[1], match[2] or ""
    if bool(key) == (family in _ALONE):
        raise FactsError(f"{name!r} is no target; write {_name(family, '' if family in _ALONE else 'NAME')!r}")
    return Target(name, family, key, FAMILIES[family].unit, FAMILIES[family].scale)


def target_names(facts: Facts) -> tuple[str, ...]:
    """Names of all targets of which the facts hold at least one value, by family."""
    names = (_name(family, key) for family, entry in FAMILIES.items() for key in entry.keys(facts))
    return tuple(name for name in names if target(name).observed(facts))


def rounding(value: float, decimals: int = 1) -> float:
    """Half a unit of the last digit written, of the `decimals`-th at most: what rounding alone leaves open.

    A table of numbers loses trailing zeros: 3.0 reads as 3, so that its series says how many decimals it has.

    >>> rounding(0.871), rounding(3.0), rounding(229.0, decimals=0)
    (0.0005, 0.05, 0.5)
    """
    digits = repr(float(value)).partition(".")[2].rstrip("0")
    return float(f"5e-{max(len(digits), decimals) + 1}")


def _name(family: str, key: str) -> str:
    return f"{family}[{key}]" if key else family


def _unknown(name: str, allowed: Iterable[str]) -> str:
    names = list(allowed)
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(names)}"
    return f"{name!r} is no target; {hint}"


def _measured(row: Row, value: float, error: float) -> Measured:
    source = f"{row.source} ({Path(row.where).name})" if row.source else Path(row.where).name
    low, high = _tidy(max(value - error, 0.0)), _tidy(value + error)
    return Measured(row.quarter, value, low, high, row.confidence, source)


def _tidy(value: float) -> float:
    """Without the dust of binary fractions: no fact has nine decimals."""
    return round(value, 9)


def _one_a_quarter(series: Iterable[Measured]) -> list[Measured]:
    """The last of each quarter, by quarter; the order within a quarter is that of the readings."""
    last = {value.quarter: value for value in series}
    return [last[quarter] for quarter in sorted(last)]


def _capex(facts: Facts, company: str) -> list[Measured]:
    if company == "four":
        return _sum_of_all([_capex(facts, name) for name in BIG_FOUR])
    rows = (row for row in facts.capex_rows if row.company == company and row.quarters == 1 and row.is_target)
    return _one_a_quarter(_measured(row, row.capex_usd_bn, rounding(row.capex_usd_bn)) for row in rows)


def _sum_of_all(parts: Sequence[Sequence[Measured]]) -> list[Measured]:
    """Sums in the quarters that every part has, with the weakest confidence among them."""
    by_quarter = [{value.quarter: value for value in part} for part in parts]
    quarters = sorted(set.intersection(*(set(part) for part in by_quarter)))
    return [_sum([part[quarter] for part in by_quarter]) for quarter in quarters]


def _sum(values: Sequence[Measured]) -> Measured:
    total, low, high = (_tidy(sum(value[i] for value in _numbers(values))) for i in range(3))
    return Measured(values[0].quarter, total, low, high, _weakest(values), _sources(values))


def _numbers(values: Iterable[Measured]) -> list[tuple[float, float, float]]:
    return [(value.value, value.low, value.high) for value in values]


def _weakest(values: Iterable[Measured]) -> str:
    return "high" if all(value.confidence == "high" for value in values) else "medium"


def _sources(values: Iterable[Measured]) -> str:
    return "; ".join(dict.fromkeys(value.source for value in values))


def _cloud_revenue(facts: Facts, company: str) -> list[Measured]:
    """As known at the facts' origin: once Microsoft's new segments are known, its old ones are no target."""
    rows = [row for row in facts.cloud_rows if row.company == company and row.revenue_usd_bn is not None]
    recast = company == "Microsoft" and any(row.quarter >= SEGMENT_CHANGE for row in rows)
    kept = (row for row in rows if row.is_target and not (recast and row.quarter < SEGMENT_CHANGE))
    pairs = ((row, row.revenue_usd_bn) for row in kept)
    return _one_a_quarter(_measured(row, value, rounding(value)) for row, value in pairs if value is not None)


def _backlog(facts: Facts, company: str) -> list[Measured]:
    pairs = ((row, row.backlog_usd_bn) for row in facts.cloud_rows if row.company == company and row.is_target)
    return _one_a_quarter(_measured(row, value, rounding(value, 0)) for row, value in pairs if value is not None)


def _lab(facts: Facts, lab: str, measure: str) -> Iterator[Measured]:
    rows = sorted((row for row in facts.lab_rows if row.lab == lab and row.is_target), key=lambda row: row.date)
    for row in rows:
        value = getattr(row, measure)
        if value is not None:
            yield _measured(row, value, _lab_error(row, value))


def _lab_error(row: Row, value: float) -> float:
    return max(LAB_ERROR_FRAC[row.confidence] * value, rounding(value))


def _compute(facts: Facts, lab: str) -> list[Measured]:
    """Of labs.csv and supply.csv; where both have a quarter, labs.csv stands."""
    rows = (row for row in facts.supply_rows if row.measure == f"Compute in use, {lab}" and row.is_target)
    second = (_measured(row, row.value, _lab_error(row, row.value)) for row in rows)
    return _one_a_quarter([*second, *_lab(facts, lab, "compute_gw")])


def _market_share(facts: Facts, provider: str) -> list[Measured]:
    rows = (row for row in facts.share_rows if row.measure == provider and row.is_target)
    return _one_a_quarter(_measured(row, row.value, SHARE_ERROR_FRAC[row.confidence]) for row in rows)


def _cloud_hhi(facts: Facts, _: str) -> Iterator[Measured]:
    """10,000 times the sum of squared shares of the three largest clouds, where all three are known."""
    shares: dict[int, list[Measured]] = {}
    for provider in _share_keys(facts):
        for value in _market_share(facts, provider):
            shares.setdefault(value.quarter, []).append(value)
    for quarter in sorted(shares):
        largest = sorted(shares[quarter], key=lambda value: value.value, reverse=True)[:3]
        if len(largest) == 3:
            hhi, low, high = (_tidy(1e4 * sum(share[i] ** 2 for share in _numbers(largest))) for i in range(3))
            yield Measured(quarter, hhi, low, high, _weakest(largest), _sources(largest))


def _adoption(facts: Facts, index: str) -> list[Measured]:
    rows = (row for row in facts.adoption_rows if row.measure == ADOPTION.get(index) and row.is_target)
    return _one_a_quarter(_measured(row, row.value, ADOPTION_ERROR_FRAC[row.confidence]) for row in rows)


def _accelerators(facts: Facts, maker: str) -> list[Measured]:
    rows = (row for row in facts.supply_rows if row.measure == ACCELERATORS.get(maker) and row.is_target)
    return _one_a_quarter(_measured(row, row.value, rounding(row.value)) for row in rows)


def _deals(facts: Facts, _: str) -> Iterator[Measured]:
    """Deals signed by a modelled lab with a modelled cloud, zeros included; weak rows widen the range upwards."""
    return _signed(facts, lambda equity_usd_bn: 1.0)


def _equity_deals(facts: Facts, _: str) -> Iterator[Measured]:
    """Those of them that bring money from the cloud; an amount that is not disclosed counts as none."""
    return _signed(facts, lambda equity_usd_bn: float(equity_usd_bn > 0.0))


def _deal_equity(facts: Facts, _: str) -> Iterator[Measured]:
    """Headline money that clouds put into labs, by the quarter of signing."""
    return _signed(facts, lambda equity_usd_bn: max(equity_usd_bn, 0.0))


def _signed(facts: Facts, amount: Callable[[float], float]) -> Iterator[Measured]:
    """An amount of each signed deal's equity added up by quarter, zeros included."""
    signed = [deal for deal in facts.disclosed_deals() if deal.role is Role.SIGNED]
    amounts = [(deal.quarter, deal.is_target, amount(deal.terms.equity_usd_bn)) for deal in signed]
    first = min((quarter for quarter, fit, _ in amounts if fit), default=None)
    for quarter in range(first, facts.deals_until + 1) if first is not None else ():
        fit = _tidy(sum((each for at, usable, each in amounts if at == quarter and usable), 0.0))
        known = _tidy(sum((each for at, _, each in amounts if at == quarter), 0.0))
        yield Measured(quarter, fit, fit, known, "high", "deals.csv, role signed")


def _capex_keys(facts: Facts) -> Sequence[str]:
    companies = sorted({row.company for row in facts.capex_rows})
    return [*companies, "four"] if set(BIG_FOUR) <= set(companies) else companies


def _cloud_keys(facts: Facts) -> Sequence[str]:
    return sorted({row.company for row in facts.cloud_rows})


def _lab_keys(facts: Facts) -> Sequence[str]:
    return sorted(facts.topics["lab"])


def _share_keys(facts: Facts) -> Sequence[str]:
    return sorted({row.measure for row in facts.share_rows})


def _only(*keys: str) -> Callable[[Facts], Sequence[str]]:
    return lambda facts: keys


FAMILIES: Mapping[str, Family] = {
    "capex": Family("USD bn/quarter", "log", _capex_keys, _capex, "company"),
    "cloud_revenue": Family("USD bn/quarter", "log", _cloud_keys, _cloud_revenue, "company"),
    "backlog": Family("USD bn", "log", _cloud_keys, _backlog, "company"),
    "run_rate": Family(
        "USD bn/year",
        "log",
        _lab_keys,
        lambda facts, lab: _one_a_quarter(_lab(facts, lab, "annualised_revenue_usd_bn")),
    ),
    "compute": Family("GW", "log", _lab_keys, _compute),
    "valuation": Family(
        "USD bn", "log", _lab_keys, lambda facts, lab: _one_a_quarter(_lab(facts, lab, "valuation_usd_bn"))
    ),
    "market_share": Family("frac", "linear", _share_keys, _market_share, "company"),
    "cloud_hhi": Family("10,000 x sum of squared shares", "linear", _only(""), _cloud_hhi),
    "adoption": Family("frac", "linear", _only(*ADOPTION), _adoption),
    "accelerators": Family("USD bn/quarter", "log", _only(*ACCELERATORS), _accelerators),
    "deals": Family("deals/quarter", "linear", _only(""), _deals),
    "equity_deals": Family("deals/quarter", "linear", _only(""), _equity_deals),
    "deal_equity": Family("USD bn/quarter", "linear", _only(""), _deal_equity),
}
_ALONE = frozenset({"cloud_hhi", "deals", "equity_deals", "deal_equity"})
