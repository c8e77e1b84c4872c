"""The recorder, which turns the records of a run into numbered, dated log lines, rendered by structlog; and the log's outputs."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Protocol

import structlog

from scenrun.errors import OutputError
from scenrun.printable import harmless_json
from scenrun.program.primitives.registry import KINDS, operation
from scenrun.trace.events import LEVELS
from scenrun.trace.json_text import dumps_line

ALWAYS = ("run.started", "run.finished", "tally.finished")
"""Events that are written at every log level: no log can be read without them."""
_BUFFER = 1 << 18
_OF_OWN_STEPS = {"sleep": ("slept_s",), "call": ("value", "took_s")}
"""What the last lines of a thread's own steps add; those of operations are in `program/primitives/`."""


class OutputClosed(Exception):
    """Raised when the reader of the log has closed the pipe."""


class Output(Protocol):
    """The interface of what finished lines are written to."""

    def write(self, line: bytes) -> None:
        """Accepts one line."""

    def flush(self) -> None:
        """Passes accepted lines on to their reader."""


class FileOutput:
    """Writes lines to a file descriptor, buffered for at most `patience_s` seconds; `each_line` turns buffering off."""

    def __init__(self, descriptor: int, name: str, *, patience_s: float, each_line: bool = False) -> None:
        self._descriptor = descriptor
        self._name = name
        self._patience_s = 0.0 if each_line else patience_s
        self._each_line = each_line
        self.is_terminal = os.isatty(descriptor)
        self._waiting: list[bytes] = []
        self._size = 0
        self._last = monotonic()

    def write(self, line: bytes) -> None:
        """Buffers one line; writes the buffer when it is full."""
        self._waiting.append(line)
        self._size += len(line)
        if self._each_line or self._size > _BUFFER:
            self._write_out()

    def flush(self) -> None:
        """Writes the buffer if `patience_s` seconds have passed since the last write."""
        if self._waiting and monotonic() - self._last >= self._patience_s:
            self._write_out()

    def close(self) -> None:
        """Writes the whole buffer; the descriptor stays open."""
        if self._waiting:
            self._write_out()

    def leave(self) -> None:
        """Writes the whole buffer and closes the descriptor."""
        self.close()
        os.close(self._descriptor)

    def _write_out(self) -> None:
        data = memoryview(b"".join(self._waiting))
        self._waiting, self._size, self._last = [], 0, monotonic()
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except BrokenPipeError:
            raise OutputClosed from None
        except OSError as error:
            raise OutputError(f"cannot write the log to {self._name}: {error.strerror}", midway=True) from None


def open_output(path: str, *, each_line: bool = False) -> FileOutput:
    """The output of `--log PATH`; `-` is stdout."""
    if path == "-":
        sys.stdout.flush()
        return FileOutput(sys.stdout.fileno(), "stdout", patience_s=0.02, each_line=each_line)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError as error:
        hint = "; its folder does not exist" if error.errno == errno.ENOENT else ""
        raise OutputError(f"cannot open {Path(path)} for the log: {error.strerror}{hint}", midway=False) from None
    return FileOutput(descriptor, path, patience_s=0.2, each_line=each_line)


class Collector:
    """Passes events on as mappings instead of lines, for programs that call scenrun as a library."""

    def __init__(self, take: Callable[[dict[str, Any]], object]) -> None:
        self.take = take


class _Lines(structlog.BoundLoggerBase):
    """The bound logger of a run: every event goes through the processors and on to the output."""

    def line(self, fields: dict[str, Any]) -> None:
        """Writes one event, whose name is among its fields."""
        arguments, _ = self._process_event("write", None, fields)
        self._logger.write(*arguments)


def render_json(_: Any, __: str, event: dict[str, Any]) -> bytes:
    """A structlog processor: the event as one line of JSON. Values that JSON cannot represent become text."""
    return dumps_line(event)


def render_json_for_a_terminal(logger: Any, name: str, event: dict[str, Any]) -> bytes:
    """A structlog processor: the same JSON, with the characters escaped that control a terminal."""
    return harmless_json(render_json(logger, name, event).decode()).encode()


class Recorder:
    """Numbers and dates the records of one run and passes them on as events."""

    def __init__(
        self,
        run_id: str,
        output: Output | Collector | None,
        *,
        level: str = "info",
        renderer: Callable[[Any, str, dict[str, Any]], Any] = render_json,
        fields: dict[str, Any] | None = None,
        flat: bool = False,
        wall_ns: int | None = None,
        began_ns: int = 0,
    ) -> None:
        self.run_id = run_id
        self.level = LEVELS[level]
        self.fields = fields or {}
        self.flat = flat
        """Whether these, and those of `log` steps, stand beside the line's own fields."""
        self.wall_ns = time.time_ns() if wall_ns is None else wall_ns
        self.began_ns = began_ns
        self.written = 0
        self._second = -1
        self._second_text = ""
        self._output: Output | None = None if isinstance(output, Collector) else output
        self._line = self._writer(output, renderer)

    def _writer(self, output: Any, renderer: Any) -> Callable[[dict[str, Any]], object]:
        if output is None:
            return lambda fields: None
        if isinstance(output, Collector):
            return output.take
        if renderer is render_json and getattr(output, "is_terminal", False):
            renderer = render_json_for_a_terminal
        logger: _Lines = structlog.wrap_logger(output, processors=[renderer], wrapper_class=_Lines)
        return logger.line

    def take(self, records: deque[tuple[Any, ...]], most: int) -> int:
        """Writes at most `most` waiting records, oldest first; returns how many it wrote."""
        count = min(len(records), most)
        render, pop = self._render, records.popleft
        for _ in range(count):
            render(pop())
        if count:
            self.flush()
        return count

    def flush(self) -> None:
        """Flushes the output."""
        if self._output is not None:
            self._output.flush()

    def close(self) -> None:
        """Closes the output, if it can be closed."""
        close = getattr(self._output, "close", None)
        if close is not None:
            close()

    def _render(self, record: tuple[Any, ...]) -> None:
        what = record[3]
        if what == "message":
            self._message(record)
        elif what == "event":
            self._event(record)
        else:
            self._operation(record)

    def _begin(self, at_ns: int, level: str, event: str) -> dict[str, Any]:
        """The fields that every line begins with; `event` is passed in to keep its place in their order."""
        elapsed = at_ns - self.began_ns
        second, rest = divmod(self.wall_ns + elapsed, 1_000_000_000)
        # Formatting a date costs more than the rest of a line; the text of a second is kept for all its lines.
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        seq = self.written
        self.written = seq + 1
        return {
            "timestamp": f"{self._second_text}{rest // 1000:06d}Z",
            "level": level,
            "event": event,
            "run": self.run_id,
            "seq": seq,
            "elapsed_s": elapsed / 1e9,
        }

    def _message(self, record: tuple[Any, ...]) -> None:
        at_ns, me, site, _, text, more = record
        me.messages += 1
        level = (
            site.instruction.options[-1][1] if len(site.instruction.options) == 1 else site.instruction.option("level")
        )
        fields = self._begin(at_ns, level, "message")
        fields["thread"] = me.name
        fields["group"] = me.group
        fields["index"] = me.index
        if me.worker is not None:
            fields["worker"] = me.worker
        fields["step"] = site.instruction.step
        fields["line"] = site.instruction.line
        fields["message"] = text
        if more or self.fields:
            own = {**self.fields, **(more or {})}
            fields.update(own if self.flat else {"fields": own})
        self._line(fields)

    def event(self, elapsed_ns: int, name: str, more: dict[str, Any]) -> None:
        """Writes an `info` line that comes from no record, such as the tally of several runs."""
        fields = self._begin(self.began_ns + elapsed_ns, "info", name)
        fields.update(more)
        self._line(fields)

    def _of_thread(self, fields: dict[str, Any], me: Any, site: Any) -> None:
        if me is not None:
            fields["thread"] = me.name
            fields["group"] = me.group
            fields["index"] = me.index
            if me.worker is not None:
                fields["worker"] = me.worker
        if site is not None:
            fields["step"] = site.instruction.step
            fields["line"] = site.instruction.line

    def _event(self, record: tuple[Any, ...]) -> None:
        at_ns, me, site, _, name, level, more = record
        if LEVELS[level] < self.level and name not in ALWAYS:
            return
        fields = self._begin(at_ns, level, name)
        self._of_thread(fields, me, site)
        fields.update(more)
        self._line(fields)

    def _operation(self, record: tuple[Any, ...]) -> None:
        at_ns, me, site, phase, target, result, waited_ns, held_ns, size = record
        instruction = site.instruction
        event, shown, adds, is_named = _line_of(instruction.op, phase)
        fields = self._begin(at_ns, "debug", event)
        self._of_thread(fields, me, site)
        label = getattr(target, "label", None)
        if label is not None:
            fields["object"] = label
        if phase == "asked":
            fields["question"] = instruction.op.partition(".")[2]
            fields["value"] = result
        elif shown and phase == "about":
            add_shown(fields, shown, result)
        elif phase == "done":
            if shown:
                *given, result = result
                add_shown(fields, shown, given)
            add_result(fields, adds, str(result) if is_named else result, waited_ns, held_ns, size)
        if instruction.op == "call":
            add_call(fields, str(instruction.option("function")))
        self._line(fields)


def add_call(fields: dict[str, Any], function: str) -> None:
    """Adds the user's function that a step calls, and the object if it is a method."""
    fields["function"] = function
    if ":" not in function:
        fields["object"] = function.partition(".")[0]


@cache
def event_of(op: str, phase: str) -> str:
    """The name of the event that logs an operation in a phase: `about`, `done` or `asked`."""
    if "." not in op:
        return f"{op}.{'began' if phase == 'about' else 'ended'}"
    if phase == "asked":
        kind = KINDS[op.partition(".")[0]]
        return f"{kind.noun or kind.name}.asked"
    known = operation(op)
    name = (known.about if phase == "about" else known.done) if known else None
    assert name is not None
    return name


class _Line(NamedTuple):
    """What the line of an operation says beside its thread and object."""

    event: str
    shown: tuple[str, ...] = ()
    """The parameters that it shows."""
    adds: tuple[str, ...] = ()
    """The fields of the result."""
    is_named: bool = False
    """Whether the result is an object that was made, shown by its name."""


@cache
def _line_of(op: str, phase: str) -> _Line:
    """What the line says that logs an operation in a phase."""
    known, event = operation(op), event_of(op, phase)
    if known is None:
        return _Line(event, adds=_OF_OWN_STEPS.get(op, ()))
    if phase == "about":
        return _Line(event, known.announces)
    return _Line(event, known.shows, tuple(known.result_fields), known.makes is not None)


def add_shown(fields: dict[str, Any], parameters: tuple[str, ...], given: Sequence[Any]) -> None:
    """Adds the arguments that a line shows: an item as `value`, a path into a variable as `at`, a count as `n`."""
    place: list[Any] = []
    for name, argument in zip(parameters, given, strict=True):
        if name == "n":
            if argument.__class__ is int and argument != 1:
                fields["n"] = argument
        elif name == "path":
            place = argument
        elif name == "at":
            place = [*place, argument]
        else:
            fields["value"] = argument
    if place and place != [None]:
        fields["at"] = place if len(place) > 1 else place[0]


def add_result(
    fields: dict[str, Any], adds: Sequence[str], result: Any, waited_ns: int, held_ns: int, size: int
) -> None:
    """Adds the fields of a finished operation: its result, times in seconds, and the size of a queue."""
    for name in adds:
        if name in ("waited_s", "slept_s", "took_s"):
            fields[name] = waited_ns / 1e9
        elif name == "held_s":
            fields[name] = held_ns / 1e9
        elif name == "size":
            fields[name] = size
        else:
            fields[name] = result
