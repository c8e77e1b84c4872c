"""Derives a run's record from its findings: the deadlock finding, the verdict, and the fields of `run.finished`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenrun.program.findings import Checked, Finding, Stuck
from scenrun.program.ir import Program
from scenrun.program.results import RunRecord

MAX_NAMED = 5
"""The most threads that the message of a deadlock names; the others are counted."""


def deadlock(stuck: Sequence[Stuck]) -> Finding:
    """The finding that these threads are deadlocked."""
    threads = sorted(stuck, key=_main_last)
    names = ", ".join(one.thread for one in threads[:MAX_NAMED])
    if len(threads) > MAX_NAMED:
        names += f" and {len(threads) - MAX_NAMED} more"
    message = f"{names} can never move again: nobody is left who could free them"
    first = threads[0]
    return Finding("deadlock", message, line=first.line, step=first.step, threads=tuple(threads))


def _main_last(stuck: Stuck) -> tuple[bool, bool]:
    """A sort key that puts threads that wait for other threads, and main, last: they are seldom the cause."""
    return stuck.waits_for_threads, stuck.thread == "main"


def result_of(
    program: Program, run_id: str, way: str, seed: int, *, findings: Sequence[Finding], expectations: Sequence[Checked],
    figures: dict[str, Any], state: dict[str, Any], outcome: list[Any] | None, elapsed_ns: int, signal: str | None,
) -> RunRecord:  # fmt: skip
    """The record of a run; its verdict is the kind of the first finding, or `holds`."""
    verdict = findings[0].kind if findings else "holds"
    expected = program.expectations.verdict(way)
    return RunRecord(
        scenario=program.name,
        run=run_id,
        way=way,
        seed=seed,
        verdict=verdict,
        expected=expected,
        ok=verdict in expected,
        findings=tuple(findings),
        expectations=tuple(expectations),
        figures=figures,
        state=state,
        outcome=None if outcome is None else tuple(outcome),
        elapsed_s=elapsed_ns / 1e9,
        interrupted=signal,
        digest=program.digest,
    )


def summary_fields(result: RunRecord, left: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of the event `run.finished`; `left`: the threads that could not be ended."""
    fields: dict[str, Any] = {
        "ok": result.ok,
        "verdict": result.verdict,
        "expected": list(result.expected),
        "findings": [finding.as_dict() for finding in result.findings],
        "expectations": [checked.as_dict() for checked in result.expectations],
        "state": result.state,
        **({"outcome": list(result.outcome)} if result.outcome is not None else {}),
        "figures": result.figures,
    }
    if left:
        fields["not_ended"] = list(left)
    return fields
