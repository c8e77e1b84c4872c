"""The primitives' models as a twin of real objects: threads that each do one operation at a time, in every order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from scenrun.errors import Fault
from scenrun.program.exceptions import FROM_EXPRESSIONS, fault_of
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Then
from scenrun.program.primitives.registry import KINDS
from scenrun.program.values import key

FAR_NS = 3_600_000_000_000
"""A time that does not come."""
ENDED = "ended"
"""What a thread is in that has taken its last step."""


@dataclass(frozen=True)
class Pending:
    """An operation that a thread of the model is in."""

    cells: tuple[str, ...]
    operation: Operation
    arguments: tuple[Any, ...]
    phase: int = 0
    memo: Any = None
    starts: str | None = None
    """The kind of the thread that it starts."""

    def __hash__(self) -> int:
        return hash((self.cells, self.operation.name, key(self.arguments), self.phase))

    @property
    def expires(self) -> bool:
        """Whether it gives up, or goes on, by itself."""
        at = self.operation.timeout_at
        return at is not None and self.arguments[at] not in (None, FAR_NS)


def ending(kind: Kind, cells: tuple[str, ...], result: Any, fault: Any) -> Pending:
    """The last step of a thread of some kind."""
    assert kind.end is not None
    return Pending(cells, Operation("end", phases=(Phase(kind.end),)), (result, fault))


@dataclass(frozen=True, eq=False)
class Model:
    """The cells' values, what each thread is in, and what each one's last operation gave."""

    values: tuple[tuple[str, Any], ...]
    pending: tuple[Pending | str | None, ...]
    results: tuple[Any, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Any:
        """Lists among the values have no hash, and 1 is not True."""
        return key(self.values), self.pending, key(self.results)

    def began(self, thread: int, pending: Pending) -> Model:
        """The thread begins an operation."""
        return replace(
            self, pending=_changed(self.pending, thread, pending), results=_changed(self.results, thread, None)
        )

    def following(self) -> Iterator[Model]:
        """The states after one more action of anybody."""
        for thread, pending in enumerate(self.pending):
            if isinstance(pending, Pending) and (after := self._moved(thread, pending)) is not None:
                yield after

    def _moved(self, thread: int, pending: Pending) -> Model | None:
        known = dict(self.values)
        cells, makes = pending.cells, pending.operation.makes
        if makes is not None:
            cells = (f"{makes}{sum(name.startswith(makes) for name in known)}", *cells)
        values = tuple(known[cell] if cell in known else KINDS[str(makes)].initial({}) for cell in cells)
        arguments = (*pending.arguments, len(self.pending)) if pending.starts else pending.arguments
        phase = pending.operation.phases[pending.phase]
        try:
            outcome = phase.act(values, thread, arguments, pending.memo)
        except (Fault, *FROM_EXPRESSIONS) as error:
            outcome = Failed(values, fault_of(error).type, fault_of(error).text)
        if outcome is None and phase.expire is not None and pending.expires:
            outcome = phase.expire(values, thread, arguments, pending.memo)
        if outcome is None:
            return None
        made = None if makes is None or not isinstance(outcome, Done) else cells[0]
        known.update((c, v) for c, v in zip(cells, outcome.values, strict=True) if c in known or c == made)
        after = replace(self, values=tuple(sorted(known.items())))
        if isinstance(outcome, Then):
            left = replace(pending, phase=pending.phase + 1, memo=outcome.memo)
            return replace(after, pending=_changed(self.pending, thread, left))
        after = after._finished(thread, pending, outcome, result_of(outcome, cells, made))
        if pending.starts and isinstance(outcome, Done):
            return after._with_thread(pending.starts, cells, pending)
        return after

    def _finished(self, thread: int, pending: Pending, outcome: Done | Failed, result: Any) -> Model:
        name = pending.operation.name
        if name == "end":
            return replace(self, pending=_changed(self.pending, thread, ENDED))
        if name == "begin":
            runs = isinstance(outcome, Done) and outcome.result
            return replace(self, pending=_changed(self.pending, thread, None if runs else ENDED))
        return replace(
            self, pending=_changed(self.pending, thread, None), results=_changed(self.results, thread, result)
        )

    def _with_thread(self, kind: str, cells: tuple[str, ...], by: Pending) -> Model:
        """With one thread more, whose cells these are."""
        begin, named = KINDS[kind].begin, dict(zip(by.operation.parameters, by.arguments, strict=True))
        first = None if begin is None else Pending(cells, begin, tuple(named[name] for name in begin.parameters))
        return replace(self, pending=(*self.pending, first), results=(*self.results, None))


def result_of(outcome: Outcome, cells: tuple[str, ...], made: str | None = None) -> tuple[str, Any]:
    """What an operation gave, or the fault that it raised, with its text; objects are called by their cells' names."""
    if isinstance(outcome, Failed):
        fault = outcome.fault(*cells)
        return ("raised", (fault.type, fault.text))
    assert isinstance(outcome, Done)
    return ("gave", outcome.result if made is None else made)


def _changed(items: tuple[Any, ...], at: int, item: Any) -> tuple[Any, ...]:
    return (*items[:at], item, *items[at + 1 :])


def settled(models: set[Model]) -> set[Model]:
    """Every state in which nobody can move any more, from any of these."""
    seen, waiting, out = set(models), list(models), set()
    while waiting:
        model = waiting.pop()
        following = list(model.following())
        if not following:
            out.add(model)
        for after in following:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return out
