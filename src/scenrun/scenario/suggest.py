"""The nearest known name to a misspelt one, or none: a wrong hint is worse than no hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CUTOFF = 0.7


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely stands for."""
    candidates = sorted({k for k in known if k != word})
    if word.lower() in candidates:
        return word.lower()
    found = difflib.get_close_matches(word[:60], candidates, n=1, cutoff=CUTOFF)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean ..?` or nothing."""
    found = nearest(word, known)
    return f"; did you mean `{found}`?" if found else ""
