"""Parses and formats durations, such as `250us`, `100ms`, `2s` or `1.5m`, and distributions of them."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

from msgspec import Struct

UNITS_NS = {"us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
"""Nanoseconds in each unit of a duration."""
MAX_NS = 366 * 24 * UNITS_NS["h"]
DURATION = r"(?:\d+(?:\.\d*)?|\.\d+)\s*(?:us|ms|s|m|h)"
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Zµμ]+)\Z", re.ASCII)
_EXAMPLES = "a duration is a number with a unit, such as 250us, 100ms, 2s or 1.5m"


class DurationError(ValueError):
    """The text is not a duration; the message says how one is written."""


def parse(value: Any) -> int:
    """The nanoseconds of a duration's text; raises DurationError."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DurationError(_EXAMPLES)
    if not isinstance(value, str):
        raise DurationError(f"{value} has no unit; {_EXAMPLES}")
    text = value.strip()
    if text.startswith("-"):
        raise DurationError(f"`{text}`: a duration is not negative")
    found = _DURATION.match(text)
    if not found:
        raise DurationError(f"`{text[:40]}` is no duration; {_EXAMPLES}")
    number, unit = found.groups()
    if unit not in UNITS_NS:
        raise DurationError(f"`{unit[:20]}` is no unit of time; the units are {', '.join(UNITS_NS)}")
    if len(number) > 30 or (nanoseconds := round(Fraction(number) * UNITS_NS[unit])) > MAX_NS:
        raise DurationError(f"`{text[:40]}` is longer than a year")
    return nanoseconds


def nanoseconds(number: Any, unit: str) -> int:
    """The nanoseconds of a computed duration; 0 for a negative one.

    Raises TypeError for what is no number, ValueError where it is not finite, OverflowError beyond a year.
    """
    if not isinstance(number, int | float):
        raise TypeError(f"a duration in {unit} is a number, not `{type(number).__name__}`")
    if not math.isfinite(number):
        raise ValueError(f"a duration is finite, not {number} {unit}")
    if number * UNITS_NS[unit] > MAX_NS:
        raise OverflowError(f"{number:g} {unit} are longer than a year")
    return max(0, round(number * UNITS_NS[unit]))


def text(nanoseconds: int) -> str:
    """A duration in nanoseconds as the text that a scenario would have."""
    for unit, size in (("s", UNITS_NS["s"]), ("ms", UNITS_NS["ms"]), ("us", UNITS_NS["us"])):
        if nanoseconds >= size or unit == "us":
            return f"{nanoseconds / size:.6g}{unit}"
    raise AssertionError("unreachable")


class Duration(Struct, frozen=True):
    """A length of time: `kind` is `fixed`, `uniform`, `exponential` or `normal`; its numbers are nanoseconds.

    fixed: (length,); uniform: (low, high); exponential: (mean,); normal: (mean, standard deviation), never below 0.
    """

    kind: str
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        parts = ", ".join(text(n) for n in self.numbers)
        return parts if self.kind == "fixed" else f"{self.kind}({parts})"

    @property
    def is_random(self) -> bool:
        """Whether it is a distribution, from which each use draws."""
        return self.kind != "fixed"


DISTRIBUTIONS = {"uniform": ("low", "high"), "exponential": ("mean",), "normal": ("mean", "sd")}


def distribution(value: Any) -> Duration:
    """Parse a duration or a distribution of durations: `{uniform: [1ms, 5ms]}`, `{normal: {mean: 5ms, sd: 1ms}}`."""
    if not isinstance(value, dict):
        return Duration("fixed", (parse(value),))
    if len(value) != 1 or next(iter(value)) not in DISTRIBUTIONS:
        known, units = ", ".join(DISTRIBUTIONS), ", ".join(UNITS_NS)
        raise DurationError(
            f"a duration that is a mapping has one of {known}, such as {{uniform: [1ms, 5ms]}}, "
            f"or a unit and an expression: {{ms: 2 ** attempt}} (units: {units})"
        )
    kind, given = next(iter(value.items()))
    names = DISTRIBUTIONS[kind]
    numbers = tuple(parse(part) for part in _parts(kind, names, given))
    if kind == "uniform" and numbers[0] > numbers[1]:
        raise DurationError("the first duration of `uniform` is longer than the second")
    return Duration(kind, numbers)


def _parts(kind: str, names: tuple[str, ...], given: Any) -> list[Any]:
    if kind == "uniform" and isinstance(given, list) and len(given) == 2:
        return list(given)
    if kind != "uniform" and isinstance(given, dict) and set(given) == set(names):
        return [given[name] for name in names]
    example = (
        "{uniform: [1ms, 5ms]}" if kind == "uniform" else f"{{{kind}: {{{', '.join(f'{n}: 2ms' for n in names)}}}}}"
    )
    raise DurationError(f"`{kind}` is written {example}")
