"""The assembler of one code: emits instructions, allocates registers, resolves labels and emits cleanups on every exit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct, field

from scenrun.errors import Place, Problem, ScenarioError, Source
from scenrun.program.ir import CellRef, Code, Instruction

MAX_SIZE = 100_000
"""The most instructions and expressions of one program, as `run`, `finally` and parameters multiply them."""
MAX_EXPRESSION = 110
"""The deepest nesting of operations after parameters are substituted; Python itself refuses deeper ones."""


class Size:
    """Counts the instructions and expressions of a program against MAX_SIZE."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_SIZE

    def grow(self, by: int, place: Place | None) -> None:
        """Count `by` more instructions, steps or operations; raises ScenarioError past the limit."""
        self.left -= by
        if self.left < 0:
            message = (
                f"the program grows beyond {MAX_SIZE:,} instructions; `run`, `spawn` and parameters multiply steps"
            )
            raise ScenarioError([Problem(place, message)])


class Label:
    """A jump target; its position is known once it is marked."""

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position: int | None = None


class Draft(Struct):
    """An instruction whose jump targets are labels, not yet resolved to positions."""

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
    asks: str = ""


class Loop(Struct):
    """The frame of a loop: the targets of `break` (`end`) and `continue` (`again`)."""

    end: Label
    again: Label


class Cleanup(Struct):
    """The frame of a guarded region: the cleanup on every exit, and the handler and atomicity in force during it."""

    emit: Callable[[], None]
    handler: Label | None
    atomic: bool


class Inline(Struct):
    """The frame of a behaviour that runs inline: the target of `return`, and the register of its value."""

    end: Label
    into: str | None


class Assembler:
    """Builds one code, an instruction at a time."""

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
        """Whether emitted instructions are inside an `atomic` step."""
        self.size = size or Size()
        self._temporaries = 0
        self._scopes = 0

    def emit(self, op: str, **fields: Any) -> Draft:
        """Append one instruction of the current step."""
        self.size.grow(1, self.place)
        draft = Draft(op, handler=self.handler, line=self.line, step=self.step, **fields)
        if self.atomic:
            draft.options = {**draft.options, "atomic": True}
        self.drafts.append(draft)
        return draft

    def mark(self, label: Label) -> None:
        """Set the label's position to the next instruction."""
        label.position = len(self.drafts)

    def temporary(self, kind: str = "t") -> str:
        """A new register, whose name cannot clash with a name of the file."""
        self._temporaries += 1
        return f"__{kind}{self._temporaries}"

    def prefix(self) -> str:
        """A new prefix for the registers of an inline behaviour's locals; empty for the first."""
        self._scopes += 1
        return "" if self._scopes == 1 else f"__{self._scopes}_"

    @contextmanager
    def at(self, step: str, place: Place | None) -> Iterator[None]:
        """Assign the instructions emitted inside to this step; steps of a shipped behaviour have the line of its use."""
        before = self.line, self.step, self.place
        line = place.line if place and place.source is self.source else self.line
        self.line, self.step, self.place = line, step, place
        yield
        self.line, self.step, self.place = before

    @contextmanager
    def loop(self, end: Label, again: Label) -> Iterator[None]:
        """Emit the body of a loop inside."""
        self.frames.append(Loop(end, again))
        yield
        self.frames.pop()

    @contextmanager
    def inline(self, into: str | None) -> Iterator[None]:
        """Emit the body of an inline behaviour inside; `into` is the register of the returned value."""
        end = Label()
        self.frames.append(Inline(end, into))
        yield
        self.frames.pop()
        self.mark(end)

    @contextmanager
    def guarded(self, cleanup: Callable[[], None]) -> Iterator[None]:
        """A region after which `cleanup` is emitted on every exit: its end, a fault, and jumps (by `leave`)."""
        outer, faulty, done = self.handler, Label(), Label()
        self.frames.append(Cleanup(cleanup, outer, self.atomic))
        self.handler = faulty
        yield
        self.handler = outer  # a fault of the cleanup itself must not run the cleanup again
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
        """A region whose faults go to `handler`."""
        outer, self.handler = self.handler, handler
        yield
        self.handler = outer

    def leave(self, wanted: type[Loop] | type[Inline]) -> Loop | Inline | None:
        """Emit the cleanups between here and the innermost loop or inline behaviour, whose frame is returned.

        Returns None where there is none; a loop outside an inline behaviour is not visible inside it.
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
                # A cleanup may itself leave: it sees only the frames and the handler outside its own region.
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
        """The finished code, with a final `end` and every label resolved."""
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
            asks=draft.asks,
        )
