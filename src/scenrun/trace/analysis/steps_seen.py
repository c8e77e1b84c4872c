"""What runs have come to of their file, as their logs say."""

from __future__ import annotations

from collections.abc import Iterable

from scenrun.errors import ScenarioError
from scenrun.language.source import decode
from scenrun.program.loaded import load_source
from scenrun.program.reached import Reached, StepOfFile, logged_steps
from scenrun.trace.analysis.reading import Event, LogError
from scenrun.trace.analysis.run_started import opening_of


def seen_in(events: Iterable[Event]) -> Reached:
    """To which steps of their file the runs of a log have come, and in how many of them.

    Raises LogError where the log has no operations, as at level `info`, or runs of several files.
    """
    runs: set[str] = set()
    came: dict[StepOfFile, set[str]] = {}
    texts: set[str] = set()
    for event in events:
        run = str(event.get("run", ""))
        if event["event"] == "run.started":
            opening = opening_of(event)
            if not opening.is_detailed:
                raise LogError("the log has no operations: coverage needs runs with --level debug")
            texts.add(opening.text)
            runs.add(run)
        step, line = event.get("step"), event.get("line")
        if isinstance(step, str) and isinstance(line, int):
            came.setdefault(StepOfFile(line, step), set()).add(run)
    if len(texts) > 1:
        raise LogError("the log has runs of several files; coverage is of one")
    text = next(iter(texts), "")
    known = _logged_in(text)
    counts = {step: len(came.get(step, ())) for step in sorted(known | set(came))}
    missed = tuple(step for step in sorted(known) if step not in came)
    return Reached("runs", len(runs), counts, not_yet=missed, text=text)


def _logged_in(text: str) -> set[StepOfFile]:
    """The steps of a file that a log can show; none where the text alone is no scenario, as where it includes files."""
    try:
        return logged_steps(load_source(decode("<log>", text.encode())).program)
    except ScenarioError:
        return set()
