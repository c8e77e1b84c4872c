"""Writes instructions one after another: labels, registers, handlers, and the cleanups on every way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from scenrun.errors import Place, Problem, ScenarioError, Source
from scenrun.program.ir import CellRef, Code, Instruction

MAX_SIZE = 100_000
"""Instructions and expressions of one program: `run`, `finally` and parameters multiply, and must not fill the memory."""
MAX_EXPRESSION = 110
"""Operations inside one another after parameters have been put in: more than this Python itself would refuse."""


class Size:
    """How much a program may still grow."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_SIZE

    def grow(self, by: int, place: Place | None) -> None:
        """Count so many more instructions, steps or operations."""
        self.left -= by
        if self.left < 0:
            message = (
                f"the program grows beyond {MAX_SIZE:,} instructions; `run`, `spawn` and parameters multiply steps"
            )
            raise ScenarioError([Problem(place, message)])


class Label:
    """A place in the code that jumps lead to; its position is known once it is marked."""

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position: int | None = None


@dataclass(slots=True)
class Draft:
    """An instruction whose labels are not yet resolved."""

    op: str
    target: CellRef | None = None
    lock: CellRef | None = None
    arguments: tuple[str, ...] = ()
    into: str | None = None
    to: Label | None = None
    handler: Label | None = None
    code: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    line: int = 0
    step: str = ""


@dataclass(slots=True)
class Loop:
    """Where `break` and `continue` lead."""

    end: Label
    again: Label


@dataclass(slots=True)
class Cleanup:
    """What must be done on any way out of a region, and the handler that is in force while it is done."""

    emit: Callable[[], None]
    handler: Label | None
    atomic: bool


@dataclass(slots=True)
class Inline:
    """A behaviour that runs in line: where `return` leads, and what takes its value."""

    end: Label
    into: str | None


class Assembler:
    """The code of one kind of thread, while it is written."""

    def __init__(self, number: int, name: str, source: Source | None = None, size: Size | None = None) -> None:
        self.number = number
        self.source = source
        self.name = name
        self.drafts: list[Draft] = []
        self.parameters: list[str] = []
        self.local_names: dict[str, str] = {}
        self.frames: list[Loop | Cleanup | Inline] = []
        self.handler: Label | None = None
        self.line = 0
        self.step = ""
        self.place: Place | None = None
        self.atomic = False
        """Whether what is written stands inside an `atomic` step."""
        self.size = size or Size()
        self._temporaries = 0
        self._scopes = 0

    def emit(self, op: str, **fields: Any) -> Draft:
        """Write one instruction, at the current step."""
        self.size.grow(1, self.place)
        draft = Draft(op, handler=self.handler, line=self.line, step=self.step, **fields)
        if self.atomic:
            draft.options = {**draft.options, "atomic": True}
        self.drafts.append(draft)
        return draft

    def mark(self, label: Label) -> None:
        """The label stands here."""
        label.position = len(self.drafts)

    def temporary(self, kind: str = "t") -> str:
        """A register that no name of the file can clash with."""
        self._temporaries += 1
        return f"__{kind}{self._temporaries}"

    def prefix(self) -> str:
        """A prefix for the locals of one more behaviour that runs in line; none for the first."""
        self._scopes += 1
        return "" if self._scopes == 1 else f"__{self._scopes}_"

    @contextmanager
    def at(self, step: str, place: Place | None) -> Iterator[None]:
        """Instructions written inside belong to this step; a shipped behaviour's steps have the line of its use."""
        before = self.line, self.step, self.place
        line = place.line if place and place.source is self.source else self.line
        self.line, self.step, self.place = line, step, place
        yield
        self.line, self.step, self.place = before

    @contextmanager
    def loop(self, end: Label, again: Label) -> Iterator[None]:
        """The body of a loop."""
        self.frames.append(Loop(end, again))
        yield
        self.frames.pop()

    @contextmanager
    def inline(self, into: str | None) -> Iterator[None]:
        """The body of a behaviour that runs in line."""
        end = Label()
        self.frames.append(Inline(end, into))
        yield
        self.frames.pop()
        self.mark(end)

    @contextmanager
    def guarded(self, cleanup: Callable[[], None]) -> Iterator[None]:
        """A region after which `cleanup` is done, whichever way leads out of it."""
        outer, faulty, done = self.handler, Label(), Label()
        self.frames.append(Cleanup(cleanup, outer, self.atomic))
        self.handler = faulty
        yield
        self.handler = outer
        self.frames.pop()
        cleanup()
        self.emit("jump", to=done)
        self.mark(faulty)
        fault = self.temporary("fault")
        self.emit("take", into=fault)
        cleanup()
        self.emit("raise", arguments=(fault,))
        self.mark(done)

    @contextmanager
    def handled(self, handler: Label) -> Iterator[None]:
        """A region whose faults lead to `handler`."""
        outer, self.handler = self.handler, handler
        yield
        self.handler = outer

    def leave(self, wanted: type[Loop] | type[Inline]) -> Loop | Inline | None:
        """Do the cleanups on the way out to the innermost loop or behaviour, which is returned (None: there is none).

        A loop outside the behaviour that runs in line is not seen from inside it.
        """
        frames, handler, atomic = self.frames, self.handler, self.atomic
        found = self._innermost(wanted)
        if found is None and wanted is Loop:
            return None
        for depth in range(len(frames) - 1, -1, -1):
            frame = frames[depth]
            if frame is found:
                break
            if isinstance(frame, Cleanup):
                self.frames, self.handler, self.atomic = frames[:depth], frame.handler, frame.atomic
                frame.emit()
        self.frames, self.handler, self.atomic = frames, handler, atomic
        return found

    def _innermost(self, wanted: type[Loop] | type[Inline]) -> Loop | Inline | None:
        for frame in reversed(self.frames):
            if isinstance(frame, wanted):
                return frame
            if isinstance(frame, Inline):
                return None
        return None

    def finish(self) -> Code:
        """The code, with an `end` behind its last step and every label resolved."""
        self.line, self.step = 0, "end"
        self.emit("end", arguments=("None",))
        instructions = tuple(self._resolved(draft) for draft in self.drafts)
        return Code(
            self.number, self.name, instructions, tuple(self.parameters), tuple(sorted(self.local_names.items()))
        )

    @staticmethod
    def _resolved(draft: Draft) -> Instruction:
        return Instruction(
            op=draft.op,
            target=draft.target,
            lock=draft.lock,
            arguments=draft.arguments,
            into=draft.into,
            to=None if draft.to is None else draft.to.position,
            handler=None if draft.handler is None else draft.handler.position,
            code=draft.code,
            options=tuple(sorted(draft.options.items())),
            line=draft.line,
            step=draft.step,
        )
