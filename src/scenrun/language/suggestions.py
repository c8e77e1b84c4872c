"""Suggests the known name that is nearest to a misspelt one; none below a cutoff, as a wrong hint is worse than none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

CUTOFF = 0.7
DID_YOU_MEAN = re.compile(r"did you mean `([^`]+)`\?")
"""The suggestion in a message, for editors that can put it in the place of the word."""
MANY = 300
"""The most candidates that are all compared; of more, only those of similar length that begin or end with the same letter."""


def nearest(word: str, known: Iterable[str], cutoff: float = CUTOFF) -> str | None:
    """The known word that is most similar to `word`, or None; `cutoff` is difflib's least ratio, from 0 to 1."""
    word = word[:60]
    candidates = {k for k in known if k != word}
    if word.lower() in candidates:
        return word.lower()
    similar = [k for k in candidates if abs(len(k) - len(word)) <= len(word) // 2 + 1]
    if len(similar) > MANY:
        similar = [
            k for k in similar if word and (k[:1] == word[:1] or k[-1:] == word[-1:]) and abs(len(k) - len(word)) < 3
        ]
    found = difflib.get_close_matches(word, sorted(similar)[:MANY], n=1, cutoff=cutoff)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean ..?` with the nearest known word, or an empty text."""
    found = nearest(word, known)
    return f"; did you mean `{found}`?" if found else ""
