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


def exact_seconds(value: float) -> str:
    """A duration in seconds as it was given, with a unit: `1.5 s`, `250 ms`."""
    for unit, size in _UNITS[:2]:
        if value >= size or not value:
            return f"{value / size:g} {unit}"
    return f"{value * 1e6:g} us"


def precise_seconds(value: float) -> str:
    """A duration in seconds, which may be negative, with four digits and a unit down to nanoseconds."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if abs(value) * factor >= 1:
            return f"{value * factor:.4g} {unit}"
    return f"{value * 1e9:.4g} ns" if value else "0"


def rough_seconds(value: float) -> str:
    """An estimated duration in seconds: `40 s`, `12 min`, `3.5 h`."""
    if value < 60:
        return f"{value:.0f} s"
    minutes = value / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def milliseconds(value: float) -> str:
    """A moment in seconds as milliseconds, to the microsecond: `0.024`, `100.126`."""
    return f"{value * 1e3:.3f}"


def counted(number: int, noun: str) -> str:
    """A number with a noun: `1 thread`, `2,000 threads`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
