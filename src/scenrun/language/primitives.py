"""The synchronisation primitives that a scenario declares, each with its options."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from scenrun.language.fields import Args, Model, Timing, Whole, check_name, refuse

MAX_ARRAY = 100_000
KINDS: dict[str, type["Primitive"]] = {}
"""Every kind of primitive and the model of its declaration."""

Array = Annotated[
    Annotated[int, Whole(1, MAX_ARRAY)] | None,
    Field(description="makes an array of so many, used as `name[index]`"),
]
_Many = Annotated[int, Whole(0, 1_000_000_000)]
OptionalName = Annotated[
    str | None, PlainValidator(lambda v: None if v is None else check_name(v)), WithJsonSchema({"type": "string"})
]


class Primitive(Model):
    """One entry of `sync`."""

    kind_name: ClassVar[str] = ""
    main_option: ClassVar[str] = ""
    """The option that a kind's number, given alone, was meant for."""
    count: Array = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.kind_name:
            cls.what = f"`{cls.kind_name}`"
            KINDS[cls.kind_name] = cls


class Lock(Primitive):
    """`threading.Lock`: held or free; any thread may release it."""

    kind_name = "lock"
    initially: Literal["unlocked", "locked"] = Field("unlocked", description="locked: it begins held, by nobody")


class RLock(Primitive):
    """`threading.RLock`: its owner may acquire it again, and must release it as often.

    One whose owner has ended without giving it back stays held for ever. In CPython it may come to belong to a later thread,
    or to the next task of the same worker, as owners are known by an identity that the system uses again.
    """

    kind_name = "rlock"


class Semaphore(Primitive):
    """`threading.Semaphore`: a number of permits."""

    kind_name = "semaphore"
    main_option = "value"
    value: _Many = Field(1, description="permits at the beginning")


class BoundedSemaphore(Semaphore):
    """`threading.BoundedSemaphore`: never more permits than at the beginning."""

    kind_name = "bounded_semaphore"


class Condition(Primitive):
    """`threading.Condition`: threads wait under a lock until another notifies them."""

    kind_name = "condition"
    lock: OptionalName = Field(None, description="a lock or rlock to share; an rlock of its own unless given")


class Event(Primitive):
    """`threading.Event`: a flag that threads can wait for."""

    kind_name = "event"
    initially: Literal["clear", "set"] = Field("clear", description="set: it begins set")


class Barrier(Primitive):
    """`threading.Barrier`: threads wait at it until enough have come."""

    kind_name = "barrier"
    main_option = "parties"
    parties: Annotated[int, Whole(1, 1_000_000)] = Field(description="how many threads must come")
    action: str | None = Field(None, description="a behaviour that the last one runs before they go on")
    args: Args = Field(default={}, description="the parameters of `action` by name")

    @model_validator(mode="after")
    def _for_an_action(self) -> Self:
        if self.args and self.action is None:
            raise refuse("`args` are those of an `action`; name it, or remove them")
        return self


class Queue(Primitive):
    """`queue.Queue` and its kin: items go in at one end and out at the other."""

    kind_name = "queue"
    main_option = "maxsize"
    kind: Literal["fifo", "lifo", "priority", "simple"] = Field("fifo", description="the order of the items")
    maxsize: _Many = Field(0, description="items that fit; 0 is without bound")

    @model_validator(mode="after")
    def _simple(self) -> Self:
        if self.kind == "simple" and self.maxsize:
            raise refuse("a simple queue has no bound: remove `maxsize`, or use `kind: fifo`")
        return self


class Pool(Primitive):
    """`concurrent.futures.ThreadPoolExecutor`: threads that run submitted tasks."""

    kind_name = "pool"
    main_option = "max_workers"
    max_workers: Annotated[int, Whole(1, 10_000)] = Field(description="how many threads run its tasks")


class Future(Primitive):
    """`concurrent.futures.Future`, completed by steps of the file: `set_result`, `set_exception` or `cancel`."""

    kind_name = "future"


class Timer(Primitive):
    """`threading.Timer`: runs a behaviour on a thread of its own, some time after it is started."""

    kind_name = "timer"
    after: Timing = Field(description="how long after its start")
    target: str = Field(description="the behaviour that it runs")
    args: Args = Field(default={}, description="the behaviour's parameters by name")
