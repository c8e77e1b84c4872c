"""Text that is safe to print: no part of it moves a cursor, turns the reading direction or hides."""

from __future__ import annotations

import json

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
