"""Limits of time as users give them: seconds, or a duration's text."""

from __future__ import annotations

from scenrun.errors import UsageError
from scenrun.language.durations import DurationError
from scenrun.language.durations import parse as parse_duration


def time_limit_ns(limit: str | float | None, option: str = "time_limit") -> int | None:
    """A time limit in nanoseconds, from seconds or a duration's text; a UsageError names the option."""
    if limit is None:
        return None
    if isinstance(limit, int | float) and not isinstance(limit, bool):
        if not 0 < limit < 1e9:
            raise UsageError(f"{option} is a positive number of seconds, not {limit}")
        return int(limit * 1e9)
    try:
        nanoseconds = parse_duration(limit)
    except DurationError as error:
        raise UsageError(f"{option}: {error}") from None
    if nanoseconds == 0:
        raise UsageError(f"{option}: longer than nothing, please")
    return nanoseconds
