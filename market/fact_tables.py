"""The disclosed deals as a table a person reads: role, terms, and a mark on every imputed one."""

from __future__ import annotations

from collections.abc import Sequence

from market.calendar import quarter_name
from market.disclosed import DisclosedDeal
from market.fact_names import Role

_HEAD = (
    "deal",
    "role",
    "provider",
    "equity",
    "tranches",
    "stake",
    "commitment",
    "GW",
    "price",
    "from",
    "term",
    "clause",
)


def deal_table(deals: Sequence[DisclosedDeal]) -> str:
    """Markdown table of all deals, one line each; `*` marks an imputed term and `?` a row that is no target.

    Equity and commitment are USD bn, the price USD bn per GW-quarter, the term quarters.
    """
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    lines += ["| " + " | ".join(_cells(deal)) + " |" for deal in deals]
    return "\n".join(lines)


def ignored_table(deals: Sequence[DisclosedDeal]) -> str:
    """Markdown table of the ignored rows and why."""
    ignored = [deal for deal in deals if deal.role is Role.IGNORED]
    return "\n".join(["| deal | reason |", "|---|---|", *(f"| `{deal.slug}` | {deal.reason} |" for deal in ignored)])


def _cells(deal: DisclosedDeal) -> tuple[str, ...]:
    terms = deal.terms
    doubtful = "" if deal.is_target or deal.role is Role.IGNORED else " ?"
    cells = [f"`{deal.slug}`{doubtful}", deal.role.value, terms.provider]
    if not terms.tranches:
        cells += ["", "", _stake(deal)]
    else:
        amounts = " + ".join(f"{tranche.amount_usd_bn:.4g}" for tranche in terms.tranches)
        upfront = "upfront" if "upfront" in deal.imputed else "tranches"
        cells += [f"{terms.equity_usd_bn:.4g}", _mark(deal, upfront, amounts), _stake(deal)]
    if not terms.gw_by_quarter:
        cells += [""] * 5
    else:
        cells += [
            _mark(deal, "commitment", f"{terms.commitment_usd_bn:.4g}"),
            _mark(deal, "gw", f"{terms.gw:.2f}"),
            _mark(deal, "price", f"{terms.price_usd_bn_per_gw_quarter:.2f}"),
            _mark(deal, "start", quarter_name(terms.start_quarter)),
            _mark(deal, "term", str(terms.term_quarters)),
        ]
    cells.append("" if deal.role is Role.IGNORED else _mark(deal, "exclusivity", terms.exclusivity.value))
    return tuple(cells)


def _stake(deal: DisclosedDeal) -> str:
    if deal.stake_set_to is not None:
        return f"set to {deal.stake_set_to:.1%}"
    if deal.terms.warrants:
        return f"{-sum(warrant.stake_frac for warrant in deal.terms.warrants):.1%}*"
    return _mark(deal, "stake", f"{deal.terms.stake_frac:.1%}") if deal.terms.tranches else ""


def _mark(deal: DisclosedDeal, term: str, text: str) -> str:
    return f"{text}*" if term in deal.imputed else text
