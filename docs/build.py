"""Write the parts of docs/ODD.md that come from the code: `python docs/build.py`, from the project's folder."""

from __future__ import annotations

from pathlib import Path

from market.parameter_table import parameter_table
from market.parameters import Group
from market.scenario import Scenario
from market.toml_text import toml_value

PAGE = Path(__file__).parent / "ODD.md"


def entity_table(entities: dict[str, Group]) -> str:
    """Markdown table, an entity a column, of the parameters that differ from their default for some entity."""
    columns = list(entities)
    declared = type(entities[columns[0]]).model_fields
    keys = [
        key for key, field in declared.items() if any(getattr(each, key) != field.default for each in entities.values())
    ]
    rows = [["parameter", *columns], ["---"] * (len(columns) + 1)]
    rows += [[f"`{key}`", *(toml_value(getattr(entities[name], key)) for name in columns)] for key in keys]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def generated(scenario: Scenario) -> dict[str, str]:
    """The generated sections of the page by the name in their marks."""
    return {
        "parameters": parameter_table(type(scenario)),
        "hyperscalers": entity_table(dict(scenario.hyperscalers)),
        "labs": entity_table(dict(scenario.labs)),
    }


def up_to_date(page: str, sections: dict[str, str]) -> str:
    """The page with the text between `<!-- NAME:begin -->` and `<!-- NAME:end -->` written anew.

    Raises ValueError for a section whose marks do not stand in the page exactly once.
    """
    for name, body in sections.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"the page must have the marks {begin} and {end} once each")
        before, rest = page.split(begin)
        page = f"{before}{begin}\n\n{body}\n{end}{rest.split(end)[1]}"
    return page


if __name__ == "__main__":
    written = up_to_date(PAGE.read_text(encoding="utf-8"), generated(Scenario.load("baseline")))
    PAGE.write_text(written, encoding="utf-8")
