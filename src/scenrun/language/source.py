"""Parses the bytes of a YAML file into values with places, and refuses what is dangerous or ambiguous in YAML.

Refused are tags, duplicate keys, recursive aliases, values that YAML 1.1 and 1.2 read differently, and excessive size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from scenrun.errors import Place, Problem, ScenarioError, Source
from scenrun.language import yaml_traps
from scenrun.language.placed import Mapping, Sequence, Text

MAX_BYTES = 1_000_000
MAX_NODES = 50_000
"""The most nodes of a file, counted after aliases and merge keys are expanded."""
MAX_DEPTH = 64
MAX_BITS = 4_096
MAX_DIGITS = 1_300
"""The most characters of a number that is converted; a longer one has more than MAX_BITS bits."""

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_PREFIXED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_OCTAL = re.compile(r"[-+]?0[0-9]+\Z")
_GROUPED = re.compile(r"[-+]?[0-9][0-9]*(?:_[0-9]+)+\Z")
_SIXTY = re.compile(r"[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?\Z")
_NOT_A_NUMBER = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SURPRISES = frozenset(f(w) for w in ("on", "off", "yes", "no") for f in (str.lower, str.title, str.upper))
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
_BYTE_ORDER_MARK = "\ufeff"
"""Which YAML allows at the beginning alone, where it is no character of the text."""


class _Node(Struct, frozen=True):
    value: Any
    place: Place


def decode(name: str, data: bytes) -> Source:
    """The source of `data`, which must be UTF-8 text of the characters that YAML allows; raises ScenarioError otherwise."""
    if len(data) > MAX_BYTES:
        raise ScenarioError(
            [_whole(name, f"the file has more than {MAX_BYTES:,} bytes, the most that a scenario may have")]
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        place = Place(Source(name, ""), line, 1)
        raise ScenarioError([Problem(place, f"byte {error.start} is not UTF-8; save the file as UTF-8 text")]) from None
    source = Source(name, text)
    if (at := _refused_at(text)) is not None:
        before = text[:at].splitlines() or [""]
        place = Place(source, len(before), len(before[-1]) + 1)
        code = f"U+{ord(text[at]):04X}"
        message = f"the character {code} is not allowed in YAML; in double quotes it can be written as an escape"
        raise ScenarioError([Problem(place, message)])
    return source


def _refused_at(text: str) -> int | None:
    """The place of the first character that YAML does not allow in a text; None where it allows all of them."""
    found = _UNPRINTABLE.search(text)
    places = (found.start() if found else -1, text.find(_BYTE_ORDER_MARK))
    return min((at for at in places if at >= 0), default=None)


def read_file(path: Path) -> Source:
    """The source of a file; raises ScenarioError where it cannot be read or is larger than a scenario may be."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # one byte more, so that `decode` sees that a file is too large
    except OSError as error:
        raise ScenarioError([Problem(None, f"{path}: cannot be read: {error.strerror}")]) from None
    return decode(str(path), data)


def read(source: Source, problems: list[Problem]) -> Mapping:
    """The one document of `source`, a mapping; problems that do not stop the parser are added to `problems`.

    Raises ScenarioError for those that do.
    """
    reader = _Reader(source, problems)
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        deep = yaml_traps.too_deep(
            source, MAX_DEPTH
        )  # some versions of the parser refuse depth with an error of their own
        raise ScenarioError([*problems, deep or yaml_traps.syntax_problem(source, error)]) from None
    except (yaml.YAMLError, RecursionError):
        raise ScenarioError([_whole(source.name, "this is not YAML")]) from None


def scalar(text: str) -> Any:
    """The value of an override's text, parsed like a value in the file."""
    problems: list[Problem] = []
    node = read(Source("--set", f"value: {text}\n"), problems)
    if problems:
        raise ScenarioError(problems)
    return node["value"]


def _whole(name: str, message: str) -> Problem:
    return Problem(Place(Source(name, ""), 1, 1), message)


class _Reader:
    """Composes values from the events of the YAML parser, and counts nodes and depth meanwhile."""

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source = source
        self.problems = problems
        self.events: Iterator[Any] = yaml.parse(source.text, Loader=_Parser)
        self.anchors: dict[str, _Node | None] = {}
        self.nodes = 0

    def document(self) -> Mapping:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            raise ScenarioError([_whole(self.source.name, "the file is empty; `scenrun new NAME` writes one")])
        root = self._node(next(self.events), 1)
        next(self.events)  # the end of the document
        after = next(self.events)
        if isinstance(after, yaml.DocumentStartEvent):
            raise ScenarioError([Problem(self._place(after), "a second document begins here; a file has one scenario")])
        if not isinstance(root.value, Mapping):
            kind = "a list" if isinstance(root.value, Sequence) else "empty" if root.value is None else "plain text"
            message = f"a scenario is a mapping that begins with `scenario: NAME`; this file is {kind}"
            raise ScenarioError([*self.problems, Problem(root.place, message)])
        return root.value

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self.source, mark.line + 1, mark.column + 1)

    def _refuse(self, place: Place, message: str) -> None:
        self.problems.append(Problem(place, message))

    def _count(self, place: Place, nodes: int, depth: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            message = f"the file has more than {MAX_NODES:,} nodes (aliases counted as what they stand for)"
            raise ScenarioError([Problem(place, message)])
        if depth > MAX_DEPTH:
            raise ScenarioError([yaml_traps.nested(place, MAX_DEPTH)])

    def _node(self, event: Any, depth: int) -> _Node:
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), place, depth)
        self._count(place, 1, depth)
        if getattr(event, "tag", None) is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(place, f"the tag `{tag[:60]}` is not allowed; write a plain value, or put text in quotes")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = _Node(self._sequence(event, place, depth), place)
        else:
            node = _Node(self._mapping(event, place, depth), place)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _alias(self, anchor: str, place: Place, depth: int) -> _Node:
        if anchor not in self.anchors:
            known = ", ".join(f"*{a}" for a in list(self.anchors)[:8]) or "none"
            raise ScenarioError([*self.problems, Problem(place, f"no anchor `&{anchor}` before this (known: {known})")])
        node = self.anchors[anchor]
        if node is None:
            raise ScenarioError([*self.problems, Problem(place, f"`*{anchor}` stands inside what it names")])
        size, inner = getattr(node.value, "size", 1), getattr(node.value, "depth", 1)
        self._count(place, size, depth + inner - 1)
        return node

    def _sequence(self, start: Any, place: Place, depth: int) -> Sequence:
        out = Sequence(place)
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            item = self._node(event, depth + 1)
            out.append(item.value)
            out.places.append(item.place)
            _grow(out, item.value)
        yaml_traps.check_flow_sequence(out, bool(start.flow_style), self.problems)
        return out

    def _mapping(self, start: Any, place: Place, depth: int) -> Mapping:
        out = Mapping(place)
        merges: list[_Node] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            is_merge = isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style
            if not isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                raise ScenarioError([*self.problems, yaml_traps.collection_as_key(self._place(event))])
            key = self._key(event, depth)
            value = self._node(next(self.events), depth + 1)
            if is_merge:
                merges.append(value)
            elif key is not None:
                self._add(out, key, self._place(event), value)
        for merge in merges:
            self._merge(out, merge)
        yaml_traps.check_flow_mapping(out, bool(start.flow_style), self.problems)
        return out

    def _add(self, out: Mapping, key: str, place: Place, value: _Node) -> None:
        if key in out:
            first = out.places[key][0].line
            self._refuse(place, f"the key `{key}` stands here twice (first on line {first}); keep one of them")
            return
        out[key] = value.value
        out.places[key] = (place, value.place)
        _grow(out, value.value)

    def _merge(self, out: Mapping, merge: _Node) -> None:
        sources = merge.value if isinstance(merge.value, Sequence) else [merge.value]
        for source in sources:
            if not isinstance(source, Mapping):
                self._refuse(merge.place, "`<<` takes a mapping, or a list of mappings")
                continue
            for key, value in source.items():
                if key not in out:
                    out[key] = value
                    out.places[key] = source.places[key]
                    _grow(out, value)
            self._count(merge.place, source.size, 1)

    def _key(self, event: Any, depth: int) -> str | None:
        node = self._node(event, depth + 1)
        if isinstance(node.value, str):
            return node.value
        shown = getattr(event, "value", None) or "nothing"
        self._refuse(node.place, f"a key is text, not `{shown}`; put it in quotes if text is meant")
        return str(shown)

    def _scalar(self, event: Any, place: Place) -> _Node:
        text = event.value
        one_line = event.start_mark.line == event.end_mark.line
        width = event.end_mark.column - event.start_mark.column
        if not event.style:
            inside = Place(self.source, place.line, place.column, one_line and width == len(text))
            value = self._plain(text, place)
            return _Node(Text.at(inside, value, quoted=False) if isinstance(value, str) else value, inside)
        exact = event.style in "'\"" and one_line and width == len(text) + 2
        inside = Place(self.source, place.line, place.column + (1 if exact else 0), exact)
        return _Node(Text.at(inside, text, quoted=True), inside)

    def _plain(self, text: str, place: Place) -> Any:
        """The value of an unquoted scalar by YAML 1.2's core schema; one that YAML 1.1 reads differently is refused."""
        if text in _WORDS:
            return _WORDS[text]
        if not (text[0] in "+-.0123456789" or text in _SURPRISES):
            return text
        if _INTEGER.match(text) or _PREFIXED.match(text):
            return self._integer(text, place)
        if sentence := _ambiguous(text):
            self._refuse(place, sentence)
            return text
        if _FLOAT.match(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                self._refuse(place, f"`{text[:40]}` is too large for a number")
            return value if value not in (float("inf"), float("-inf")) else 0.0
        return text

    def _integer(self, text: str, place: Place) -> int:
        number = int(text, 0) if len(text) <= MAX_DIGITS else 1 << MAX_BITS
        if number.bit_length() > MAX_BITS:
            self._refuse(place, f"a number of {len(text):,} digits; integers have at most {MAX_BITS:,} bits")
            return 0
        return number


def _grow(container: Mapping | Sequence, value: Any) -> None:
    container.size += getattr(value, "size", 1)
    container.depth = max(container.depth, 1 + getattr(value, "depth", 1))


def _ambiguous(text: str) -> str | None:
    """The message for an unquoted scalar that is ambiguous in YAML, or not a number that a scenario may have; else None."""
    if text in _SURPRISES:
        return f'`{text}` is a boolean to some readers of YAML and text to others; write true, false or "{text}"'
    if _OCTAL.match(text):
        return f'`{text}` is octal to some readers of YAML; write it without the leading 0, or as 0o.. or "{text}"'
    if _SIXTY.match(text):
        return f'`{text}` is a number in base 60 to some readers of YAML; write "{text}", or a duration such as 90s'
    if _DATE.match(text):
        return f'`{text}` is a date to some readers of YAML; write "{text}"'
    if _GROUPED.match(text):
        return f"`{text}`: write the number without `_`"
    if _NOT_A_NUMBER.match(text):
        return f"`{text}` is not a number that a scenario can use"
    return None
