"""Names and roles: which company, cloud or lab a text means, and what a disclosed row is to the model."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from market.fact_rows import Cells, DealRow

NAME_KINDS = (
    "hyperscaler",
    "cloud",
    "part",
    "supplier",
    "investor",
    "other_cloud",
    "unknown",
    "lab",
    "integrated_lab",
    "unmodelled_lab",
)
NAME_USES = ("company", "segment", "provider", "lab")
OVERRIDE_TERMS = (
    "term_years",
    "start_quarter",
    "commitment_usd_bn",
    "pre_money_usd_bn",
    "stake_set_to_frac",
    "remainder_quarter",
)
OTHER_CLOUDS = "Other clouds"
OUTSIDE_INVESTORS = "Outside investors"
_NEAR_MISS = 0.8
_MODELLED_LABS = frozenset({"lab", "integrated_lab"})
_UNSIGNED_NOTES = ("talks", "not signed", "licence and hir", "do not add", "aggregate")


class Role(StrEnum):
    """What a disclosed row is to the model."""

    SIGNED = "signed"
    INVESTOR = "investor"
    SUPPLIER = "supplier"
    OTHER_CLOUD = "other_cloud"
    EXCLUSIVITY_CHANGE = "exclusivity_change"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Name:
    """A party: its own name, its kind (see `NAME_KINDS`) and its part of a slug."""

    name: str
    kind: str
    slug: str


@dataclass(frozen=True, slots=True)
class RoleRow:
    """Role of one disclosed row; `superseded_by` turns it into ignored once that later row is known."""

    role: Role
    provider: str
    lab: str
    superseded_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Override:
    """A term set by hand; applies only when `known_from` is not after the origin."""

    term: str
    value: float
    known_from: date
    reason: str


class Names:
    """The table of names.csv."""

    def __init__(self, lines: Iterable[Cells]) -> None:
        self._names: dict[tuple[str, str], Name] = {}
        for cells in lines:
            use, text = cells.one_of("used_as", NAME_USES), cells.text("text")
            if (use, text) in self._names:
                raise cells.error(f"{use} {text!r} stands here a second time")
            name = Name(cells.text("name"), cells.one_of("kind", NAME_KINDS), cells.text("slug"))
            self._names[use, text] = name

    def entries(self) -> Iterator[tuple[str, Name]]:
        """All (use, party) pairs, in the order of the file."""
        return ((use, name) for (use, _), name in self._names.items())

    def known(self, use: str) -> list[str]:
        """Texts that the table has for one use."""
        return [text for known_use, text in self._names if known_use == use]

    def resolve(self, use: str, cells: Cells, column: str) -> Name | None:
        """The party that a cell names, or None for a name that is new.

        A text that starts with a known one followed by a space or a slash is that party
        (`Google Cloud Platform`). A near miss (`Antropic`) is a typing error and raises FactsError.
        """
        text = cells.text(column)
        exact = self._names.get((use, text))
        if exact is not None:
            return exact
        heads = [known for known in self.known(use) if text.startswith((f"{known} ", f"{known}/"))]
        if heads:
            return self._names[use, max(heads, key=len)]
        close = self._close(use, text)
        if close is not None:
            raise cells.error(f"{column} {text!r} is not in names.csv; did you mean {close!r}?")
        return None

    def require(self, use: str, cells: Cells, column: str) -> Name:
        """The party that a cell names; raises FactsError for a name that is new."""
        name = self.resolve(use, cells, column)
        if name is None:
            allowed = ", ".join(self.known(use))
            raise cells.error(f"{column} {cells.text(column)!r} is not in names.csv; allowed: {allowed}")
        return name

    def _close(self, use: str, text: str) -> str | None:
        folded = {known.casefold(): known for known in self.known(use)}
        close = difflib.get_close_matches(text.casefold(), folded, n=1, cutoff=_NEAR_MISS)
        return folded[close[0]] if close else None


def slug_part(text: str) -> str:
    """A text as part of a slug.

    >>> slug_part("Reflection A.I. (new)")
    'reflection-a-i-new'
    """
    letters = "".join(letter if letter.isalnum() else " " for letter in text.casefold())
    return "-".join(letters.split())


def read_roles(lines: Iterable[Cells]) -> dict[str, RoleRow]:
    """Roles by slug; raises FactsError for an unknown role or a second row of one slug."""
    roles: dict[str, RoleRow] = {}
    for cells in lines:
        slug = cells.text("slug")
        if slug in roles:
            raise cells.error(f"slug {slug!r} stands here a second time")
        role = Role(cells.one_of("role", tuple(Role)))
        provider, lab = cells.text("provider"), cells.text("lab")
        roles[slug] = RoleRow(role, provider, lab, cells.values["superseded_by"], cells.values["reason"])
    return roles


def read_overrides(lines: Iterable[Cells]) -> dict[str, tuple[Override, ...]]:
    """Terms set by hand, by slug; quarters become quarter indices."""
    overrides: dict[str, tuple[Override, ...]] = {}
    for cells in lines:
        term = cells.one_of("term", OVERRIDE_TERMS)
        value = float(cells.quarter("value")) if term.endswith("_quarter") else cells.required_number("value")
        if value <= 0:
            raise cells.error(f"value is {value:g}; it must be above zero")
        override = Override(term, value, cells.day("known_from"), cells.text("reason"))
        slug = cells.text("slug")
        overrides[slug] = (*overrides.get(slug, ()), override)
    return overrides


def role_of(row: DealRow, roles: Mapping[str, RoleRow], known_slugs: frozenset[str]) -> RoleRow:
    """Role of a row: from the table, or by `rule_role` for a row that the table does not have."""
    role = roles.get(row.slug)
    if role is None:
        return rule_role(row)
    if role.superseded_by and role.superseded_by in known_slugs:
        return RoleRow(Role.IGNORED, role.provider, role.lab, role.superseded_by, role.reason)
    return role


def rule_role(row: DealRow) -> RoleRow:
    """Role of a row that nobody has looked at, by its parties and its words.

    Ignored: a lab that is not modelled, a whole round (`and others`), a takeover (stake of 100 %),
    talks, licence and hire, aggregates. Otherwise a hyperscaler signs (or only changes a clause,
    when nothing but exclusivity is given), a supplier supplies, any other provider with compute
    is one of the other clouds, and one with equity alone is an outside investor.
    """
    compute = row.compute_commitment_usd_bn is not None or row.compute_gw is not None
    if _unusable(row):
        role, provider = Role.IGNORED, row.provider
    elif row.provider_kind == "hyperscaler":
        amounts = compute or row.equity_usd_bn is not None or row.equity_stake_pct is not None
        clause_only = not amounts and row.exclusivity not in ("", "none")
        role, provider = (Role.EXCLUSIVITY_CHANGE if clause_only else Role.SIGNED), row.provider
    elif row.provider_kind == "supplier":
        role, provider = Role.SUPPLIER, row.provider
    elif compute:
        role, provider = Role.OTHER_CLOUD, OTHER_CLOUDS
    elif (row.equity_usd_bn or 0.0) > 0:
        role, provider = Role.INVESTOR, OUTSIDE_INVESTORS
    else:
        role, provider = Role.IGNORED, row.provider
    return RoleRow(role, provider, row.lab, "", "by rule: no row in deal_roles.csv")


def _unusable(row: DealRow) -> bool:
    note = row.note.casefold()
    return (
        row.lab_kind not in _MODELLED_LABS
        or row.provider_text.endswith("others")
        or abs(row.equity_stake_pct or 0.0) >= 100
        or any(word in note for word in _UNSIGNED_NOTES)
    )
