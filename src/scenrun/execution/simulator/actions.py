"""Turns the operations of `primitives/`, functions of immutable values, into actions that change objects in place.

Most kinds keep the value as `primitives/` defines it, and an action replaces the old value by the new one. A queue, an
event or a condition can have very many items or waiters, and each step would copy them all: for these kinds
`fast_paths.py` has its own actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from scenrun.errors import Fault
from scenrun.execution.site import Site
from scenrun.program.exceptions import FROM_EXPRESSIONS, fault_of
from scenrun.program.primitives.kinds import Act, Failed, Operation, Outcome
from scenrun.program.primitives.kinds import Phase as PurePhase
from scenrun.program.primitives.registry import KINDS

InPlace = Callable[[tuple[Any, ...], Any, tuple[Any, ...], Any], Outcome]
"""(objects, the thread, the operation's arguments, the previous phase's memo) -> outcome, whose values are not used."""
Enabled = Callable[[tuple[Any, ...], Any, tuple[Any, ...], Any], bool]


class Phase(Struct, frozen=True):
    """One atomic action of an operation, in place; the fields are those of the phase in `primitives/kinds.py`."""

    act: InPlace
    enabled: Enabled
    expire: InPlace | None = None
    waits_at: tuple[int, ...] = (0,)
    together: bool = False


class Action(Struct, frozen=True, eq=False):
    """An operation with its phases in place."""

    op: str
    operation: Operation
    phases: tuple[Phase, ...]
    timeout_at: int | None

    @property
    def waits(self) -> bool:
        """Whether a thread may have to wait in the operation."""
        return self.operation.waits


class SitedAction(Struct, frozen=True, eq=False):
    """An action with the instruction that performs it."""

    site: Site
    action: Action


def in_place(act: Act) -> InPlace:
    """Converts a function of values into one that changes objects."""

    def change(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
        values = tuple([made.value for made in objects])
        try:
            outcome = act(values, me.number, arguments, memo)
        except (Fault, *FROM_EXPRESSIONS) as error:
            fault = fault_of(error)
            return Failed(values, fault.type, fault.text)
        if outcome is not None:
            for made, value in zip(objects, outcome.values, strict=True):
                made.value = value
        return outcome

    return change


def _enabled(act: Act) -> Enabled:
    def ask(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> bool:
        return act(tuple([made.value for made in objects]), me.number, arguments, memo) is not None

    return ask


def phase_in_place(phase: PurePhase) -> Phase:
    """Converts a phase on values into one on objects."""
    expire = None if phase.expire is None else in_place(phase.expire)
    return Phase(in_place(phase.act), _enabled(phase.act), expire, phase.waits_at, phase.together)


def action(op: str, quick: dict[str, tuple[Phase, ...]] | None = None) -> Action:
    """Returns the action of an operation such as `lock.acquire`; `quick` has phases that replace those of `primitives/`."""
    kind, _, name = op.partition(".")
    operation = KINDS[kind].begin if name == "begin" else KINDS[kind].operation(name)
    assert operation is not None
    phases = (quick or {}).get(op) or tuple(phase_in_place(phase) for phase in operation.phases)
    return Action(op, operation, phases, operation.timeout_at)
