"""Tests with `@pytest.mark.scenrun`: each is a program that starts threads, of which every schedule is made."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from scenrun.errors import UsageError
from scenrun.own_code.hooking.accounting import SCALARS
from scenrun.own_code.searching.explore_code import explore_main

OPTIONS = ("strategy", "seed", "schedules", "time_limit", "depth", "bound", "trace", "max_steps", "build")
VERDICTS = ("holds", "violated", "exception", "deadlock", "livelock", "incomplete")
EXPECT = "expect"
"""The verdict, or the verdicts, with which the test passes; `holds`, if the mark does not say."""


def search_marked(item: pytest.Function, marker: pytest.Mark) -> None:
    """Search the schedules of a test; fails it unless it ends with the verdict that it expects."""
    wrong = ""
    try:
        expected = _check(item, marker)
        options = {name: value for name, value in marker.kwargs.items() if name != EXPECT}
        found = explore_main(_name_of(item), arguments=_arguments(item), **options)
    except UsageError as error:
        wrong = str(error)
    if wrong:  # not within the other exception, which pytest would show as well
        pytest.fail(wrong, pytrace=False)
    item.user_properties += [("verdict", found.verdict), ("schedules", found.schedules)]
    if found.verdict not in expected:
        less = "" if expected == ("holds",) else f" (expected: {' or '.join(expected)})"
        pytest.fail(f"{found}{less}", pytrace=False)


def _check(item: pytest.Function, marker: pytest.Mark) -> tuple[str, ...]:
    """The verdicts that are expected; raises UsageError for what a mark or its test cannot have."""
    unknown = [name for name in marker.kwargs if name not in (*OPTIONS, EXPECT)]
    if marker.args or unknown:
        what = ", ".join(unknown) or ", ".join(map(repr, marker.args))
        raise UsageError(f"the mark `scenrun` does not take {what}; it takes {', '.join((*OPTIONS, EXPECT))}")
    if inspect.iscoroutinefunction(item.obj):
        raise UsageError("a test with the mark `scenrun` starts threads; coroutines are not searched")
    given = marker.kwargs.get(EXPECT, "holds")
    expected = (given,) if isinstance(given, str) else tuple(given)
    for verdict in expected:
        if verdict not in VERDICTS:
            raise UsageError(f"there is no verdict `{verdict}`; verdicts are {', '.join(VERDICTS)}")
    return expected


def _name_of(item: pytest.Function) -> str:
    owner = "" if item.cls is None else f"{item.cls.__qualname__}."
    return f"{item.module.__name__}:{owner}{item.originalname}"


def _arguments(item: pytest.Function) -> dict[str, Any]:
    """The values of the test's parameters: those of `parametrize`, which nobody can change."""
    names: tuple[str, ...] = item._fixtureinfo.argnames
    values = {name: item.funcargs[name] for name in names}
    for name, value in values.items():
        if type(value) not in SCALARS:
            raise UsageError(
                f"`{name}` is a {type(value).__name__} that is made once, and the test is made in every schedule: make it in the "
                "test; only plain values, as of `parametrize`, are passed"
            )
    return values
