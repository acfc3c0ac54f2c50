"""Cap tables: who owns which fraction of a company, in whole shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

# Rounding to whole shares moves a fraction by at most 1e-15.
OPENING_SHARES: Final = 10**15


class CapEvent(NamedTuple):
    """One change of a cap table; `fraction` is what the holder received, or holds after a recapitalisation."""

    kind: str
    holder: str
    fraction: float
    amount_usd_bn: float
    pre_money_usd_bn: float


class CapTable:
    """Shares of one company by holder.

    `holders` gives opening weights, of any scale. New shares dilute all others in proportion;
    shares are integers, so the fractions sum to one by construction. Raises ValueError for no
    positive weight or one that is negative or not finite.

    A holder of 27 % before USD 110 bn at 730 pre-money keeps 27 % * 730 / 840:

    >>> table = CapTable({"Microsoft": 0.27, "others": 0.73})
    >>> round(table.issue("new money", 110.0, 730.0), 6), round(table.fraction("Microsoft"), 6)
    (0.130952, 0.234643)
    """

    def __init__(self, holders: Mapping[str, float]) -> None:
        total = math.fsum(holders.values())
        if not all(0.0 <= weight < math.inf for weight in holders.values()) or not 0.0 < total < math.inf:
            raise ValueError(f"cap table needs finite weights, none negative, at least one positive: {dict(holders)}")
        self._shares = {holder: round(OPENING_SHARES * (weight / total)) for holder, weight in holders.items()}
        self.history: list[CapEvent] = []

    def issue(
        self, holder: str, amount_usd_bn: float, pre_money_usd_bn: float, priced_shares: int | None = None
    ) -> float:
        """Sell new shares in a priced round; return the fraction bought, amount / (pre-money + amount).

        Everybody else's fraction is multiplied by pre-money / (pre-money + amount). A tranche paid
        later keeps its share price: `priced_shares` is how many shares the pre-money valued, those
        outstanding now where it is None. An amount of zero changes nothing. Raises ValueError for a
        negative amount or a pre-money not positive.

        >>> table = CapTable({"founders": 1.0})
        >>> priced = table.shares_outstanding
        >>> _ = [table.issue("fund", 10.0, 160.0, priced) for _ in range(4)]
        >>> round(table.fraction("fund"), 9)  # 40 / (160 + 40), paid in four tranches
        0.2
        """
        if not 0.0 <= amount_usd_bn < math.inf or not 0.0 < pre_money_usd_bn < math.inf:
            raise ValueError(f"{holder} cannot buy for {amount_usd_bn} USD bn at {pre_money_usd_bn} USD bn pre-money")
        before = self.shares_outstanding
        bought = round((before if priced_shares is None else priced_shares) * (amount_usd_bn / pre_money_usd_bn))
        if not bought:
            return 0.0
        self._shares[holder] = self._shares.get(holder, 0) + bought
        fraction = bought / (before + bought)
        self.history.append(CapEvent("issue", holder, fraction, amount_usd_bn, pre_money_usd_bn))
        return fraction

    def grant(self, holder: str, frac: float) -> None:
        """Give new shares that are `frac` of all shares afterwards (a warrant at a strike near zero vests).

        Raises ValueError for a fraction outside [0, 1).
        """
        _check_fraction(holder, frac)
        granted = round(self.shares_outstanding * (frac / (1.0 - frac)))
        if granted:
            self._shares[holder] = self._shares.get(holder, 0) + granted
            self.history.append(CapEvent("grant", holder, frac, 0.0, 0.0))

    def set_fraction(self, holder: str, frac: float) -> None:
        """Recapitalise so that a holder owns `frac`; the others keep their proportions among each other.

        Shares outstanding never fall: a holder who gains receives new shares, a holder who loses
        sees the others receive them; only `frac` 0 cancels the holder's shares. Raises ValueError
        for a fraction outside [0, 1), one below a single share, or when nobody else holds shares.
        """
        _check_fraction(holder, frac)
        if 0.0 < frac * OPENING_SHARES < 1.0:
            raise ValueError(f"fraction of {holder} is {frac}, less than one share")
        held = self._shares.get(holder, 0)
        others = self.shares_outstanding - held
        if not others:
            raise ValueError(f"{holder} holds all shares: nobody to recapitalise with")
        if frac == 0.0:
            self._shares.pop(holder, None)
        elif held < frac * (held + others):
            self._shares[holder] = max(held, round(others * (frac / (1.0 - frac))))
        else:
            scale = held * ((1.0 - frac) / frac) / others
            others_held = {name: shares for name, shares in self._shares.items() if name != holder}
            self._shares |= {name: max(shares, round(shares * scale)) for name, shares in others_held.items()}
        self.history.append(CapEvent("recapitalisation", holder, frac, 0.0, 0.0))

    @property
    def shares_outstanding(self) -> int:
        """All shares."""
        return sum(self._shares.values())

    def fraction(self, holder: str) -> float:
        """Fraction owned by a holder; 0 for a stranger."""
        return self._shares.get(holder, 0) / self.shares_outstanding

    def fractions(self) -> dict[str, float]:
        """Fraction by holder, in order of entry; they sum to one."""
        total = self.shares_outstanding
        return {holder: shares / total for holder, shares in self._shares.items()}


def _check_fraction(holder: str, frac: float) -> None:
    if not 0.0 <= frac < 1.0:
        raise ValueError(f"fraction of {holder} is {frac}, must lie in [0, 1)")
