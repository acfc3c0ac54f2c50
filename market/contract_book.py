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
from market.deals import LEGAL_MOVES, Deal, DealStatus, Exclusivity, TermSheet, Trigger, check_terms, strongest

# Contracts reach at most this far beyond the last simulated quarter (the longest disclosed term is 10 years).
QUARTERS_BEYOND: Final = 60


class ContractBook:
    """All deals between providers and labs, in signing order.

    A party outside the two lists (a chip supplier, outside investors) may sign; its deal has no row
    in the arrays. Deals are numbered from 0 in signing order, so `deals[n].number == n`.

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
        """Enter a term sheet as a signed deal.

        Raises ValueError for impossible terms, a slug already used, or capacity promised beyond the
        arrays (`QUARTERS_BEYOND` after the last quarter).
        """
        check_terms(terms)
        if slug is not None and slug in self._slugs:
            raise ValueError(f"deal {slug!r} is already in the book")
        if terms.end_quarter > self.end_quarter:
            last = quarter_name(self.end_quarter - 1)
            raise ValueError(f"deal of {terms.provider} and {terms.lab}: capacity promised after {last}")
        deal = Deal(len(self.deals), slug or "", origin, terms, imputed=imputed)
        self.deals.append(deal)
        if slug is not None:
            self._slugs.add(slug)
        self.move(deal, DealStatus.SIGNED, quarter, origin)
        return deal

    def move(self, deal: Deal, status: DealStatus, quarter: int, why: str) -> None:
        """Change a deal's status and log it: the only place that does.

        A deal that ends leaves the arrays from `quarter` on; earlier quarters keep what was
        promised in them. Raises ValueError for a move outside `LEGAL_MOVES` or a foreign deal.
        """
        if deal.number >= len(self.deals) or self.deals[deal.number] is not deal:
            raise ValueError(f"deal {deal.number} is not in this book")
        if status not in LEGAL_MOVES[deal.status]:
            raise ValueError(f"deal {deal.number} cannot go from {deal.status} to {status}")
        deal.status = status
        deal.events.append((quarter, f"{status}: {why}"))
        if status is DealStatus.SIGNED:
            deal.signed_quarter = quarter
            self._running.append(deal)
            self._add(deal, self.first_quarter)
        elif not deal.is_running:
            deal.closed_quarter = quarter
            if deal in self._running:
                self._running.remove(deal)
            self._rebuild(deal.terms, quarter)

    def advance(self, quarter: int) -> list[Deal]:
        """Activate deals that start, fulfil deals that are over; return those that changed.

        A deal starts in its start quarter, or at once when it promises no capacity. It is over when
        nothing dated is owed any more (`TermSheet.obligations_end`) and every tranche and warrant
        is paid, vested or lapsed. Milestones still open when the capacity's term ends lapse; a deal
        without capacity waits for its milestones until it is terminated.
        """
        changed = []
        for deal in self.running():
            before = deal.status
            if deal.status is DealStatus.SIGNED and (not deal.terms.gw_by_quarter or quarter >= deal.terms.start_quarter):
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
            raise ValueError(f"{quarter_name(quarter)} lies before the book's first quarter, {quarter_name(self.first_quarter)}")
        return quarter - self.first_quarter

    def _add(self, deal: Deal, from_quarter: int) -> None:
        """Add a deal's promises from a quarter on to the arrays."""
        terms = deal.terms
        if terms.provider not in self._row or terms.lab not in self._column or not terms.gw_by_quarter:
            return
        pair = self._row[terms.provider], self._column[terms.lab]
        begin = max(terms.start_quarter, from_quarter)
        gw = np.array(terms.gw_by_quarter[begin - terms.start_quarter :])
        span = slice(begin - self.first_quarter, begin - self.first_quarter + gw.size)
        self._gw[pair][span] += gw
        self._payment_usd_bn[pair][span] += gw * terms.price_usd_bn_per_gw_quarter

    def _rebuild(self, terms: TermSheet, from_quarter: int) -> None:
        """Sum a pair's promises again from a quarter on: subtracting would leave rounding residue."""
        if terms.provider not in self._row or terms.lab not in self._column:
            return
        from_quarter = max(from_quarter, self.first_quarter)
        pair = self._row[terms.provider], self._column[terms.lab]
        self._gw[pair][from_quarter - self.first_quarter :] = 0.0
        self._payment_usd_bn[pair][from_quarter - self.first_quarter :] = 0.0
        for deal in self.between(terms.provider, terms.lab):
            self._add(deal, from_quarter)


def _lapse_milestones(deal: Deal, quarter: int) -> None:
    """Let open milestones of a deal whose capacity has run out lapse; dated ones stay due."""
    if not deal.terms.gw_by_quarter:
        return
    for index, tranche in enumerate(deal.terms.tranches):
        if tranche.trigger is not Trigger.DATE and not deal.tranche_paid[index] and not deal.tranche_lapsed[index]:
            deal.tranche_lapsed[index] = True
            deal.events.append((quarter, f"tranche {index} lapsed: {tranche.trigger} {tranche.threshold:g} not reached"))
    for index, warrant in enumerate(deal.terms.warrants):
        if warrant.trigger is not Trigger.DATE and not deal.warrant_vested[index] and not deal.warrant_lapsed[index]:
            deal.warrant_lapsed[index] = True
            deal.events.append((quarter, f"warrant {index} lapsed: {warrant.trigger} {warrant.threshold:g} not reached"))


def _equity_settled(deal: Deal) -> bool:
    """Whether every tranche and warrant is paid, vested or lapsed."""
    tranches = zip(deal.tranche_paid, deal.tranche_lapsed, strict=True)
    warrants = zip(deal.warrant_vested, deal.warrant_lapsed, strict=True)
    return all(done or lapsed for done, lapsed in (*tranches, *warrants))
