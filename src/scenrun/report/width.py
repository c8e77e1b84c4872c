"""The display width of text on a terminal: texts cut, filled and wrapped by columns instead of characters."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, combining, east_asian_width

_NO_WIDTH = ("Mn", "Me")


@lru_cache(maxsize=4_096)
def _columns(c: str) -> int:
    """The width of one printable character: 0, 1 or 2."""
    if combining(c) or category(c) in _NO_WIDTH or "\u1160" <= c <= "\u11ff":
        return 0
    return 2 if east_asian_width(c) in ("W", "F") else 1


def columns(text: str) -> int:
    """The display width of a clean text."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def head(text: str, most: int) -> str:
    """The longest beginning of a clean text within `most` columns."""
    if text.isascii():
        return text[: max(0, most)]
    used = 0
    for at, c in enumerate(text):
        used += _columns(c)
        if used > most:
            return text[:at]
    return text


def short(text: str, most: int) -> str:
    """A name within `most` columns; a cut ends with `…`."""
    return text if columns(text) <= most else head(text, most - 1) + "…"


def cut(text: str, most: int) -> str:
    """A text within `most` columns; a cut ends with `…+N`, where N characters are left out."""
    if columns(text) <= most:
        return text
    tail = f" …+{len(text)}"
    kept = head(text, most - len(tail))
    return head(kept + f" …+{len(text) - len(kept)}", most)


def filled(text: str, width: int) -> str:
    """A clean text, padded with spaces to a width."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int) -> list[str]:
    """A clean text as lines within `width` columns, broken between words if possible."""
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
    """A text as wrapped lines with its own indent; lines after the first are indented further by `indent`."""
    body = text.lstrip(" ")
    own = len(text) - len(body)
    first, *more = wrapped(body, width - own)
    rest = wrapped(" ".join(more), width - own - indent) if more else []
    return [" " * own + first, *(" " * (own + indent) + line for line in rest)]
