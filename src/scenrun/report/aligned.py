"""Aligned text tables, and the formatting of times, shares, counts and bars in their cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest

from scenrun.printable import clean
from scenrun.report.amounts import seconds
from scenrun.report.width import columns, short, wrapped

WIDE = 80
NOTHING = "-"
_LEAST = 12
_BLOCKS = "▁▂▃▄▅▆▇█"


def aligned(
    rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,), indent: int = 2, wide: int = WIDE
) -> list[str]:
    """The lines of a table: the columns in `left` are left-aligned, others right-aligned.

    Where it would be wider than `wide`, the widest of the left-aligned columns are made narrower, and their cells go on below
    themselves. Nothing is cut: figures that alone are wider make the table so.
    """
    if not rows:
        return []
    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]))]
    _narrow(widths, left, wide - indent - 2 * (len(widths) - 1))
    return [(" " * indent + line).rstrip() for row in rows for line in _lines(row, widths, left)]


def _narrow(widths: list[int], left: Sequence[int], wide: int) -> None:
    """Make the widest of the columns in `left` narrower, one column at a time, until all are within `wide` together."""
    while sum(widths) > wide:
        widest = max(left, key=lambda at: widths[at], default=-1)
        if widest < 0 or widths[widest] <= _LEAST:
            return
        widths[widest] -= 1


def _lines(row: Sequence[str], widths: Sequence[int], left: Sequence[int]) -> Iterator[str]:
    """A row, as many lines as its longest cell needs."""
    cells = [wrapped(cell, wide) if columns(cell) > wide else [cell] for cell, wide in zip(row, widths, strict=True)]
    for parts in zip_longest(*cells, fillvalue=""):
        gaps = [" " * (wide - columns(part)) for part, wide in zip(parts, widths, strict=True)]
        yield "  ".join(
            part + gap if at in left else gap + part for at, (part, gap) in enumerate(zip(parts, gaps, strict=True))
        )


def name_of(text: str, most: int = 40) -> str:
    """A name of at most `most` columns, without control characters."""
    return short(clean(text), most)


def time(value: float | None) -> str:
    """A duration in seconds as text; `0` for none, `-` if it is not known."""
    if value is None:
        return NOTHING
    return seconds(value) if value > 0 else "0"


def percent(share: float | None) -> str:
    """A share as a percentage: `91 %`; `<1 %` for little, `-` for none."""
    if not share:
        return NOTHING
    return f"{share * 100:.0f} %" if share >= 0.005 else "<1 %"


def count(value: float | None) -> str:
    """An integer with thousands separators; `-` if it is not known."""
    return NOTHING if value is None else f"{value:,.0f}"


def number(value: float) -> str:
    """A number with three significant digits, or all digits before the point."""
    return f"{value:,.0f}" if 99.5 <= value < 1e15 else f"{float(f'{value:.3g}'):g}"


def heights(values: Sequence[float], most: int, top: float) -> str:
    """A bar chart in one line: at most `most` blocks, whose heights show the values; `top` is a full block."""
    shown = _fewer(values, most)
    last = len(_BLOCKS) - 1
    return "".join(_BLOCKS[min(last, max(0, round(value / top * last)))] for value in shown) if top > 0 else ""


def _fewer(values: Sequence[float], most: int) -> list[float]:
    """The values, or the means of neighbours if there are more than `most`."""
    if len(values) <= most:
        return list(values)
    edges = [at * len(values) // most for at in range(most + 1)]
    return [sum(values[one:other]) / (other - one) for one, other in pairwise(edges)]
