"""Formatting of durations, moments and counts as short text."""

from __future__ import annotations

_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))


def seconds(value: float) -> str:
    """A duration in seconds with three digits and a unit: `3 us`, `2.1 ms`, `1.25 s`."""
    if value >= 999.5:
        return f"{value:,.0f} s"
    for unit, size in _UNITS:
        if value >= size * 0.9995:
            return f"{float(f'{value / size:.3g}'):g} {unit}"
    return "0 us" if value <= 0 else f"{float(f'{value / 1e-6:.2g}'):g} us"


def milliseconds(value: float) -> str:
    """A moment in seconds as milliseconds, to the microsecond: `0.024`, `100.126`."""
    return f"{value * 1e3:.3f}"


def counted(number: int, noun: str) -> str:
    """A number with a noun: `1 thread`, `2,000 threads`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
