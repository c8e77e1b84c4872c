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
            if _is_like(found, judged):
                judged = found
                break
        else:
            return judged


def with_few_finals(judged: Judged, search: Callable[[CallProgram], Judged]) -> Judged:
    """The same program with no final calls, or with the first one alone that shows that something is wrong."""
    program = judged.program
    for finals in ((), *((one,) for one in dict.fromkeys(program.finals))):
        found = search(replace(program, finals=finals))
        if _is_like(found, judged):
            return found
    return judged


def _is_like(found: Judged, judged: Judged) -> bool:
    """Whether two searches have a finding of one kind."""
    return found.finding is not None and judged.finding is not None and found.finding.kind == judged.finding.kind


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
