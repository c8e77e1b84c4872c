"""How many columns a text takes on a terminal: harmless text, cut and filled by the width that is seen."""

from __future__ import annotations

import json
from functools import lru_cache
from unicodedata import category, combining, east_asian_width

_NO_WIDTH = ("Mn", "Me")
_DELETE = 0x7F
_EMOJI_FORM = "\ufe0f"
"""Asks for the wide form of a sign; terminals disagree about its width, so it is left out."""


def clean(text: str) -> str:
    """A text that cannot move the cursor or turn the reading direction: what would is shown as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text if c != _EMOJI_FORM)


def harmless(text: str) -> str:
    """Lines of text, each of them clean: what every text goes through that a terminal is given."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "\n".join(map(clean, text.split("\n")))


def harmless_json(text: str) -> str:
    """JSON that is the same to a reader of JSON, and harmless to a terminal."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _escaped_in_json(c) for c in text)


def _escaped_in_json(c: str) -> str:
    return json.dumps(c)[1:-1] if ord(c) > _DELETE else f"\\u{ord(c):04x}"


def _escaped(c: str) -> str:
    return c.encode("unicode_escape").decode()


@lru_cache(maxsize=4_096)
def _columns(c: str) -> int:
    """Of one printable character."""
    if combining(c) or category(c) in _NO_WIDTH or "\u1160" <= c <= "\u11ff":
        return 0
    return 2 if east_asian_width(c) in ("W", "F") else 1


def columns(text: str) -> int:
    """The display width of a clean text."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def head(text: str, most: int) -> str:
    """The longest beginning of a clean text that takes at most so many columns."""
    if text.isascii():
        return text[: max(0, most)]
    used = 0
    for at, c in enumerate(text):
        used += _columns(c)
        if used > most:
            return text[:at]
    return text


def short(text: str, most: int) -> str:
    """A name, at most so wide; one that was cut ends with `…`."""
    return text if columns(text) <= most else head(text, most - 1) + "…"


def cut(text: str, most: int) -> str:
    """A text, at most so wide; one that was cut ends with `…+N`, where N characters were left out."""
    if columns(text) <= most:
        return text
    tail = f" …+{len(text)}"
    kept = head(text, most - len(tail))
    return head(kept + f" …+{len(text) - len(kept)}", most)


def filled(text: str, width: int) -> str:
    """A clean text and spaces up to a width."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int) -> list[str]:
    """A clean text as lines of at most so many columns, broken between words where that is possible."""
    lines, line = [], ""
    for word in text.split():
        together = f"{line} {word}" if line else word
        if columns(together) <= width:
            line = together
            continue
        lines += [line] if line else []
        while columns(word) > width:
            begin = head(word, width) or word[0]
            lines.append(begin)
            word = word[len(begin) :]
        line = word
    return [*lines, line] if line else lines or [""]


def hanging(text: str, width: int, indent: int) -> list[str]:
    """A text as lines; it keeps its own indent, and all lines but the first have a deeper one."""
    body = text.lstrip(" ")
    own = len(text) - len(body)
    first, *more = wrapped(body, width - own)
    rest = wrapped(" ".join(more), width - own - indent) if more else []
    return [" " * own + first, *(" " * (own + indent) + line for line in rest)]
