"""Text in columns for a terminal: widths as they are displayed, durations and shares as people read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from scenrun.analysis.reading import excerpt

NOTHING = "-"
_BLOCKS = "▁▂▃▄▅▆▇█"
_UNITS = ((1.0, 1, "s"), (1e-3, 1e3, "ms"), (1e-6, 1e6, "us"))


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(_width(c) for c in text) if not text.isascii() else len(text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fitted(text: str, most: int) -> str:
    """A text that cannot harm a terminal and takes at most so many columns; a cut is marked by `…`."""
    clean = excerpt(text, max(4 * most, 8))
    if width(clean) <= most:
        return clean
    out, used = "", 0
    for character in clean:
        used += _width(character)
        if used > most - 1:
            break
        out += character
    return out + "…"


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Lines of a table, indented by two: the first `left` columns and the last begin at the left, numbers end at the right."""
    cells = [head, *rows]
    widths = [max(width(row[at]) for row in cells) for at in range(len(head))]
    return [_line(row, widths, left) for row in cells]


def _line(row: Sequence[str], widths: Sequence[int], left: int) -> str:
    parts = []
    for at, (cell, wide) in enumerate(zip(row, widths, strict=True)):
        gap = " " * (wide - width(cell))
        parts.append(cell + gap if at < left else gap + cell)
    return ("  " + "  ".join(parts)).rstrip()


def duration(seconds: float | None) -> str:
    """A duration in the unit that suits it, to three digits: `1.23 ms`."""
    if seconds is None:
        return NOTHING
    if seconds <= 0:
        return "0"
    for least, times, unit in _UNITS:
        if seconds >= least * 0.9995:
            return f"{_digits(seconds * times)} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def _digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def percent(share: float | None) -> str:
    """A share as a percentage: `91 %`; what is not quite nothing is `<1 %`."""
    if share is None:
        return NOTHING
    if 0 < share < 0.005:
        return "<1 %"
    return f"{share * 100:.0f} %"


def count(value: float | None) -> str:
    """A number with commas."""
    return NOTHING if value is None else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """So many a second, to three digits."""
    if value is None:
        return NOTHING
    return f"{_digits(value)}/s"


def sparkline(values: Sequence[float], most: int, top: float) -> str:
    """A row of blocks, at most so many, the height of which tells the values; `top` is a full one."""
    shown = _resampled(values, most)
    if top <= 0:
        return ""
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, max(0, int(value / top * len(_BLOCKS))))] for value in shown)


def _resampled(values: Sequence[float], most: int) -> list[float]:
    if len(values) <= most:
        return list(values)
    edges = [at * len(values) // most for at in range(most + 1)]
    return [sum(values[one:other]) / (other - one) for one, other in zip(edges, edges[1:], strict=False)]
