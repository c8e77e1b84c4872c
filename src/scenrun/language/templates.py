"""Parses templates: text with `{expression}` and `{expression:format}` in it, as in `log`."""

from __future__ import annotations

import re

from msgspec import Struct

from scenrun.language.expressions import Expression, ExpressionError, parse
from scenrun.language.placed import place_of

MAX_TEXT = 20_000
_FORMAT = re.compile(r"(?:.?[<>=^])?[-+ ]?#?0?\d{0,3}[,_]?(?:\.\d{1,2})?[bcdeEfFgGnosxX%]?\Z")


class Hole(Struct, frozen=True, eq=False):
    """One `{expression}` of a template, with its format (`{x:.2f}`) and its offset in the text."""

    expression: Expression
    format: str
    offset: int


class Template(Struct, frozen=True, eq=False):
    """The parts of a template in order: plain texts and holes."""

    parts: tuple[str | Hole, ...]
    text: str


def parse_template(text: str) -> Template:
    """Parse a template; `{{` and `}}` are literal braces. Raises ExpressionError with the offset."""
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"a text of {len(text):,} characters; at most {MAX_TEXT:,} are allowed")
    parts: list[str | Hole] = []
    plain, at = "", 0
    while at < len(text):
        if text[at : at + 2] in ("{{", "}}"):
            plain, at = plain + text[at], at + 2
        elif text[at] == "{":
            end = _closing(text, at)
            if plain:
                parts.append(plain)
                plain = ""
            parts.append(_hole(text, at + 1, end))
            at = end + 1
        elif text[at] == "}":
            raise ExpressionError("a `}` without its `{`; a plain brace is written `}}`", at)
        else:
            plain, at = plain + text[at], at + 1
    return Template((*parts, plain) if plain or not parts else tuple(parts), text)


def _hole(text: str, start: int, end: int) -> Hole:
    inside = text[start:end]
    source, format_ = _split_format(inside)
    if not _FORMAT.match(format_):
        raise ExpressionError(f"`:{format_}` is no format such as `:.2f` or `:>5`", start + len(source))
    try:
        checked = parse(source)
    except ExpressionError as error:
        raise ExpressionError(str(error), start + error.offset) from None
    place = place_of(text)
    return Hole(Expression(checked.tree, source, place.moved(start) if place else None), format_, start)


def _split_format(inside: str) -> tuple[str, str]:
    """Split at the first colon outside brackets and quotes: `x:.2f` -> (`x`, `.2f`)."""
    for at, c in _outside(inside):
        if c == ":":
            return inside[:at], inside[at + 1 :]
    return inside, ""


def _closing(text: str, start: int) -> int:
    for at, c in _outside(text[start + 1 :]):
        if c == "}":
            return start + 1 + at
    raise ExpressionError("a `{` without its `}`; a plain brace is written `{{`", start)


def _outside(text: str) -> list[tuple[int, str]]:
    """The characters of `text` outside brackets and quotes, with their offsets."""
    out: list[tuple[int, str]] = []
    depth, quote = 0, ""
    for at, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([{":
            depth += 1
        elif depth and c in ")]}":
            depth -= 1
        elif not depth:
            out.append((at, c))
    return out
