"""Where each key of a TOML text stands: `tomllib` forgets the lines, error messages need them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from market.parameters import KeyPath

DEEPEST = 32

_TOKEN = re.compile(
    r'''
      (?P<skip>   [ \t]++ | \#[^\n]*+ )
    | (?P<string> """ (?: [^"\\] | \\[\s\S] | "(?!"") )*+ "{3,5}
                | \'\'\' (?: [^'] | '(?!\'\') )*+ '{3,5}
                | "(?!"") (?: [^"\\\n] | \\. )*+ "
                | '(?!\'\') [^'\n]*+ ' )
    | (?P<mark>   [\[\]{}=,.\n] )
    | (?P<bare>   [^\s\[\]{}=,."'\#]++ )
    ''',
    re.VERBOSE,
)


class TooDeepError(ValueError):
    """The text nests tables or lists deeper than `DEEPEST`."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _NotTomlError(Exception):
    """The scanner met what TOML does not allow: the real parser will say what."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that is set a second time."""

    path: KeyPath
    line: int
    first_line: int


@dataclass(frozen=True, slots=True)
class KeyLines:
    """The line (from 1) of every key, table and list item, and the first key set twice."""

    lines: Mapping[KeyPath, int]
    duplicate: Duplicate | None


def key_lines(text: str) -> KeyLines:
    r"""Lines of the keys of a TOML text, up to the first place that is not TOML.

    Raises TooDeepError where tables, lists and dotted keys together nest deeper than `DEEPEST`.

    >>> key_lines('[labs."xAI"]\ncash = 1\n').lines[("labs", "xAI", "cash")]
    2
    """
    scanner = _Scanner(text)
    with suppress(_NotTomlError):
        scanner.document()
    return KeyLines(scanner.lines, scanner.duplicate)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and line of each token; ends with kind `end`, or `bad` at a place that is no token."""
    position, line = 0, 1
    while match := _TOKEN.match(text, position):
        if match.lastgroup != "skip":
            yield match.lastgroup or "", match[0], line
        line += match[0].count("\n")
        position = match.end()
    yield "end" if position == len(text) else "bad", "", line


class _Scanner:
    """Recursive descent over the structure of TOML; values are skipped, not read."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.lines: dict[KeyPath, int] = {}
        self.defined: dict[KeyPath, int] = {}
        self.last_item: dict[KeyPath, int] = {}
        self.duplicate: Duplicate | None = None
        self.advance()

    def advance(self) -> None:
        self.kind, self.text, self.line = next(self.tokens)

    def take(self, mark: str) -> None:
        if self.text != mark:
            raise _NotTomlError
        self.advance()

    def note(self, path: KeyPath, line: int) -> None:
        """Remember where a path, and each table that it implies, is first named."""
        if len(path) > DEEPEST:
            raise TooDeepError(line)
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def define(self, path: KeyPath, line: int) -> None:
        """Note a path that may be set only once, and where it is set (a table may be implied before)."""
        if path in self.defined:
            self.duplicate = Duplicate(path, line, self.defined[path])
            raise _NotTomlError
        self.note(path, line)
        self.defined[path] = self.lines[path] = line

    def document(self) -> None:
        table: KeyPath = ()
        while self.kind != "end":
            if self.text == "[":
                table = self.header()
            elif self.text != "\n":
                self.pair(table)
            if self.kind != "end":
                self.take("\n")

    def header(self) -> KeyPath:
        line = self.line
        self.take("[")
        is_item = self.text == "["
        if is_item:
            self.take("[")
        keys = self.key()
        self.take("]")
        path = (*self.within_items(keys[:-1]), keys[-1])
        if is_item:
            self.take("]")
            self.note(path, line)
            self.last_item[path] = self.last_item.get(path, -1) + 1
            path = (*path, self.last_item[path])
        self.define(path, line)
        return path

    def within_items(self, keys: KeyPath) -> KeyPath:
        """A header's path, through the last item of each list of tables on its way."""
        path: KeyPath = ()
        for key in keys:
            path = (*path, key)
            if path in self.last_item:
                path = (*path, self.last_item[path])
        return path

    def key(self) -> KeyPath:
        parts: list[str] = []
        while True:
            if self.kind not in ("bare", "string"):
                raise _NotTomlError
            parts.append(self.text if self.kind == "bare" else _unquoted(self.text))
            if len(parts) > DEEPEST:
                raise TooDeepError(self.line)
            self.advance()
            if self.text != ".":
                return tuple(parts)
            self.advance()

    def pair(self, table: KeyPath) -> None:
        line = self.line
        path = table + self.key()
        self.define(path, line)
        self.take("=")
        self.value(path)

    def value(self, path: KeyPath) -> None:
        if self.text == "[":
            self.array(path)
        elif self.text == "{":
            self.inline_table(path)
        elif self.kind not in ("bare", "string"):
            raise _NotTomlError
        else:
            while self.kind in ("bare", "string") or self.text == ".":
                self.advance()

    def array(self, path: KeyPath) -> None:
        self.take("[")
        position = 0
        while not self.closed_by("]"):
            self.note((*path, position), self.line)
            self.value((*path, position))
            position += 1
            if not self.closed_by("]"):
                self.take(",")
        self.take("]")

    def inline_table(self, path: KeyPath) -> None:
        self.take("{")
        while not self.closed_by("}"):
            self.pair(path)
            if not self.closed_by("}"):
                self.take(",")
        self.take("}")

    def closed_by(self, mark: str) -> bool:
        while self.text == "\n":
            self.advance()
        return self.text == mark


def _unquoted(text: str) -> str:
    if text[0] == "'" or "\\" not in text:
        return text[1:-1]
    try:
        return str(tomllib.loads(f"key = {text}")["key"])
    except ValueError:
        raise _NotTomlError from None
