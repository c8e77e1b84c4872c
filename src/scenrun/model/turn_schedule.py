"""Schedule files of version 1, for simulated runs: the turns, each with its thread, number of steps and end in time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scenrun.errors import OutputError, UsageError

VERSION = 1
MAX_BYTES = 1 << 28


class Turn(NamedTuple):
    """A run of consecutive steps of one thread."""

    thread: str
    steps: int
    until_ns: int | None
    """The virtual time at which the turn ended, in nanoseconds; None where it lasted until the thread blocked or ended."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The turns of a simulated run, with the seed and options that determine it."""

    scenario: str
    digest: str
    """The program's fingerprint: a schedule fits no other program."""
    seed: int
    step_ns: int
    """The cost of a step in virtual time where `costs` has none for it, in nanoseconds."""
    costs: dict[str, int]
    """Costs in virtual time by verb or kind of step, in nanoseconds."""
    wakes_all: bool
    """Whether the scheduler chose among all threads that could get what one of them got (see `Scheduler`)."""
    turns: tuple[Turn, ...]

    def save(self, path: str | Path) -> None:
        """Write the schedule as JSON; raises OutputError."""
        fields = {
            "schedule": VERSION, "scenario": self.scenario, "digest": self.digest, "seed": self.seed,
            "step_cost_ns": self.step_ns, "costs_ns": self.costs, "wakes_all": self.wakes_all, "turns": self.turns,
        }  # fmt: skip
        try:
            Path(path).write_text(json.dumps(fields) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write the schedule to {path}: {error.strerror}", midway=True) from None


def read_json(path: str | Path) -> Any:
    """The JSON value in a schedule file; None where it is no JSON. Raises UsageError where it cannot be read or is too large."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read the schedule {path}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than any schedule ({MAX_BYTES >> 20} MB)")
    return json_value(data)


def json_value(data: bytes | str) -> Any:
    """The JSON value of a schedule's text; None where it is no JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def read(path: str | Path) -> Schedule:
    """Read a schedule of version 1 from a file; raises UsageError."""
    found = read_json(path)
    if not isinstance(found, dict) or found.get("schedule") != VERSION:
        raise UsageError(f"{path} is no schedule as `scenrun simulate --save-schedule` writes it")
    try:
        return _schedule(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is a damaged schedule: {error}") from None


def _schedule(found: dict[str, Any]) -> Schedule:
    return Schedule(
        str(found["scenario"]),
        str(found["digest"]),
        whole(found["seed"]),
        whole(found["step_cost_ns"]),
        {str(verb): whole(cost) for verb, cost in found["costs_ns"].items()},
        bool(found["wakes_all"]),
        _turns(found["turns"]),
    )


def whole(value: Any) -> int:
    """Check that a value is a whole number of zero or more; raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{str(value)[:40]} is no whole number of zero or more")
    return value


def _turns(found: Sequence[Any]) -> tuple[Turn, ...]:
    out = []
    for one in found:
        if not isinstance(one, list) or len(one) != 3 or not isinstance(one[0], str):
            raise ValueError(f"{str(one)[:60]} is no turn; turns are written [thread, steps, until_ns]")
        out.append(Turn(one[0], whole(one[1]), None if one[2] is None else whole(one[2])))
    return tuple(out)
