"""Escapes control and invisible characters, so that printed text cannot move the cursor, reorder text or hide any."""

from __future__ import annotations

import json

_DELETE = 0x7F
_EMOJI_FORM = "\ufe0f"
"""The variation selector that requests the wide form of a character; removed, as terminals disagree about its width."""


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


def _escaped_in_json(c: str) -> str:
    return json.dumps(c)[1:-1] if ord(c) > _DELETE else f"\\u{ord(c):04x}"


def _escaped(c: str) -> str:
    return c.encode("unicode_escape").decode()
