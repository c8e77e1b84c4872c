"""What a primitive's file says of it: its operations, who frees whom, what can be asked, and the events of the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

from scenrun.errors import Fault
from scenrun.program.primitives.json_types import NUMBER, JsonType

Values = tuple[Any, ...]
"""The immutable values of the cells that an operation names: its object, and beside it a condition's lock, a task's pool."""


class Done(Struct, frozen=True):
    """The operation is over: the cells' new values, and its result."""

    values: Values
    result: Any = None


class Then(Struct, frozen=True):
    """One atomic action of several is done: the new values, and what the next one must remember."""

    values: Values
    memo: Any = None


class Failed(Struct, frozen=True):
    """The operation ended with a fault: the new values, the exception's name, and its text (`{object}` is the label)."""

    values: Values
    type: str
    text: str = ""

    def fault(self, label: str = "", beside: str = "") -> Fault:
        """The fault, with the names of the object and of the one beside it in its text."""
        return Fault(self.type, self.text.replace("{object}", label).replace("{beside}", beside))


Outcome = Done | Then | Failed | None
"""What an action gives; None: it is not enabled, and the thread waits."""
Act = Callable[[Values, int, tuple[Any, ...], Any], Outcome]
"""(cells' values, the thread's number, the operation's arguments, what the action before remembered) -> outcome."""


class Phase(Struct, frozen=True):
    """One guarded atomic action, and what happens instead when the thread's time is up while it is not enabled."""

    act: Act
    expire: Act | None = None
    waits_at: tuple[int, ...] = (0,)
    """Which of the operation's cells may enable it: 0 is the object, 1 the one beside it; none: any of them."""
    together: bool = False
    """Whether one change may let several threads go on which wait here, as setting an event does."""
    name: str = ""
    """What a counterexample calls it, for an operation of several phases."""


class Operation(Struct, frozen=True):
    """One thing that a step can do to an object."""

    name: str
    parameters: tuple[str, ...] = ()
    """Its arguments, in order."""
    freed_by: tuple[str, ...] = ()
    """The operations on the same object that may let a thread go on which waits in this one; none: it never waits."""
    writes: bool = True
    """False where it only looks at the object."""
    about: str | None = None
    """The event that says it is about to be done; None where it is over at once."""
    done: str | None = None
    """The event that says it has been done."""
    phases: tuple[Phase, ...] = ()
    """What it means: its atomic actions, one after another."""
    makes: str | None = None
    """The kind of the object that it makes and gives back as a handle: a future, a thread."""
    announces: tuple[str, ...] = ()
    """The parameters that the `about` line shows."""
    shows: tuple[str, ...] = ()
    """The parameters that the `done` line shows."""
    adds: dict[str, JsonType] = {}
    """What the `done` line says of the result, each field with its type, in their order.

    `held_s`, `size` and `waited_s` are measured; the result itself is under any other name. `waited_s` comes last of its own
    accord where the operation may wait.
    """
    waiting: str = ""
    """A wait in it, in words: `waits for an item of {object}`."""
    in_vain: str = ""
    """The same where no thread will ever end the wait: `waits for an item of {object} that nobody will put`."""

    awaits: str = ""
    """What a wait is for, before the object's name, where that is not the object: `an item in`."""
    false_if_late: bool = False
    """Whether its result is False where the time was up."""
    tells_first: bool = False
    """Whether its result is a pair of which the log tells the first: the second is what else its thread has to do."""
    stores: str = ""
    """The parameter whose value becomes part of the object's and has no other effect: a search ignores one that is never read."""
    fetches: bool = False
    """Whether its result is a value that was stored, and it depends on no other."""
    only_counts: bool = False
    """Whether it does the same whatever values are stored; without these three it is taken to depend on all of them."""
    cost: str = ""
    """The word under which its cost in virtual time is given, where that is not its name: mostly a verb."""

    @property
    def is_of_several(self) -> bool:
        """Whether its first argument is a list of objects."""
        return any(not phase.waits_at for phase in self.phases)

    @property
    def waits(self) -> bool:
        """Whether a thread may have to wait in it."""
        return bool(self.freed_by) or len(self.phases) > 1

    @property
    def waits_first(self) -> bool:
        """Whether a thread may have to wait in it before it has any effect."""
        return bool(self.freed_by) and len(self.phases) == 1

    @property
    def result_fields(self) -> dict[str, JsonType]:
        """The fields that the `done` line adds to the arguments, in their order."""
        return {**self.adds, "waited_s": NUMBER} if self.waits else self.adds

    @property
    def timeout_at(self) -> int | None:
        """Which argument is the time-out, if it has one."""
        return next((at for at, name in enumerate(self.parameters) if name in ("timeout", "after")), None)


class Scene(Protocol):
    """What words for an object's value need beside it."""

    def names(self, numbers: Sequence[int]) -> str:
        """The names of threads, by their numbers."""

    def holders(self) -> str:
        """The names of the threads that hold the object, which the value of a plain lock does not tell."""

    def short(self, value: Any) -> str:
        """A value as text, cut off where it is long."""


class ThreadNumbers(Struct, frozen=True):
    """Where the value of an object has the numbers of threads, so that a search can exchange threads that are alike."""

    of: Callable[[Any], tuple[int, ...]]
    """The numbers in a value, in its order."""
    given: Callable[[Any, tuple[int, ...]], Any]
    """The value with these numbers instead of its own."""
    in_order: bool = False
    """Whether the position of a number matters, as in a line of waiting threads."""

    def renumbered(self, value: Any, to: dict[int, int]) -> Any:
        """The value with other numbers: new ones by old ones, as far as they change."""
        return self.given(value, tuple(to.get(number, number) for number in self.of(value)))


class Kind(Struct, frozen=True):
    """A kind of object that threads share."""

    name: str
    operations: tuple[Operation, ...]
    questions: tuple[str, ...] = ()
    """What an expression may ask, under the names that Python's object has."""
    attributes: tuple[str, ...] = ()
    """The questions that are attributes in Python, asked without a call."""
    noun: str = ""
    """The first word of its events, where that is not its name."""
    initial: Callable[[dict[str, Any]], Any] = lambda options: None
    """The cell's value at the beginning, from the options of its declaration."""
    answers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    """The answer to each question, from the cell's value, and where there is one, from that of the cell beside it."""
    beside: str | None = None
    """The kind of the second cell that every operation names: a condition's lock, a task's pool."""
    mistaken: str = ""
    """For a kind that locals hold: what a fault says where something else is found."""
    begin: Operation | None = None
    """For a kind of thread: what must be done before its first step; its result says whether it runs at all."""
    in_words: Callable[[Any, Scene], str] | None = None
    """Its value in words; None for variables, which show their value, and for what is described as a thread."""
    is_held: bool = False
    """Whether threads hold it from an `acquire` to a `release`."""
    numbers: ThreadNumbers | None = None
    """The threads that a value names; None where it names none, or is itself that of a thread or of a pool's tasks."""
    end: Act | None = None
    """For a kind of thread: what its last step does, with its result and the fault that left it as arguments."""

    @property
    def stores(self) -> bool:
        """Whether values of the program are stored in it."""
        return any(operation.stores for operation in self.operations)

    def operation(self, name: str) -> Operation | None:
        """The operation of that name, or None where this kind has none."""
        return next((o for o in self.operations if o.name == name), None)
