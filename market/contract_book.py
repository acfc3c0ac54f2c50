"""The contract book: every deal of one market, the only place where a deal changes its status.

The book rules and everything else (relationship graph, tables, backlog) is derived from it. What
running deals promise is kept as arrays (providers, labs, quarters), so that a question costs
microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market.calendar import quarter_name
from market.deals import (
    LEGAL_MOVES,
    Deal,
    DealStatus,
    Exclusivity,
    TermSheet,
    Tranche,
    Trigger,
    Warrant,
    check_terms,
    strongest,
)

# Contracts reach at most this far beyond the last simulated quarter (the longest disclosed term is 10 years).
QUARTERS_BEYOND: Final = 60


class ContractBook:
    """All deals between providers and labs, in signing order.

    A party outside the two lists (a chip supplier, outside investors) may sign; its deal has no row
    in the arrays. Deals are numbered from 0 in signing order; a number that is skipped stays free, so
    that the deals of another market without one of them keep theirs: ask `deal(number)`, not the list.

    >>> book = ContractBook(["Amazon"], ["Anthropic"], 8100, 8110)
    >>> deal = book.sign(TermSheet("Amazon", "Anthropic", 8100, 8101, (0.5, 1.0), 3.0), 8100)
    >>> book.promised_gw(8102).tolist(), book.backlog_usd_bn(8100).tolist()
    ([[1.0]], [[4.5]])
    >>> [changed.status.value for changed in book.advance(8101)]
    ['active']
    """

    def __init__(self, providers: Sequence[str], labs: Sequence[str], first_quarter: int, last_quarter: int) -> None:
        if last_quarter < first_quarter:
            raise ValueError(f"last quarter {last_quarter} lies before the first, {first_quarter}")
        self.providers: Final = tuple(providers)
        self.labs: Final = tuple(labs)
        self.first_quarter: Final = first_quarter
        self.end_quarter: Final = last_quarter + QUARTERS_BEYOND + 1
        self.deals: list[Deal] = []
        self.next_number = 0
        self._by_number: dict[int, Deal] = {}
        self._row = {name: row for row, name in enumerate(self.providers)}
        self._column = {name: column for column, name in enumerate(self.labs)}
        self._slugs: set[str] = set()
        self._running: list[Deal] = []
        shape = (len(self.providers), len(self.labs), self.end_quarter - first_quarter)
        self._gw: NDArray[np.float64] = np.zeros(shape)
        self._payment_usd_bn: NDArray[np.float64] = np.zeros(shape)

    def sign(
        self,
        terms: TermSheet,
        quarter: int,
        origin: str = "simulated",
        slug: str | None = None,
        imputed: tuple[str, ...] = (),
    ) -> Deal:
        """Enter a term sheet as a signed deal, under the next number.

        Raises ValueError for impossible terms, a slug already used, or capacity promised beyond the
        arrays (`QUARTERS_BEYOND` after the last quarter).
        """
        check_terms(terms)
        if slug is not None and slug in self._slugs:
            raise ValueError(f"deal {slug!r} is already in the book")
        if terms.end_quarter > self.end_quarter:
            last = quarter_name(self.end_quarter - 1)
            raise ValueError(f"deal of {terms.provider} and {terms.lab}: capacity promised after {last}")
        deal = Deal(self.next_number, slug or "", origin, terms, imputed=imputed)
        self.deals.append(deal)
        self._by_number[deal.number] = deal
        self.next_number += 1
        if slug is not None:
            self._slugs.add(slug)
        self.move(deal, DealStatus.SIGNED, quarter, origin)
        return deal

    def skip_to(self, number: int) -> None:
        """Leave the numbers before this one free that no deal has yet."""
        self.next_number = max(self.next_number, number)

    def deal(self, number: int) -> Deal:
        """The deal of a number; raises KeyError for one that no deal has."""
        return self._by_number[number]

    def move(self, deal: Deal, status: DealStatus, quarter: int, why: str) -> None:
        """Change a deal's status and log it: the only place that does.

        A deal enters the arrays from the quarter of its signature on and leaves them from the
        quarter of its end on; what was promised in between stays on record. Raises ValueError for
        a move outside `LEGAL_MOVES` or a foreign deal.
        """
        if self._by_number.get(deal.number) is not deal:
            raise ValueError(f"deal {deal.number} is not in this book")
        if status not in LEGAL_MOVES[deal.status]:
            raise ValueError(f"deal {deal.number} cannot go from {deal.status} to {status}")
        deal.status = status
        deal.events.append((quarter, f"{status}: {why}"))
        if status is DealStatus.SIGNED:
            deal.signed_quarter = quarter
            self._running.append(deal)
            self._add(deal)
        elif not deal.is_running:
            deal.closed_quarter = quarter
            self._running = [other for other in self._running if other is not deal]
            self._rebuild(deal.terms)

    def advance(self, quarter: int) -> list[Deal]:
        """Activate deals that start, fulfil deals that are over; return those that changed.

        A deal starts in its start quarter, or at once when it promises no capacity. It is over when
        nothing dated is owed any more (`TermSheet.obligations_end`) and every tranche and warrant
        is paid, vested or lapsed. Milestones still open then lapse, except in a deal without
        capacity, which waits for them until it is terminated.
        """
        changed = []
        for deal in self.running():
            before = deal.status
            starts = not deal.terms.gw_by_quarter or quarter >= deal.terms.start_quarter
            if deal.status is DealStatus.SIGNED and starts:
                self.move(deal, DealStatus.ACTIVE, quarter, "start of the term")
            if deal.status is DealStatus.ACTIVE and quarter >= deal.terms.obligations_end:
                _lapse_milestones(deal, quarter)
                if _equity_settled(deal):
                    self.move(deal, DealStatus.FULFILLED, quarter, "term over and equity settled")
            if deal.status is not before:
                changed.append(deal)
        return changed

    def running(self, quarter: int | None = None) -> list[Deal]:
        """Deals signed or active now, or those that ran in a given quarter, in signing order."""
        if quarter is None:
            return list(self._running)
        return [deal for deal in self.deals if deal.was_running(quarter)]

    def between(self, provider: str, lab: str) -> list[Deal]:
        """Running deals of one pair, in signing order."""
        return [deal for deal in self._running if deal.terms.provider == provider and deal.terms.lab == lab]

    def promised_gw(self, quarter: int) -> NDArray[np.float64]:
        """GW promised in a quarter, shape (providers, labs)."""
        return self.promised_path(quarter, 1)[:, :, 0]

    def promised_path(self, quarter: int, horizon: int) -> NDArray[np.float64]:
        """GW promised in `quarter + h`, shape (providers, labs, horizon); zero beyond all contracts."""
        start = self._offset(quarter)
        path = np.zeros((*self._gw.shape[:2], horizon))
        known = self._gw[:, :, start : start + horizon]
        path[:, :, : known.shape[2]] = known
        return path

    def backlog_usd_bn(self, quarter: int) -> NDArray[np.float64]:
        """Promised payments from `quarter` on at contract prices, shape (providers, labs).

        The remaining performance obligation of company reports, with capacity counted in full
        (not only the take-or-pay share) and nothing discounted.
        """
        total: NDArray[np.float64] = self._payment_usd_bn[:, :, self._offset(quarter) :].sum(axis=2)
        return total

    def exclusivity(self, lab: str, quarter: int) -> dict[str, Exclusivity]:
        """Strongest clause in force for a lab by provider; providers without a clause are left out."""
        clauses: dict[str, list[Exclusivity]] = {}
        for deal in self._running:
            if deal.terms.lab == lab and deal.was_running(quarter):
                clauses.setdefault(deal.terms.provider, []).append(deal.exclusivity_in(quarter))
        strongest_by_provider = {provider: strongest(kinds) for provider, kinds in clauses.items()}
        return {name: kind for name, kind in strongest_by_provider.items() if kind is not Exclusivity.NONE}

    def change_exclusivity(self, provider: str, lab: str, kind: Exclusivity, quarter: int) -> None:
        """Amend the clause of all running deals of a pair; a deal that has this clause already is left alone.

        The amended clause has no dated end: it runs until it is amended again or the deal is over.
        """
        for deal in self.between(provider, lab):
            before = deal.exclusivity_in(quarter)
            if before is not kind:
                deal.amendments.append((quarter, kind))
                deal.events.append((quarter, f"exclusivity: {before} to {kind}"))

    def _offset(self, quarter: int) -> int:
        if quarter < self.first_quarter:
            first = quarter_name(self.first_quarter)
            raise ValueError(f"{quarter_name(quarter)} lies before the book's first quarter, {first}")
        return quarter - self.first_quarter

    def _pair(self, terms: TermSheet) -> tuple[int, int] | None:
        """Row and column of a deal, if both parties are in the arrays."""
        if terms.provider not in self._row or terms.lab not in self._column:
            return None
        return self._row[terms.provider], self._column[terms.lab]

    def _add(self, deal: Deal) -> None:
        """Add to the arrays what a deal promises between its signature and its end."""
        terms, pair = deal.terms, self._pair(deal.terms)
        if pair is None or deal.signed_quarter is None:
            return
        begin = max(terms.start_quarter, deal.signed_quarter, self.first_quarter)
        end = terms.end_quarter if deal.closed_quarter is None else min(terms.end_quarter, deal.closed_quarter)
        if begin >= end:
            return
        gw = np.array(terms.gw_by_quarter[begin - terms.start_quarter : end - terms.start_quarter])
        span = slice(begin - self.first_quarter, end - self.first_quarter)
        self._gw[pair][span] += gw
        self._payment_usd_bn[pair][span] += gw * terms.price_usd_bn_per_gw_quarter

    def _rebuild(self, terms: TermSheet) -> None:
        """Sum a pair's promises again: subtracting those of one deal would leave rounding residue."""
        pair = self._pair(terms)
        if pair is None:
            return
        self._gw[pair] = 0.0
        self._payment_usd_bn[pair] = 0.0
        for deal in self.deals:
            if self._pair(deal.terms) == pair:
                self._add(deal)


def _lapse_milestones(deal: Deal, quarter: int) -> None:
    """Let open milestones of a deal whose capacity has run out lapse; dated ones stay due."""
    if not deal.terms.gw_by_quarter:
        return
    _lapse(deal, "tranche", deal.terms.tranches, deal.tranche_paid, deal.tranche_lapsed, quarter)
    _lapse(deal, "warrant", deal.terms.warrants, deal.warrant_vested, deal.warrant_lapsed, quarter)


def _lapse(
    deal: Deal, what: str, items: Sequence[Tranche | Warrant], done: list[bool], lapsed: list[bool], quarter: int
) -> None:
    for index, item in enumerate(items):
        if item.trigger is not Trigger.DATE and not done[index] and not lapsed[index]:
            lapsed[index] = True
            deal.events.append((quarter, f"{what} {index} lapsed: {item.trigger} {item.threshold:g} not reached"))


def _equity_settled(deal: Deal) -> bool:
    """Whether every tranche and warrant is paid, vested or lapsed."""
    tranches = zip(deal.tranche_paid, deal.tranche_lapsed, strict=True)
    warrants = zip(deal.warrant_vested, deal.warrant_lapsed, strict=True)
    return all(done or lapsed for done, lapsed in (*tranches, *warrants))
