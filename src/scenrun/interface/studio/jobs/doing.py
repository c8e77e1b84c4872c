"""Does a job of the studio: the text is read, what is wrong with it is told, and the job's own part follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenrun.errors import OutputError, Problem, ScenarioError, UsageError
from scenrun.interface.studio.jobs import playing, running, searching, sweeping, watching
from scenrun.interface.studio.jobs.wanted import Tell, Wanted
from scenrun.language.source import decode
from scenrun.language.suggestions import DID_YOU_MEAN
from scenrun.printable import clean
from scenrun.program.loaded import Loaded, load_source
from scenrun.program.user_python import check_calls

NAME = "scenario.yaml"
"""The name of a text in messages, whose places say it."""
_OF_A_TEXT: dict[str, Callable[[Loaded, Wanted, Tell], None]] = {
    "explore": searching.explore,
    "simulate": running.simulate_it,
    "run": running.run_it,
    "play": playing.play,
    "finish": playing.finish,
    "keep": playing.keep,
    "follow": playing.follow,
    "sweep": sweeping.sweep,
}
MOST_PROBLEMS = 100
"""The most problems of a text that are told."""
MOST_SENTENCES = 3
ASKED = tuple(_OF_A_TEXT)
"""What a page can ask for."""


def do(wanted: Wanted, tell: Tell) -> None:
    """Do a job. Whatever is wrong with its text is told, too."""
    try:
        if wanted["do"] == "watch":
            watching.watch(wanted["log"], tell)
        elif (loaded := _read(wanted, tell)) is not None:
            _OF_A_TEXT[wanted["do"]](loaded, wanted, tell)
    except (ScenarioError, UsageError, OutputError) as error:
        tell({"kind": "refused", "message": _why(error)})


def _why(error: Exception) -> str:
    """Why something is refused, in one line; of a text, with its lines."""
    if isinstance(error, ScenarioError):
        return "; ".join(_sentence(one) for one in error.problems[:MOST_SENTENCES])
    return clean(" ".join(str(error).split()))


def _sentence(problem: Problem) -> str:
    return clean(f"line {problem.place.line}: {problem.message}" if problem.place else problem.message)


def _read(wanted: Wanted, tell: Tell) -> Loaded | None:
    """Read the text, and tell what is wrong with it."""
    try:
        loaded = load_source(decode(NAME, wanted["text"].encode()), wanted.get("overrides") or None)
        check_calls(loaded.program, bool(wanted.get("allow_python")))
    except ScenarioError as error:
        tell({"kind": "read", "problems": [_told(one, "error") for one in error.problems[:MOST_PROBLEMS]]})
        return None
    except UsageError as error:
        problem = {"line": 1, "column": 1, "message": _why(error), "severity": "error", "fix": None}
        tell({"kind": "read", "problems": [problem]})
        return None
    warnings = [_told(one, "warning") for one in loaded.program.warnings]
    tell({"kind": "read", "problems": warnings, "name": loaded.name})
    return loaded


def _told(problem: Problem, severity: str) -> dict[str, Any]:
    """A problem as the editor shows it; where a word is suggested, it can be put in its place."""
    place = problem.place
    found = DID_YOU_MEAN.search(problem.message)
    return {
        "line": place.line if place else 1, "column": place.column if place else 1,
        "message": clean(problem.message), "severity": severity, "fix": found[1] if found else None,
    }  # fmt: skip
