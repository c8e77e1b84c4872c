"""Scenarios run on real threads, and what they logged."""

from __future__ import annotations

import textwrap
from typing import Any

import scenrun
from scenrun.language.source import decode
from scenrun.program.loaded import load_source
from scenrun.report.results import RunResult

Cases = dict[str, tuple[str, list[str]]]
"""A claim, a scenario, and the messages that it logs in this order."""


def run(text: str, **options: Any) -> tuple[RunResult, list[str]]:
    """Run a scenario given as text; its result and its messages."""
    lines: list[dict[str, Any]] = []
    source = decode("scenario.yaml", f"scenario: s\n{textwrap.dedent(text)}".encode())
    result = scenrun.run(load_source(source), log=lines.append, **{"time_limit": 30, **options})
    assert result.notes["not_ended"] == []
    return result, [line["message"] for line in lines if line["event"] == "message"]


def holds(cases: Cases, claim: str) -> None:
    """The scenario logs what the claim says, and nothing is found."""
    text, expected = cases[claim]
    result, said = run(text)
    assert said == expected
    assert [finding.message for finding in result.findings] == []


def found(text: str) -> dict[str, str]:
    """What became of each expectation."""
    return {checked.expression: checked.found for checked in run(text)[0].expectations}


def verdict_of(text: str) -> RunResult:
    """The result of a scenario's text, run once."""
    return scenrun.run(load_source(decode("x.yaml", textwrap.dedent(text).encode())))
