"""The result of `conform`: in words and for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scenrun.own_code.conforming.counterparts import Counterparts
from scenrun.own_code.conforming.differences import Row
from scenrun.printable import clean
from scenrun.report.width import columns, short

WIDEST_CODE = 70
"""The widest the column of the code becomes."""
HEAD = Row("thread", "the code", "the model")
DIFFERENT = "≠"
LEFT = "what is left in "


@dataclass(frozen=True, slots=True)
class Conformed:
    """The result."""

    scenario: str
    against: str
    """The class."""
    made_by: str
    verdict: str
    """`conforms`, `differs` or `incomplete`."""
    rows: tuple[Row, ...]
    """Where it differs: what both did up to there, side by side."""
    counterparts: Counterparts
    schedules: int
    executions: int
    """Those of them that differ in what was compared."""
    seed: int
    seconds: float
    bound: str | None
    """What keeps it from a proof; None: every schedule was walked."""
    extent: str
    """What was taken to be one step, or is not known."""
    values_left_out: str
    """Why items and results were not compared; empty where they were."""
    unlike: tuple[str, ...] = ()
    """What was not compared, as a scenario has no values of its type."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        same = self.counterparts
        return {
            "scenario": self.scenario, "class": self.against, "made_by": self.made_by, "verdict": self.verdict,
            "steps": [one.as_dict() for one in self.rows],
            "calls": {thread: str(call) for thread, call in same.calls},
            "objects": same.objects, "variables": same.variables, "not_compared": [*same.alone],
            "other_threads": [*same.others], "values_compared": not self.values_left_out, "schedules": self.schedules,
            "executions": self.executions,
            "no_values_of_a_scenario": [*self.unlike], "seed": self.seed, "seconds": round(self.seconds, 6), "bound": self.bound,
        }  # fmt: skip

    def __str__(self) -> str:
        return "\n".join(map(clean, _lines(self)))


def _lines(found: Conformed) -> list[str]:
    same = found.counterparts
    schedules = f"{found.schedules:,} schedule{'s' * (found.schedules != 1)}"
    different = f"{found.executions:,} different execution{'s' * (found.executions != 1)}"
    out = [f"{found.against} (made by {found.made_by}) against {found.scenario}: {found.verdict}"]
    out.append(f"  {schedules}, {different}, {found.seconds:.1f} s")
    if found.rows:
        out += ["", *_side_by_side(found.rows), ""]
    elif found.verdict == "conforms":
        out.append(f"  every schedule was walked, and each is one of {found.scenario}; {found.extent}")
    else:
        out.append(f"  none of them differs; not all were walked: {found.bound}")
    out.append(f"  threads: {_named({thread: call.written('').lstrip('.') for thread, call in same.calls})}")
    if same.others:
        out.append(f"  threads that the class starts itself: those of {', '.join(same.others)}")
    compared = [f"operations on {_named(same.objects)}"] * bool(same.objects)
    left = {name: place for name, place in same.variables.items() if f"{LEFT}{name}" not in found.unlike}
    compared += [f"{LEFT}{_named(left)}"] * bool(left)
    out.append(f"  compared: {'; '.join(compared)}")
    if same.alone:
        out.append(f"  not compared, as nothing stands for them: {', '.join(same.alone)} (--object NAME=ATTRIBUTE)")
    if found.unlike and not found.values_left_out:
        out.append(f"  not compared, as a scenario has no such values: {', '.join(found.unlike)}")
    if found.values_left_out:
        out.append(f"  items and results are not compared: {found.values_left_out}")
    return out


def _named(pairs: dict[str, str]) -> str:
    return ", ".join(name if name == place else f"{name} ({place})" for name, place in pairs.items())


def _side_by_side(rows: Sequence[Row]) -> list[str]:
    first = max(columns(one.thread) for one in (*rows, HEAD))
    second = min(WIDEST_CODE, max(columns(one.code) for one in (*rows, HEAD)))
    return [
        f"  {DIFFERENT if one.is_different else ' '} {_cell(one.thread, first)}  {_cell(one.code, second)}  {one.model}".rstrip()
        for one in (HEAD, *rows)
    ]


def _cell(text: str, wide: int) -> str:
    shown = short(clean(text), wide)
    return shown + " " * (wide - columns(shown))
