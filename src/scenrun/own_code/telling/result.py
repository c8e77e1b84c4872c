"""The result of a search of code: the verdict, and each finding with the steps that show it, as data and as text."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from scenrun.errors import UsageError
from scenrun.model.move_schedule import MoveSchedule, OfCode
from scenrun.model.moves import Move
from scenrun.printable import clean
from scenrun.search.counterexample.switches import Switch

WIDEST = 60
"""The most characters of a column."""


@dataclass(frozen=True, slots=True)
class CodeStep:
    """What a thread does in one line of the user's own code, without a switch in between."""

    thread: str
    texts: tuple[str, ...]
    """Its steps there: `read count`, `acquire a lock`."""
    file: str | None = None
    line: int | None = None
    is_late: bool = False
    """Whether a time-out fires in it."""
    switched: Switch | None = None
    """Why its thread goes on after another one, where that is known."""

    @property
    def source(self) -> str:
        """The line of the source; empty where it is not in the user's own code."""
        return "" if self.file is None or self.line is None else linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        late = " (its time is up)" if self.is_late else ""
        return f"{self.source or ', '.join(self.texts)}{late}"


@dataclass(frozen=True, slots=True)
class CodeFinding:
    """A finding, with the schedule that shows it."""

    kind: str
    """`violated`, `exception` or `deadlock`."""
    about: str
    """The thread or threads; `check` for what is checked at the end."""
    message: str
    steps: tuple[CodeStep, ...]
    schedule: tuple[int, ...]
    """The thread, by number, that makes each step."""
    found_with: int
    """The steps of the schedule as it was found, before it was shortened."""
    is_reproduced: bool = True
    """Whether the same schedule has shown it again."""
    moves: tuple[Move, ...] = ()
    """The steps by name."""
    with_gil: str = ""
    """Whether it comes with the GIL, in words; empty where that was not asked."""
    code: OfCode | None = None
    """What a schedule file says of the code."""

    @property
    def switches(self) -> int:
        """How often another thread goes on."""
        return max(0, sum(1 for _ in groupby(self.schedule)) - 1)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        steps = [
            {"thread": one.thread, "texts": list(one.texts), "file": one.file, "line": one.line, "source": one.source,
             "is_late": one.is_late, "switched": None if one.switched is None else one.switched.as_dict()}
            for one in self.steps
        ]  # fmt: skip
        return {
            "kind": self.kind, "about": self.about, "message": self.message, "steps": steps, "switches": self.switches,
            "with_gil": self.with_gil, "found_with_steps": self.found_with, "is_reproduced": self.is_reproduced,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class CodeExplored:
    """The result of `explore_code`.

    `verdict` is the kind of the first finding; `holds` where nothing was found, every order of the steps was walked, and
    nothing was done that is not announced; otherwise `incomplete`.
    """

    verdict: str
    strategy: str
    seed: int
    schedules: int
    """How many schedules were walked to their end."""
    distinct: int
    """How many of them were different, since the last time that accesses came to be steps."""
    findings: tuple[CodeFinding, ...]
    is_closed: bool
    """Whether every order of the announced steps was walked, or one that shows the same."""
    bound: str | None
    """What ended the search before, in words."""
    seconds: float
    uncontrolled: tuple[str, ...]
    """Modules that were imported as they are: what they do to shared objects is no step."""
    unaccounted: tuple[str, ...] = ()
    """What threads did that is not announced, and so keeps the verdict from `holds`, each with its place."""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "verdict": self.verdict, "strategy": self.strategy, "seed": self.seed,
            "schedules": self.schedules, "distinct": self.distinct,
            "closed": self.is_closed, "bound": self.bound, "seconds": round(self.seconds, 6),
            "findings": [one.as_dict() for one in self.findings], "uncontrolled": list(self.uncontrolled),
            "unaccounted": list(self.unaccounted), "notes": list(self.notes),
        }  # fmt: skip

    def save(self, path: str | Path, number: int = 0) -> None:
        """Write the schedule of a finding to a file, for `scenrun replay`.

        number: which finding, from 0. Raises UsageError where there is none, and OutputError where the file cannot be written.
        """
        if number >= len(self.findings):
            raise UsageError(f"there is no finding {number}: {len(self.findings)} were found")
        found = self.findings[number]
        MoveSchedule(
            scenario="", file="", digest="", seed=self.seed, moves=found.moves, finding=(found.kind, found.about),
            code=found.code,
        ).save(path)  # fmt: skip

    def __str__(self) -> str:
        return "\n".join(map(clean, _lines(self)))

    __repr__ = __str__


def _lines(found: CodeExplored) -> list[str]:
    schedules = f"{found.schedules:,} schedule{'s' * (found.schedules != 1)} ({found.strategy}, seed {found.seed})"
    if not found.findings:
        head = found.verdict if found.verdict == "holds" else "incomplete: nothing was found"
        how = "every order of the steps was walked" if found.is_closed else f"ended by {found.bound}"
    else:
        head, how = found.verdict, "the search ends at the first finding"
    if not found.is_closed and not found.findings and 0 < found.distinct < found.schedules:
        schedules += f", {found.distinct:,} of them different,"
    out = [head, f"  {schedules} in {found.seconds:.2f} s; {how}"]
    for one in found.findings:
        out += ["", *finding_lines(one)]
    return [*out, *(f"  {note}" for note in found.notes)]


def finding_lines(one: CodeFinding) -> list[str]:
    """A finding with the table of its steps."""
    steps, less = len(one.schedule), ""
    if one.found_with > steps:
        less = f", shortened from {one.found_with}"
    again = "" if one.is_reproduced else "; THE SAME SCHEDULE DID NOT SHOW IT AGAIN"
    size = f"{steps} step{'s' * (steps != 1)}, {one.switches} switch{'es' * (one.switches != 1)}{less}{again}"
    return [f"  {one.kind}: {one.message} ({size})", *_table(one), *([f"  {one.with_gil}"] if one.with_gil else [])]


def _table(one: CodeFinding) -> list[str]:
    """The steps, with a column for each thread."""
    if not one.steps:
        return []
    names = list(dict.fromkeys(step.thread for step in one.steps))
    texts = {name: [str(step) for step in one.steps if step.thread == name] for name in names}
    widths = {name: min(WIDEST, max(len(name), *map(len, texts[name]))) for name in names}
    out = ["  step  " + "  ".join(name.ljust(widths[name]) for name in names) + "   line"]
    for number, step in enumerate(one.steps, 1):
        if step.switched is not None and step.switched.kind == "conflict":
            out.append(f"        switched: {step.switched.text}")
        cells = [(str(step) if step.thread == name else "").ljust(widths[name]) for name in names]
        cells = [cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…" for cell in cells]
        out.append(f"{number:>6}  " + "  ".join(cells) + ("" if step.line is None else f"{step.line:>7}"))
    return [line.rstrip() for line in out]
