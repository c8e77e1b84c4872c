"""The console log: one line per event in plain words, in a column per thread if there is room, else behind the thread's name."""

from __future__ import annotations

from typing import Any

from scenrun.printable import clean
from scenrun.program.ir import Program
from scenrun.report.amounts import counted, milliseconds
from scenrun.report.run_summary import ending_lines
from scenrun.report.width import columns, cut, filled, hanging, short, wrapped
from scenrun.report.words import ABOUT, Event, event_in_words, finding_lines

_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
_RED, _DIM, _BOLD = "1;31", "2", "1"
_LEVEL_MARKS = {"warning": "!", "error": "!", "critical": "!"}
MAX_NAME = 20
WORDS = 32
"""Columns for the last thread's words, at least."""
GAP = 10
"""Columns of a thread, at least."""
WIDE_GAP = 16
"""Columns of a thread, at most unless a name is longer: the words need the room more."""
TIME = 10
"""Columns of the time, in milliseconds."""
AGAIN = 30
"""Lines after which the heading with the names is repeated."""
MAX_FINDING = 24
"""Lines of a finding's text."""
_WIDE = 100
"""Columns of texts of several lines, without a terminal."""


class Console:
    """A structlog renderer for terminals. No line is wider than `width`, and cuts are marked; with None nothing is cut."""

    def __init__(self, program: Program, *, colour: bool, width: int | None = None) -> None:
        self._colour = colour
        self._width = width
        names = _names(program)
        self._name_width = min(MAX_NAME, max(map(columns, names)))
        self._colours: dict[str, str] = {}
        self._lanes = _Lanes.of(program, width)
        self._since_names = AGAIN

    def __call__(self, _: Any, __: str, event: Event) -> bytes:
        """One event as one line or several, encoded."""
        return "".join(f"{line}\n" for line in self._lines(event)).encode(errors="replace")

    def _lines(self, event: Event) -> list[str]:
        name = event["event"]
        if name == "run.started":
            self._since_names = AGAIN
            return self._opening(event)
        if name == "finding":
            return self._several(event, self._finding(event), _RED)
        if name in ("run.finished", "tally.finished"):
            return self._several(event, ending_lines(event, self._room), _BOLD if event.get("ok") else _RED)
        return self._of_thread(event)

    def _opening(self, event: Event) -> list[str]:
        """The head of a run: scenario, description and, without columns, the unit of the times."""
        width = self._width or _WIDE
        said = wrapped(clean(event_in_words(event)), width)
        lines = [self._painted(line, _BOLD) for line in said]
        about = clean(str(event.get("description") or ""))
        lines += [self._painted(line, _DIM) for line in wrapped(about, width)] if about else []
        return lines if self._lanes is not None else [*lines, self._painted(f"{'ms':>{TIME}}", _DIM)]

    def _several(self, event: Event, lines: list[str], colour: str) -> list[str]:
        """Lines about the whole run: the first beside the time, the others below it."""
        first, *more = lines
        return [self._head(event) + self._painted(first, colour), *(" " * (TIME + 3) + line for line in more)]

    def _finding(self, event: Event) -> list[str]:
        """A finding in full, up to `MAX_FINDING` lines."""
        room = self._room
        first, *threads = [clean(line) for line in finding_lines(event)]
        lines = wrapped(first, room)
        lines += [part for one in threads for part in hanging(f"  {one}", room, 4)]
        if len(lines) > MAX_FINDING:
            lines = [*lines[:MAX_FINDING], f"… and {counted(len(lines) - MAX_FINDING, 'more line')}"]
        return lines

    def _of_thread(self, event: Event) -> list[str]:
        """A thread's event, in its column or behind its name."""
        thread = clean(str(event.get("thread", "")))
        words = clean(event_in_words(event))
        colour = self._colour_of(thread, event)
        lane = self._lanes.indents.get(thread) if self._lanes is not None else None
        if lane is not None:
            return self._in_lane(event, thread, lane, words, colour)
        name = filled(short(thread, self._name_width), self._name_width)
        text = f"{name}  {self._cut(words, TIME + 5 + self._name_width)}".rstrip()
        return [self._head(event) + self._painted(text, colour)]

    def _in_lane(self, event: Event, thread: str, indent: int, words: str, colour: str) -> list[str]:
        assert self._lanes is not None
        self._lanes.note(thread, event["event"])
        lines = []
        if self._since_names >= AGAIN:
            self._since_names = 0
            lines = [self._names(self._lanes)]
        self._since_names += 1
        before = self._painted(self._lanes.before(thread), _DIM)
        return [*lines, self._head(event) + before + self._painted(self._cut(words, TIME + 3 + indent), colour)]

    def _names(self, lanes: _Lanes) -> str:
        """The heading with the threads' names above their columns."""
        *others, last = lanes.indents
        parts = [self._painted(filled(name, lanes.gap), self._colour_of(name, {})) for name in others]
        return f"{'ms':>{TIME}}   " + "".join([*parts, self._painted(last, self._colour_of(last, {}))])

    def _head(self, event: Event) -> str:
        mark = _LEVEL_MARKS.get(event["level"], " ")
        return f"{milliseconds(event['elapsed_s']):>{TIME}} {mark} "

    def _cut(self, words: str, used: int) -> str:
        return words if self._width is None else cut(words, self._width - used)

    @property
    def _room(self) -> int:
        """The columns beside the time."""
        return max(20, (self._width or _WIDE) - TIME - 3)

    def _colour_of(self, thread: str, event: Event) -> str:
        if event.get("level") in ("error", "critical"):
            return _RED
        colour = self._colours.get(thread)
        if colour is None:
            colour = self._colours[thread] = str(_COLOURS[len(self._colours) % len(_COLOURS)])
        return f"{_DIM};{colour}" if event.get("event") in ABOUT else colour

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour and text else text


class _Lanes:
    """The columns of the threads, if all threads are known in advance and fit beside each other."""

    def __init__(self, names: list[str], gap: int) -> None:
        self.gap = gap
        self.indents = {name: at * gap for at, name in enumerate(names)}
        self._lives: set[str] = set()

    def note(self, thread: str, event: str) -> None:
        """Notes that a thread lives, from its first line to its last."""
        if event in ("thread.ended", "thread.cut_off"):
            self._lives.discard(thread)
        else:
            self._lives.add(thread)

    def before(self, thread: str) -> str:
        """The text to the left of a thread's words: a guide line for each thread that lives."""
        guide, none = "│" + " " * (self.gap - 1), " " * self.gap
        return "".join(guide if name in self._lives else none for name in self.indents if self._is_left(name, thread))

    def _is_left(self, name: str, thread: str) -> bool:
        return self.indents[name] < self.indents[thread]

    @classmethod
    def of(cls, program: Program, width: int | None) -> _Lanes | None:
        """The columns on a terminal of this width; None without a terminal, without room, or with unnamed threads."""
        if width is None or _has_unnamed(program):
            return None
        named = [g.member(at) for g in program.groups for at in range(min(g.count or 1, 10))]
        timers = [cell.label(0) for cell in program.cells if cell.kind == "timer"]
        names = list(dict.fromkeys(["main", *named, *timers]))
        gap = (width - TIME - 3 - WORDS) // max(1, len(names) - 1)
        longest = max(columns(name) + 2 for name in names)
        return cls(names, min(gap, max(longest, WIDE_GAP))) if gap >= max(GAP, longest) else None


def _has_unnamed(program: Program) -> bool:
    """Whether the program may have threads that are named while it runs, or arrays of timers."""
    if any(cell.kind == "pool" or (cell.kind == "timer" and cell.count is not None) for cell in program.cells):
        return True
    return any(i.op.startswith("spawned.spawn") for code in program.codes for i in code.instructions)


def _names(program: Program) -> list[str]:
    """The names of threads, timers, pool tasks and spawned threads, numbered ones with their highest or two digits."""
    named = [g.member((g.count or 1) - 1) for g in program.groups]
    timers = [cell.label((cell.count or 1) - 1) for cell in program.cells if cell.kind == "timer"]
    pools = [cell.label((cell.count or 1) - 1) for cell in program.cells if cell.kind == "pool"]
    instructions = (i for code in program.codes for i in code.instructions)
    spawned = [str(i.option("target")) for i in instructions if i.op.startswith("spawned.spawn")]
    return ["main", *named, *timers, *(f"{name}#00" for name in (*pools, *spawned))]
