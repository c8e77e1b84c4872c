"""A schedule as it came out of a run and can be put in again: whose turn it was, for how many steps, until when."""

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
    """One thread's turn."""

    thread: str
    steps: int
    until_ns: int | None
    """The moment at which others got theirs; None where it went on until it had to wait or had ended."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The turns of a simulated run, with what else decided it."""

    scenario: str
    digest: str
    """The program's fingerprint: a schedule fits no other program."""
    seed: int
    step_ns: int
    costs: dict[str, int]
    wakes_all: bool
    """Whether its scheduler chose among all who could have what one of them got (see `Scheduler`)."""
    turns: tuple[Turn, ...]

    def save(self, path: str | Path) -> None:
        """Write it as JSON; raises OutputError."""
        fields = {
            "schedule": VERSION, "scenario": self.scenario, "digest": self.digest, "seed": self.seed,
            "step_cost_ns": self.step_ns, "costs_ns": self.costs, "wakes_all": self.wakes_all, "turns": self.turns,
        }  # fmt: skip
        try:
            Path(path).write_text(json.dumps(fields) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write the schedule to {path}: {error.strerror}", midway=True) from None


def read_json(path: str | Path) -> Any:
    """What a schedule's file holds, whatever it is; None where that is no JSON. Raises UsageError."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read the schedule {path}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than any schedule ({MAX_BYTES >> 20} MB)")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def read(path: str | Path) -> Schedule:
    """A schedule from a file; raises UsageError with a sentence."""
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
    """A whole number of zero or more; a ValueError where it is none."""
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
