"""Makes a program that fails smaller: fewer threads, fewer calls, no setup, smaller values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from scenrun.own_code.checking.judging import Judged
from scenrun.own_code.searching.call_executions import CallProgram


def shrunk(judged: Judged, search: Callable[[CallProgram], Judged]) -> Judged:
    """A smaller program with a finding of the same kind; the same one where there is none."""
    while True:
        for smaller in _smaller(judged.program):
            found = search(smaller)
            if found.finding is not None and judged.finding is not None and found.finding.kind == judged.finding.kind:
                judged = found
                break
        else:
            return judged


def _smaller(program: CallProgram) -> Iterator[CallProgram]:
    """Programs with one thing less."""
    threads = program.threads
    if len(threads) > 2:
        for at in range(len(threads)):
            yield replace(program, threads=threads[:at] + threads[at + 1 :])
    for at, calls in enumerate(threads):
        if len(calls) > 1:
            for number in range(len(calls)):
                fewer = calls[:number] + calls[number + 1 :]
                yield replace(program, threads=(*threads[:at], fewer, *threads[at + 1 :]))
    for number in range(len(program.setup)):
        yield replace(program, setup=program.setup[:number] + program.setup[number + 1 :])
