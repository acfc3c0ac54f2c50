"""The estimated parameters of a scenario and their priors, as declared in `market/scenario.py`."""

from __future__ import annotations

from market.parameters import Group, Prior, dotted, field_shape


def priors(group: type[Group], path: tuple[str, ...] = ()) -> dict[str, Prior]:
    """Prior of every estimated parameter by dotted path, in order of declaration.

    Parameters of single companies and labs are not estimated: the tables of names are left out.

    >>> from market.scenario import Scenario
    >>> priors(Scenario)["demand.elasticity"].scale
    'linear'
    """
    found: dict[str, Prior] = {}
    for name, field in group.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and isinstance(declared := extra.get("prior"), dict):
            found[dotted((*path, name))] = Prior(**declared)  # type: ignore[arg-type]
        shape = field_shape(field)
        if shape.kind == "group":
            found |= priors(shape.annotation, (*path, name))
    return found
