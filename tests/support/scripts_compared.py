"""Plain Python scripts of scenarios held to the model: each way in which a script ends is one that the model knows."""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts_run import Ended, runs

import scenrun
from scenrun.errors import ScenarioError
from scenrun.plain_python.whole import plain_python
from scenrun.program.sets import Set
from scenrun.search.result import Explored

ENDLESS = {"deadlock", "livelock"}
SHORT_S, LONG_S = 0.5, 60.0
"""How long a run may take: where the model can stay without an end, and where it cannot."""


HANDLE = "a thread or a future"
_HANDLE = re.compile(r"\w+#\d+")
_DRAW = re.compile(r"random\.\w+\([^()]*\)")
_ERROR = re.compile(r"\berror\b")


@dataclass(frozen=True)
class Compared:
    """What came of one scenario."""

    found: str
    """`same`, `different`, `too large`, `unsaid`: the script cannot be written, or `unlike`: it may end otherwise."""
    why: str = ""
    runs: int = 0
    endings: int = 0
    """How many of the model's outcomes the runs have shown."""

    def __str__(self) -> str:
        return f"{self.found}: {self.why}"


def compared(scenario: Mapping[str, Any], path: Path, times: int, most_states: int = 20_000) -> Compared:
    """Write a scenario as a script, run it, and look each end up among those of the model."""
    if has_a_meaning_of_its_own(scenario):
        return Compared("unlike")
    scenario = observed(without_words(dict(scenario)))
    loaded = scenrun.load(scenario)
    try:
        path.write_text(plain_python(loaded).text)
    except ScenarioError as error:
        return Compared("unsaid", str(error))
    model = scenrun.explore(loaded, max_states=most_states, shorten=False)
    if not model.closed:
        return Compared("too large")
    limit = SHORT_S if ENDLESS & set(model.kinds) else LONG_S
    ends = runs(path, times, limit_s=limit)
    outcomes = {_json(outcome) for outcome in model.outcomes}
    for end in ends:
        if why := unlike(end, model, outcomes, is_watched="check_always" in path.read_text()):
            return Compared("different", f"{why}\n{path.read_text()}", len(ends))
    seen = {_json(end.outcome) for end in ends if end.ended}
    return Compared("same", runs=len(ends), endings=len(seen & outcomes))


def observed(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario with all its variables observed, where it observes nothing."""
    expect = dict(scenario.get("expect") or {})
    if scenario.get("state") and "outcomes" not in expect:
        expect["outcomes"] = {"observe": list(scenario["state"])}
    return {**scenario, "expect": expect}


def unlike(end: Ended, model: Explored, outcomes: set[str], *, is_watched: bool) -> str:
    """Why the model has no end such as this one; empty where it has."""
    kinds = set(model.kinds)
    if not end.ended and not end.raised:
        return "" if ENDLESS & kinds else "it did not end"
    asked = [
        text
        for kind, text in end.raised
        if kind == "AssertionError" and text.startswith(("final:", "always:", "outcomes"))
    ]
    if asked:
        return "" if "violated" in kinds else f"an expectation was broken: {asked}"
    if "violated" in kinds and is_watched:
        return ""  # an `except` of the file may have caught the assertion, so that the thread went on another way
    left = [kind for kind, _ in end.raised]
    if left:
        is_known = all(("violated" if kind == "AssertionError" else "exception") in kinds for kind in left)
        if not is_known:
            return f"exceptions left threads: {end.raised}"
    if outcomes and end.outcome is not None and _json(end.outcome) not in outcomes:
        return f"the outcome {end.outcome} is none of the model's: {sorted(outcomes)[:20]}"
    return ""


def _json(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    """A value of the model as the run of a script tells it."""
    if isinstance(value, Set):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, int | float | str | None):
        return HANDLE if isinstance(value, str) and _HANDLE.fullmatch(value) else value
    return HANDLE


def has_a_meaning_of_its_own(scenario: Mapping[str, Any]) -> bool:
    """Whether a script may rightly end as the model cannot: CPython uses again the identity of a thread that has ended with
    an rlock (the reference says it at `rlock`), and before 3.13 two threads that start the same one at once may both do so."""
    started = Counter(_started(scenario))
    for replicas in scenario.get("threads", {}).values():  # each of which does it
        if isinstance(replicas, Mapping) and replicas.get("count", 1) != 1:
            started.update(_started(replicas))
    if "main" not in scenario:  # then main starts them all
        started.update(scenario.get("threads", {}).keys())
    if any(times > 1 for times in started.values()):
        return True
    owned = [name for name, kind in scenario.get("sync", {}).items() if _kind(kind) in ("rlock", "condition")]
    return any(_acquires(scenario, name) for name in owned)


def _started(part: Any) -> Iterator[str]:
    """The threads that steps start, each as often as steps do."""
    if isinstance(part, dict):
        if "start" in part:
            given = part["start"]
            given = given.get("thread") if isinstance(given, dict) else given
            yield from (str(one).partition("[")[0] for one in (given if isinstance(given, list) else [given]))
        for one in part.values():
            yield from _started(one)
    elif isinstance(part, list):
        for one in part:
            yield from _started(one)


def _kind(declared: Any) -> str:
    return str(declared if isinstance(declared, str) else next(iter(declared)))


def _acquires(part: Any, name: str) -> bool:
    if isinstance(part, dict):
        given = part.get("acquire")
        lock = given.get("lock") if isinstance(given, dict) else given
        return str(lock).partition("[")[0] == name or any(_acquires(one, name) for one in part.values())
    return isinstance(part, list) and any(_acquires(one, name) for one in part)


def without_words(part: Any) -> Any:
    """A part of a scenario that keeps no words of exceptions, which are the model's own or those of a version of Python, and
    draws nothing, as a script draws with another generator."""
    if isinstance(part, dict):
        return {key: without_words(one) for key, one in part.items()}
    if isinstance(part, list):
        return [without_words(one) for one in part]
    return _DRAW.sub("1", _ERROR.sub("'caught'", part)) if isinstance(part, str) else part


def by_hand(first: int, number: int, times: int, folder: Path) -> Counter[str]:
    """Compare so many random scenarios, from a seed on, and print what differs: `python scripts_compared.py 0 1000 300`."""
    from scenarios_at_random import TAPE, RunnableAuthor

    found: Counter[str] = Counter()
    while found["same"] < number and not found["different"]:
        scenario = RunnableAuthor(random.Random(first).randbytes(TAPE)).scenario()
        one = compared(scenario, folder / "script.py", times, 2_000)
        found[one.found] += 1
        found["runs"] += one.runs
        if one.found == "different":
            print(first, one)
        first += 1
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(by_hand(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(folder)))
