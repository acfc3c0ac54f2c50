"""One way to declare a parameter: default, range, unit, meaning and source in one line."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Group(BaseModel):
    """A frozen group of parameters that refuses unknown keys and wrong types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def param(
    default: Any,
    *,
    unit: str,
    meaning: str,
    source: str,
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """Declare a parameter of a `Group`.

    `unit` is written in the vocabulary `USD bn`, `GW`, `quarter`, `year`, `frac`, `count`, `name`,
    combined with `*`, `/` and `^` (for example `USD bn/(GW*quarter)`), so that tests can rescale
    money and capacity. `low` and `high` are inclusive.
    """
    return Field(
        default=default,
        ge=low,
        le=high,
        description=meaning,
        json_schema_extra={"unit": unit, "source": source},
    )
