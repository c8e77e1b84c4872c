"""What runs have come to of their file, as their logs say."""

from __future__ import annotations

from collections.abc import Iterable

from scenrun.program.reached import Reached, StepOfFile
from scenrun.trace.analysis.reading import Event, LogError
from scenrun.trace.analysis.run_started import opening_of


def seen_in(events: Iterable[Event]) -> Reached:
    """To which steps of their file the runs of a log have come, and in how many of them.

    Runs without operations, as at level `info`, are passed over. Raises LogError where there is no other run, and where
    there are runs of several files.
    """
    runs: set[str] = set()
    came: dict[StepOfFile, set[str]] = {}
    texts: set[str] = set()
    others = 0
    for event in events:
        run = str(event.get("run", ""))
        if event["event"] == "run.started":
            opening = opening_of(event)
            if not opening.is_detailed:
                others += 1
                continue
            texts.add(opening.text)
            runs.add(run)
            for known in opening.steps:
                came.setdefault(known, set())
        step, line = event.get("step"), event.get("line")
        if run not in runs:
            continue
        if isinstance(step, str) and isinstance(line, int):
            came.setdefault(StepOfFile(line, step), set()).add(run)
    if others and not runs:
        raise LogError("the log has no operations: coverage needs runs with --level debug")
    if len(texts) > 1:
        raise LogError("the log has runs of several files; coverage is of one")
    counts = {step: len(came[step]) for step in sorted(came)}
    missed = tuple(step for step, count in counts.items() if not count)
    return Reached("run", len(runs), counts, not_yet=missed, text=next(iter(texts), ""))
