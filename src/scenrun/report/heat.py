"""The text of a file with, beside each step, in how many runs or schedules a thread came to it."""

from __future__ import annotations

from scenrun.printable import clean
from scenrun.program.reached import Reached, StepOfFile
from scenrun.report.amounts import counted

_HEAT = " ░▒▓█"
"""From none to all."""


def heat(reached: Reached, text: str) -> str:
    """The file's lines, each with its count and its share of all as a shade; `never` where no schedule comes there."""
    counts = reached.by_line
    width = max([5, *(len(f"{count:,}") for count in counts.values())])
    never = {step.line for step in reached.never}
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        count = counts.get(number)
        shown = "" if count is None else "never" if not count and number in never else f"{count:,}"
        shade = " " if count is None else _shade(count, reached.total)
        rows.append(f"{shown:>{width}} {shade} {number:>4}  {clean(line)}".rstrip())
    return "\n".join(rows)


def _shade(count: int, total: int) -> str:
    if not count or not total:
        return _HEAT[0]
    return _HEAT[1 + min(3, count * 4 // (total + 1))]


def headline(reached: Reached) -> str:
    """What was counted, in a sentence."""
    steps = len(reached.counts)
    came = steps - len(reached.never) - len(reached.not_yet)
    words = f"{came} of {steps} steps reached; counted in {counted(reached.total, reached.what)}"
    if reached.searched is not None:
        extent = "all" if reached.is_closed else "the first"
        words += f", and looked for in {extent} {counted(reached.searched, 'state')}"
    if reached.within:
        words += f", {reached.within}"
    return words


def missed(reached: Reached) -> list[str]:
    """A line for each step that was not reached."""
    certain = [f"never reached, in no schedule: {_named(step)}" for step in reached.never]
    where = f"in {reached.what}s" if reached.searched is None else reached.within or "in what was searched"
    return certain + [f"not reached {where}: {_named(step)}" for step in reached.not_yet]


def _named(step: StepOfFile) -> str:
    return f"line {step.line}, {step.path}"
