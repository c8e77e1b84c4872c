"""Draws a timeline as lines of text: head, threads, locks with their owners, queues, axis, findings and legend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from scenrun.printable import clean
from scenrun.report.amounts import counted, seconds
from scenrun.report.timeline.axis import Axis
from scenrun.report.timeline.cells import Cells
from scenrun.report.timeline.choosing import Chosen
from scenrun.report.timeline.signs import COLOURS, LETTERS, Signs
from scenrun.report.timeline.survey import LATEST, STATES, Survey, ns_of
from scenrun.report.width import columns, cut, filled, hanging, short, wrapped
from scenrun.report.words import Event, finding_lines, run_finished, run_started

_OWNERS = ("36", "33", "35", "32", "34", "96", "93", "95", "92", "94")
_RED, _BOLD, _DIM = "1;31", "1", "2"
_OTHERS = "*"
MAX_NAME = 20
Cell = tuple[str, str]
"""A sign and its colour."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The widths of a timeline, in columns."""

    width: int
    name: int
    lettered: bool
    """Whether threads have letters, which stand for the owners of locks."""

    @property
    def before(self) -> int:
        """Columns before the lanes: a mark, a letter, a name, the busy share, and a space."""
        return 1 + 2 * self.lettered + self.name + 5 + 1

    @property
    def columns(self) -> int:
        """Columns of a lane."""
        return self.width - self.before


def frame_of(chosen: Chosen, width: int) -> Frame:
    """The frame for these names on a terminal of this width."""
    names = [*chosen.threads, *chosen.locks, *chosen.queues, _others(chosen)]
    longest = max((columns(clean(name)) for name in names), default=4)
    return Frame(width, min(longest, MAX_NAME, width // 4), bool(chosen.locks))


def _others(chosen: Chosen) -> str:
    return f"{chosen.more_threads:,} others" if chosen.more_threads else ""


class Drawing:
    """All lines of a timeline; none is wider than the frame."""

    def __init__(
        self, survey: Survey, chosen: Chosen, cells: Cells, frame: Frame, signs: Signs, *, colour: bool
    ) -> None:
        self.survey, self.chosen, self.cells, self.frame, self.signs = survey, chosen, cells, frame, signs
        self.axis: Axis = cells.axis
        self._colour = colour
        self._letters = {survey.threads[name]: LETTERS[at] for at, name in enumerate(chosen.threads[: len(LETTERS)])}
        self._used: set[str] = set()
        """The signs that were drawn, for the legend."""

    def lines(self) -> Iterator[str]:
        """The head, the rows, the axis, the findings, the legend, and the notes on what is left out."""
        yield from self._head()
        rows = [*self._threads(), *self._locks(), *self._queues()]
        yield from rows
        yield from self._axis()
        yield from self._findings()
        yield from self._legend()
        yield from self._left_out()

    # --- above

    def _head(self) -> Iterator[str]:
        survey, width = self.survey, self.frame.width
        if survey.started:
            yield from (self._painted(line, _BOLD) for line in wrapped(clean(run_started(survey.started)), width))
        if survey.finished:
            colour = "" if survey.finished.get("ok") else _RED
            yield from (self._painted(line, colour) for line in wrapped(clean(run_finished(survey.finished)), width))
        yield " " * (self.frame.before - 5) + "busy" if survey.spans.opening.is_detailed else ""

    # --- rows

    def _threads(self) -> Iterator[str]:
        for at, name in enumerate(self.chosen.threads):
            is_blocked = name in self.survey.blocked
            letter = self._letters.get(self.survey.threads[name], _OTHERS)
            mark, colour = ("!", _RED) if is_blocked else (" ", "")
            yield self._row(mark, letter, name, self._lane(at), self.cells.lanes[at].busy(), colour)
            if is_blocked:
                self._used.add("!")
        if self.chosen.more_threads:
            others = len(self.chosen.threads)
            yield self._row(
                " ", _OTHERS, _others(self.chosen), self._lane(others), self.cells.lanes[others].busy(), _DIM
            )

    def _lane(self, at: int) -> list[Cell]:
        lane = self.cells.lanes[at]
        out = []
        for column in range(self.axis.columns):
            state, heavy = lane.state(column), lane.is_holding(column)
            sign = self.signs.of(state, heavy)
            self._used.add(sign)
            out.append((sign, COLOURS[STATES[state]] if state is not None else ""))
        return out

    def _locks(self) -> Iterator[str]:
        kinds = self.survey.spans.opening.kind
        for name in self.chosen.locks:
            number = self.survey.locks[name]
            is_counted = kinds(name) in ("semaphore", "bounded_semaphore")
            cell = self._permits if is_counted else self._owner
            held = None if is_counted else self.cells.locks[number].held(self.axis)
            yield self._row(" ", " ", name, [cell(number, column) for column in range(self.axis.columns)], held)

    def _owner(self, number: int, column: int) -> Cell:
        lock = self.cells.locks[number]
        thread, _ = lock.owner(column)
        if thread < 0:
            return " ", ""
        if 2 * lock.total(column) < self.axis.length:
            return self._noted(self.signs.little), _DIM
        letter = self._letters.get(thread, _OTHERS)
        return self._noted(letter), _OWNERS[thread % len(_OWNERS)]

    def _permits(self, number: int, column: int) -> Cell:
        """The mean number of permits taken in a column."""
        lock = self.cells.locks[number]
        if not lock.owners[column]:
            return " ", ""
        self._used.add("permits")
        average = (2 * lock.total(column) + self.axis.length) // (2 * self.axis.length)
        return (_digit(average) if average else self._noted(self.signs.little)), "36"

    def _queues(self) -> Iterator[str]:
        sizes = self.survey.sizes()
        for name in self.chosen.queues:
            number, largest = self.survey.queues[name], sizes[name][0]
            cells = [self._size(total, largest) for total in self.cells.sizes[number]]
            yield self._row(" ", " ", name, cells)

    def _size(self, total: int, largest: int) -> Cell:
        """The mean size in a column, as a digit if the largest size has one, else as a level."""
        whole = self.axis.length
        if total == 0:
            return " ", ""
        if largest <= 9:
            average = (2 * total + whole) // (2 * whole)
            return (str(average) if average else self._noted(self.signs.little)), "36"
        levels = self.signs.levels
        return levels[min(len(levels) - 1, total * len(levels) // (whole * largest))], "36"

    def _noted(self, sign: str) -> str:
        self._used.add({self.signs.little: "little"}.get(sign, "owner"))
        return sign

    def _row(
        self, mark: str, letter: str, name: str, cells: list[Cell], busy: float | None = None, colour: str = ""
    ) -> str:
        share = _percent(busy) if busy is not None and self.survey.spans.opening.is_detailed else ""
        shown = filled(short(clean(name), self.frame.name), self.frame.name)
        head = mark + (f"{letter} " if self.frame.lettered else "") + shown
        return (self._painted(head, colour) + f" {share:>4} " + self._joined(cells)).rstrip()

    def _joined(self, cells: list[Cell]) -> str:
        parts = ((colour, "".join(sign for sign, _ in group)) for colour, group in groupby(cells, key=lambda c: c[1]))
        return "".join(self._painted(text, colour) for colour, text in parts)

    # --- below

    def _axis(self) -> Iterator[str]:
        line = [self.signs.line] * self.axis.columns
        names = [" "] * self.axis.columns
        free = 0
        for column, name in self.axis.ticks():
            line[column] = self.signs.tick
            place = min(column, self.axis.columns - len(name))
            if place >= free:
                names[place : place + len(name)] = name
                free = place + len(name) + 1
        before = " " * self.frame.before
        unit = "lines" if self.axis.by_event else ""
        yield before + "".join(line)
        yield (filled(f" {unit}", self.frame.before) + "".join(names)).rstrip()

    def _findings(self) -> Iterator[str]:
        marks = [" "] * self.axis.columns
        for number, finding in enumerate(self.survey.findings, 1):
            column = self.axis.column(self._place(finding))
            if column is not None:
                marks[column] = str(number) if marks[column] == " " else "+"
        if any(mark != " " for mark in marks):
            head = filled(short(" found", self.frame.before - 1), self.frame.before)
            yield self._painted((head + "".join(marks)).rstrip(), _RED)
        for number, finding in enumerate(self.survey.findings, 1):
            yield ""
            yield from self._finding(number, finding)
        if self.survey.more_findings:
            yield cut(f"  … and {counted(self.survey.more_findings, 'more finding')}", self.frame.width)

    def _place(self, finding: Event) -> int:
        seq: int = finding["seq"]
        return min(seq, LATEST) if self.axis.by_event else ns_of(finding["elapsed_s"])

    def _finding(self, number: int, finding: Event) -> Iterator[str]:
        first, *threads = [clean(line) for line in finding_lines(finding)]
        moment = seconds(finding["elapsed_s"])
        lines = hanging(f"{number} at {moment}: {first}", self.frame.width, 2)
        yield from (self._painted(line, _RED) for line in lines)
        for one in threads:
            yield from hanging(f"    {one}", self.frame.width, 2)

    def _legend(self) -> Iterator[str]:
        yield ""
        text = "   ".join(self._meanings())
        yield from (self._painted(line, _DIM) for line in _packed(text.split("   "), self.frame.width))

    def _meanings(self) -> Iterator[str]:
        signs, used = self.signs, self._used
        is_heavy = False
        for state, what in enumerate(STATES):
            light, heavy = signs.light[state], signs.heavy[state]
            if what == "running" and not self.survey.spans.opening.is_detailed:
                what = "there"
            if light in used or (heavy in used and heavy != light):
                both = f"{light}{heavy}" if heavy in used and heavy != light else light
                is_heavy |= heavy in used and heavy != light
                yield f"{both} {what}"
        if is_heavy:
            yield "the heavier sign: while it holds a lock"
        if "owner" in used:
            yield "letters: who has the lock"
        if "permits" in used:
            yield "digits: permits taken"
        yield from self._meanings_of_queues()
        if "little" in used:
            yield f"{signs.little} beside a lock or queue: less than half of the time"
        if self.survey.spans.opening.is_detailed:
            yield "busy: neither waiting nor asleep" + "; of locks: held" * bool(self.chosen.locks)
        if "!" in used:
            yield f"! waiting when the {'run' if self.survey.finished else 'log'} ended"
        yield self.axis.meaning()

    def _meanings_of_queues(self) -> Iterator[str]:
        sizes = self.survey.sizes()
        if any(sizes[name][0] <= 9 for name in self.chosen.queues):
            yield "digits: items in the queue"
        for name in self.chosen.queues:
            if sizes[name][0] > 9:
                yield f"{self.signs.levels[0]}..{self.signs.levels[-1]} {clean(name)}: up to {counted(sizes[name][0], 'item')}"

    def _left_out(self) -> Iterator[str]:
        chosen, out = self.chosen, []
        if chosen.more_threads:
            out.append(f"{counted(chosen.more_threads, 'thread')} of {len(self.survey.threads):,} are drawn as one row; "
                       "--threads PATTERN chooses, --most N draws more")  # fmt: skip
        for more, noun in ((chosen.more_locks, "lock"), (chosen.more_queues, "queue")):
            if more:
                out.append(f"{counted(more, f'quieter {noun}')} not drawn")
        if not self.survey.spans.opening.is_detailed:
            out.append(f"the log is at {self.survey.spans.opening.level} level: what threads wait for, hold and do is in it "
                       "with --level debug only")  # fmt: skip
        for text in out:
            yield from wrapped(clean(text), self.frame.width)

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour and text.strip() else text


def _percent(share: float) -> str:
    """A share in whole percents; only an exact 0 or 1 is shown as 0 % or 100 %."""
    return f"{min(99, max(1, round(100 * share)))}%" if 0 < share < 1 else f"{100 * share:.0f}%"


def _digit(number: int) -> str:
    return str(number) if number <= 9 else "+"


def _packed(parts: list[str], width: int) -> list[str]:
    """Parts joined to lines; those that do not fit on a line of their own are broken."""
    lines: list[str] = []
    for part in parts:
        together = f"{lines[-1]}   {part}" if lines else part
        if lines and columns(together) <= width:
            lines[-1] = together
        else:
            lines += wrapped(part, width)
    return lines
