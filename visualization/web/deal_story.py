"""A deal of a recorded world: its term sheet, why it was signed, and the same talks under another protocol."""

from __future__ import annotations

from typing import Any, get_args

from market.scenario import ProtocolName
from visualization.markup import text
from visualization.term_sheet import term_sheet, why
from visualization.web.worlds import World


def story(world: World | None, deal: str) -> dict[str, Any]:
    """The term sheet and both sides' gains as HTML; nothing where no such deal is there."""
    if world is None or not deal:
        return {"deal": "", "html": "", "protocols": []}
    results = world.recording.results
    rows = results.deals[results.deals["deal"] == deal].to_dict("records")
    if not rows:
        return {"deal": "", "html": "", "protocols": []}
    row = {str(key): value for key, value in rows[0].items()}
    talks = results.negotiations[results.negotiations["deal"] == deal].to_dict("records")
    imputed = frozenset(name for name in str(row["imputed"]).split(",") if name)
    told = why({str(k): v for k, v in talks[0].items()} if talks else None, str(row["origin"]))
    protocols = list(get_args(ProtocolName)) if talks else []
    return {"deal": deal, "html": term_sheet(row, imputed) + told, "protocols": protocols}


def bargained_again(world: World, deal: str, protocol: str) -> str:
    """Terms and gains of a deal before and after another protocol, as text; a mistake is one line of it."""
    from experiments.renegotiate import renegotiate
    from experiments.renegotiation_text import renegotiation_text

    try:
        return renegotiation_text(renegotiate(world.recording.results, deal, protocol=protocol))
    except (ValueError, KeyError) as error:
        return text(" ".join(str(error).split()))
