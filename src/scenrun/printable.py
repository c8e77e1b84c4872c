"""Escapes control and invisible characters, so that printed text cannot move the cursor, reorder text or hide any.

One function for each place where text is shown: a line or lines of a terminal, JSON on a terminal, a page, a quotation.
"""

from __future__ import annotations

import json
from unicodedata import category

_DELETE = 0x7F
_EMOJI_FORM = "\ufe0f"
"""The variation selector that requests the wide form of a character; removed, as terminals disagree about its width."""
_SHOWN_BY_BROWSERS = frozenset("\u00a0\u200d")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def clean(text: str) -> str:
    """The text with every unprintable character, line breaks included, written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text if c != _EMOJI_FORM)


def harmless(text: str) -> str:
    """The text with each of its lines cleaned; every text that goes to a terminal passes through here."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "\n".join(map(clean, text.split("\n")))


def harmless_json(text: str) -> str:
    """JSON of the same value, with unprintable characters written as JSON escapes."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _escaped_in_json(c) for c in text)


def visible(text: str) -> str:
    """The text for a browser, which shows more than a terminal: control characters and marks of direction are escapes."""
    return text if text.isprintable() else "".join(map(_visible, text))


def blanked(text: str) -> str:
    """The text with a space for each unprintable character, so that columns are those of the source."""
    return "".join(c if c.isprintable() else " " for c in text)


def excerpt(text: str, most: int = 60) -> str:
    """A quotation of at most `most` characters, with `�` for unprintable ones; `…` marks a cut."""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text[: most + 1].strip())
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _visible(c: str) -> str:
    return c if c in _SHOWN_BY_BROWSERS or category(c) not in _HIDDEN else _escaped(c)


def _escaped_in_json(c: str) -> str:
    return json.dumps(c)[1:-1] if ord(c) > _DELETE else f"\\u{ord(c):04x}"


def _escaped(c: str) -> str:
    return c.encode("unicode_escape").decode()
