"""Why a deal was signed on its terms, as plain data; in words by `experiments.explanation_text`."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.results import Results, ResultsError
from market.bargaining.explanation import explained

if TYPE_CHECKING:
    import pandas as pd


def explain(run: Results | str | Path, deal: str) -> dict[str, Any]:
    """The terms of a deal of a run, in memory or in a folder, and why it was signed on them, as plain data.

    `negotiation` is None for a disclosed deal. For a simulated one it holds the row of the negotiations
    table, its trace, and `explained`: what `market.bargaining.explanation.explained` computes from the
    trace alone. Only the types and numbers of JSON occur. Raises ResultsError for a folder without a run
    and a deal that the run does not hold.
    """
    return explanation(run if isinstance(run, Results) else Results.load(run), deal)


def explanation(results: Results, deal: str) -> dict[str, Any]:
    """As `explain`, of results in memory."""
    row = deal_row(results, deal)
    told = {"deal": row, "imputed": [name.strip() for name in row["imputed"].split(",") if name.strip()]}
    negotiation = _negotiation(results, row)
    story = json.loads(negotiation.pop("trace")) if negotiation else {}
    if negotiation is None or not story:
        return {**told, "negotiation": None}
    return {**told, "negotiation": {**negotiation, "explained": finite(explained(story)), "trace": finite(story)}}


def story_of(results: Results, deal: str) -> dict[str, Any]:
    """The trace of a simulated deal's negotiation.

    Raises ResultsError for a deal that the results do not hold, that was signed as disclosed, or whose
    negotiation is not in the results.
    """
    row = deal_row(results, deal)
    if row["origin"] == "disclosed":
        bargained = results.deals.loc[results.deals["origin"] != "disclosed", "deal"]
        hint = f", such as {bargained.iloc[0]!r}" if len(bargained) else "; this run has none"
        raise ResultsError(f"deal {deal!r} was signed as disclosed, not bargained; allowed: a simulated deal{hint}")
    negotiation = _negotiation(results, row)
    story: dict[str, Any] = json.loads(negotiation["trace"]) if negotiation else {}
    if not story:
        raise ResultsError(f"the negotiation behind deal {deal!r} is not in the results")
    return story


def deal_row(results: Results, name: str) -> dict[str, Any]:
    """A deal's row in the types of JSON, of the first run that has it; ResultsError where none has."""
    deals = results.deals
    found = deals[deals["deal"] == name].sort_values("run")
    if not found.empty:
        return _plain(found.iloc[0])
    known = list(dict.fromkeys(deals["deal"]))
    close = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    kinds = (
        f"allowed: the {len(known)} names in column deal of deals.parquet, such as {known[0]!r}"
        if known
        else "it has no deals"
    )
    raise ResultsError(f"no deal {name!r} in this run; {kinds}{hint}")


def _negotiation(results: Results, deal: dict[str, Any]) -> dict[str, Any] | None:
    """The row of the talks that led to a simulated deal; None if there is none."""
    table = results.negotiations
    found = table[(table["deal"] == deal["deal"]) & (table["run"] == deal["run"])]
    return None if deal["origin"] != "simulated" or found.empty else _plain(found.iloc[-1])


def _plain(row: pd.Series[Any]) -> dict[str, Any]:
    """A table's row in the types of JSON: missing and infinite values become None."""
    values = {str(name): value.item() if hasattr(value, "item") else value for name, value in row.items()}
    return {name: finite(value) for name, value in values.items()}


def finite(value: Any) -> Any:
    """JSON data without the numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
