"""A heat map as text: two parameters as axes, the mean of a figure in each cell, shaded by value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from scenrun.batch.sweep.short_names import value_text
from scenrun.report.width import columns, filled, short

WIDE = 80
MOST_ROWS = 32
_CELL = 8
"""Columns of a cell: a number, its shade, and a gap."""
_DIGITS, _MORE_DIGITS = 3, 4
"""Significant digits of a number; more if all numbers are nearly equal."""
_NEARLY, _THE_SAME = 0.02, 0.005
"""The relative differences below which numbers get more digits, and below which they are shaded alike."""
_MOST_LABEL = 16
_SHADES = " ·░▒▓█"
_COLOURS = (236, 24, 30, 36, 72, 114)
"""Background colours of a 256-colour terminal, from low to high; numbers are legible on all of them."""
_INK = (252, 255, 255, 16, 16, 16)
_UNITS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_SMALL = ((1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


@dataclass(slots=True)
class Map:
    """A heat map; means are added one by one, and only those in displayed rows and columns are kept."""

    title: str
    down: str
    across: str
    """The names of the axes."""
    rows: tuple[Any, ...]
    columns: tuple[Any, ...]
    _at: dict[tuple[int, int], tuple[float | None, bool]] = field(default_factory=dict)
    shown_rows: list[int] = field(init=False)
    shown_columns: list[int] = field(init=False)
    _numbers: tuple[dict[Any, int], dict[Any, int]] = field(init=False)
    """The indices of the displayed rows and columns, by value."""

    def __post_init__(self) -> None:
        room = (WIDE - 2 - _MOST_LABEL) // _CELL
        self.shown_rows = _chosen(len(self.rows), MOST_ROWS)
        self.shown_columns = _chosen(len(self.columns), room)
        self._numbers = (
            {_key(self.rows[at]): at for at in self.shown_rows},
            {_key(self.columns[at]): at for at in self.shown_columns},
        )

    def add(self, row: Any, column: Any, mean: float | None, failing: bool) -> None:
        """Adds a combination. mean: None if it has none. failing: whether one of its runs was not as expected."""
        down, across = self._numbers[0].get(_key(row)), self._numbers[1].get(_key(column))
        if down is not None and across is not None:
            self._at[down, across] = mean, failing

    def lines(self, colour: bool) -> list[str]:
        """The lines of the map, with a legend and notes on rows and columns left out."""
        label = min(_MOST_LABEL, max(columns(value_text(self.rows[at])) for at in self.shown_rows))
        label = max(label, min(_MOST_LABEL, columns(self.down)))
        means = [mean for mean, _ in self._at.values() if mean is not None]
        low, high = min(means, default=0.0), max(means, default=0.0)
        heads = "".join(
            short(value_text(self.columns[at]), _CELL - 2).rjust(_CELL - 1) + " " for at in self.shown_columns
        )
        lines = [
            f"{self.title}: {self.down} down, {self.across} across",
            f"  {filled(short(self.down, label), label)} {heads}".rstrip(),
        ]
        for row in self.shown_rows:
            cells = "".join(self._cell(row, column, low, high, colour) for column in self.shown_columns)
            lines.append(f"  {filled(short(value_text(self.rows[row]), label), label)} {cells}".rstrip())
        return [*lines, "  " + self._legend(low, high), *self._cuts()]

    def _cell(self, row: int, column: int, low: float, high: float, colour: bool) -> str:
        mean, failing = self._at.get((row, column), (None, False))
        if mean is None:
            return "-".rjust(_CELL - 2) + (" !" if failing else "  ")
        shade = _shade(mean, low, high)
        text = number(mean, _digits(low, high)).rjust(_CELL - 2)
        if colour:
            return f"\x1b[48;5;{_COLOURS[shade]};38;5;{_INK[shade]}m{text}{'!' if failing else ' '}\x1b[0m "
        return f"{text}{_SHADES[shade]}{'!' if failing else ' '}"

    def _legend(self, low: float, high: float) -> str:
        marks = "".join(_SHADES)
        largest = max(abs(low), abs(high))
        if high - low <= _THE_SAME * largest:
            alike = f"all within {100 * (high - low) / largest:.2g} %" if high > low else "all the same"
            return f"{number(low, _digits(low, high))}, {alike}{self._failing_mark()}"
        digits = _digits(low, high)
        return f"{number(low, digits)} [{marks}] {number(high, digits)}{self._failing_mark()}"

    def _failing_mark(self) -> str:
        return "; ! has runs that are not as expected" if any(bad for _, bad in self._at.values()) else ""

    def _cuts(self) -> list[str]:
        out = []
        for name, chosen, values in (
            (self.down, self.shown_rows, self.rows), (self.across, self.shown_columns, self.columns),
        ):  # fmt: skip
            if len(chosen) < len(values):
                out.append(f"  {len(chosen)} of the {len(values):,} values of {name} are shown; -o has all")
        return out


def number(value: float, digits: int = _DIGITS) -> str:
    """A number in few columns: `3`, `0.125`, `143k`, `2.4µ`."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.001:
        for unit, sign in _SMALL:
            if size >= unit * 0.9995:
                return f"{float(f'{value / unit:.{digits}g}'):g}{sign}"
        return f"{value:.0e}".replace("e-0", "e-")
    for unit, sign in _UNITS:
        if size >= unit * 0.9995:
            scaled = float(f"{value / unit:.{digits}g}")
            return f"{scaled:g}{sign}" if abs(scaled) < 1e5 else f"{value:.0e}".replace("e+", "e")
    return f"{float(f'{value:.{digits}g}'):g}"


def _digits(low: float, high: float) -> int:
    return _MORE_DIGITS if high - low < _NEARLY * max(abs(low), abs(high)) else _DIGITS


def _shade(mean: float, low: float, high: float) -> int:
    if high - low <= _THE_SAME * max(abs(low), abs(high)) or not math.isfinite(high - low):
        return len(_SHADES) // 2
    return min(len(_SHADES) - 1, int((mean - low) / (high - low) * len(_SHADES)))


def _chosen(count: int, most: int) -> list[int]:
    """All indices, or `most` evenly spaced ones from the first to the last."""
    return list(range(count)) if count <= most else [at * (count - 1) // (most - 1) for at in range(most)]


def _key(value: Any) -> tuple[str, str]:
    """A key that is the same for equal values of one type: 1, 1.0 and true differ."""
    return type(value).__name__, repr(value)
