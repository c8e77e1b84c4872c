"""`log: {flat: true}`: the author's fields stand beside the line's own, and none of them hides one."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

import scenrun
from scenrun.errors import ScenarioError
from scenrun.language.model import OWN_FIELDS
from scenrun.report.words import event_in_words
from scenrun.trace.events import COMMON, OF_THREAD, author_fields, schema


def scenario(step: dict[str, Any], **log: Any) -> dict[str, Any]:
    return {"scenario": "service", "log": log, "threads": {"w": {"do": [{"log": step}]}}}


def message(scenario: dict[str, Any], way: Any = scenrun.run) -> dict[str, Any]:
    """The line of its step."""
    lines: list[dict[str, Any]] = []
    assert way(scenario, log=lines.append).verdict == "holds"
    return next(line for line in lines if line["event"] == "message")


STEP = {"message": "order", "fields": {"order": 17, "total": "2.5 * 2"}}


@pytest.mark.parametrize("way", [scenrun.run, scenrun.simulate])
def test_they_stand_beside_the_lines_own(way: Any) -> None:
    line = message(scenario(STEP, flat=True, fields={"service": "shop", "order": 1}), way)
    assert (line["service"], line["order"], line["total"]) == ("shop", 17, 5.0)
    assert "fields" not in line
    jsonschema.validate(line, schema())
    assert event_in_words(line) == "order  service=shop order=17 total=5"


def test_without_it_they_stand_below_fields() -> None:
    line = message(scenario(STEP, fields={"service": "shop"}))
    assert line["fields"] == author_fields(line) == {"service": "shop", "order": 17, "total": 5.0}


@pytest.mark.parametrize("name", OWN_FIELDS)
def test_a_name_that_a_line_has_is_refused(name: str) -> None:
    for one in (
        scenario({"message": "x", "fields": {name: 1}}, flat=True),
        scenario({"message": "x"}, flat=True, fields={name: 1}),
    ):
        with pytest.raises(ScenarioError, match="would hide"):
            scenrun.load(one)


def test_the_names_are_those_of_a_line() -> None:
    assert set(OWN_FIELDS) == {*COMMON, *OF_THREAD, "message", "fields"}
