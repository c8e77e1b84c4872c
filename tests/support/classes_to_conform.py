"""Classes for which scenarios are the models, or are not: pairs whose answer is known."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple


class Pipe:
    """A producer and a consumer, with a queue of one between them."""

    def __init__(self) -> None:
        self.items: queue.Queue[int | None] = queue.Queue(1)
        self.total = 0

    def produce(self, count: int) -> None:
        for _ in range(count):
            self.items.put(1)
        self.items.put(None)

    def consume(self) -> None:
        while (item := self.items.get()) is not None:
            self.total += item


class SentinelFirst(Pipe):
    """Tells the consumer to stop before it has put all."""

    def produce(self, count: int) -> None:
        for _ in range(count - 1):
            self.items.put(1)
        self.items.put(None)
        self.items.put(1)


class LeavesEarly(Pipe):
    """The consumer leaves after one item, and the producer waits for ever."""

    def consume(self) -> None:
        self.items.get()
        self.total = 1


class OneMore(Pipe):
    """The consumer waits for an item after the last one."""

    def consume(self) -> None:
        super().consume()
        self.items.get()


class CountsTwice(Pipe):
    """Calls as it should, and adds up wrongly."""

    def consume(self) -> None:
        while (item := self.items.get()) is not None:
            self.total += 2 * item


class DoesNotWait(Pipe):
    """Gives up where there is nothing."""

    def consume(self) -> None:
        while (item := self.items.get_nowait()) is not None:
            self.total += item


class OtherItems(Pipe):
    """Puts other items than its model."""

    def produce(self, count: int) -> None:
        for _ in range(count):
            self.items.put(2)
        self.items.put(None)


class Raises(Pipe):
    """The consumer ends with an exception, once it has done its work."""

    def consume(self) -> None:
        super().consume()
        raise ValueError("at the end")


class OnItsOwn:
    """Starts its threads itself."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self.total = 0

    def run(self) -> None:
        consumer = threading.Thread(target=self._consume)
        producer = threading.Thread(target=self._produce)
        producer.start()
        consumer.start()
        producer.join()
        consumer.join()

    def _produce(self) -> None:
        for item in (1, 1, None):
            self._items.put(item)

    def _consume(self) -> None:
        while (item := self._items.get()) is not None:
            self.total += item


class OnItsOwnTwice(OnItsOwn):
    """Starts a second producer."""

    def run(self) -> None:
        second = threading.Thread(target=self._produce)
        second.start()
        super().run()


class SameNames(OnItsOwn):
    """Its threads have one name."""

    def run(self) -> None:
        both = [threading.Thread(target=one, name="worker") for one in (self._produce, self._consume)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()


class OneFails(OnItsOwn):
    """Starts another thread, which fails."""

    def run(self) -> None:
        failing = threading.Thread(target=self._fail)
        failing.start()
        super().run()
        failing.join()

    def _fail(self) -> None:
        raise ValueError("at once")


class InAPool:
    """Hands its work to a pool, of which one worker may do all."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.total = 0

    def run(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            for _ in range(2):
                pool.submit(self.work)

    def work(self) -> None:
        with self.guard:
            self.total += 1


class LeavesASet:
    """Leaves what a scenario has no value for."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.total: object = 0

    def work(self) -> None:
        with self.guard:
            self.total = {1}


class Buffer:
    """A list of one item with a condition."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.items: list[int] = []

    def fill(self) -> None:
        with self.changed:
            while self.items:
                self.changed.wait()
            self.items.append(1)
            self.changed.notify_all()

    def drain(self) -> None:
        with self.changed:
            while not self.items:
                self.changed.wait()
            self.items.pop(0)
            self.changed.notify_all()


class ForgetsToTell(Buffer):
    """Does not notify."""

    def fill(self) -> None:
        with self.changed:
            while self.items:
                self.changed.wait()
            self.items.append(1)


class Table:
    """Two philosophers, who take the lower fork first."""

    def __init__(self) -> None:
        self.forks = [threading.Lock() for _ in range(2)]
        self.meals = threading.Semaphore(0)

    def dine(self, seat: int) -> None:
        first, second = sorted((seat, (seat + 1) % 2))
        with self.forks[first], self.forks[second]:
            self.meals.release()


class LeftFirst(Table):
    """Each takes the fork to the left first."""

    def dine(self, seat: int) -> None:
        with self.forks[seat], self.forks[(seat + 1) % 2]:
            self.meals.release()


class Gate:
    """Waits for an event for a while."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.meeting = threading.Barrier(2)
        self.passed = False

    def enter(self) -> None:
        self.passed = self.open.wait(0.1)
        self.meeting.wait()

    def let_in(self) -> None:
        self.open.set()
        self.meeting.wait()


class NeverOpen(Gate):
    """Opens the gate only after everybody has met."""

    def let_in(self) -> None:
        self.meeting.wait()
        self.open.set()


PIPE: dict[str, Any] = {
    "scenario": "pipe",
    "sync": {"items": {"queue": {"maxsize": 1}}},
    "state": {"total": 0},
    "behaviours": {
        "produce": {
            "params": {"count": "int"},
            "do": [
                {"repeat": "count", "do": [{"put": {"queue": "items", "item": 1}}]},
                {"put": {"queue": "items", "item": None}},
            ],
        },
        "consume": {
            "do": [
                {"set": {"item": 0}},
                {
                    "while": "item is not None",
                    "do": [
                        {"get": {"queue": "items", "into": "item"}},
                        {"if": "item is not None", "then": [{"set": {"total": "total + item"}}]},
                    ],
                },
            ]
        },
    },
    "threads": {"producer": {"target": "produce", "args": {"count": 2}}, "consumer": {"target": "consume"}},
}
OWN: dict[str, Any] = {
    **PIPE, "sync": {"items": "queue"},
    "conform": {"calls": {"main": "run()"}, "objects": {"items": "_items"}},
}  # fmt: skip
BUFFER: dict[str, Any] = {
    "scenario": "buffer",
    "sync": {"changed": "condition"},
    "state": {"items": []},
    "threads": {
        "filler": {
            "do": [{
                "with": "changed",
                "do": [
                    {"wait_for": {"condition": "changed", "until": "not items"}},
                    {"append": {"to": "items", "item": 1}},
                    {"notify_all": "changed"},
                ],
            }]
        },
        "drainer": {
            "do": [{
                "with": "changed",
                "do": [
                    {"wait_for": {"condition": "changed", "until": "items"}},
                    {"pop": {"from": "items", "at": 0}},
                    {"notify_all": "changed"},
                ],
            }]
        },
    },
    "conform": {"calls": {"filler": "fill()", "drainer": "drain()"}},
}  # fmt: skip
TABLE: dict[str, Any] = {
    "scenario": "table",
    "sync": {"forks": {"lock": {"count": 2}}, "meals": {"semaphore": {"value": 0}}},
    "threads": {
        "philosopher": {
            "count": 2,
            "do": [{"with": "forks[0]", "do": [{"with": "forks[1]", "do": [{"release": "meals"}]}]}],
        }
    },
    "conform": {"calls": {"philosopher": "dine(index)"}},
}
POOLED: dict[str, Any] = {
    "scenario": "pooled",
    "sync": {"guard": "lock", "workers": {"pool": {"max_workers": 1}}},
    "state": {"total": 0},
    "behaviours": {
        "work": {
            "params": {"by": {"type": "int", "default": 1}},
            "do": [{"with": "guard", "do": [{"set": {"total": "total + by"}}]}],
        }
    },
    "threads": {"task": {"target": "work", "count": 2, "pool": "workers"}},
    "conform": {"calls": {"main": "run()"}},
}
GATE: dict[str, Any] = {
    "scenario": "gate",
    "sync": {"open": "event", "meeting": {"barrier": {"parties": 2}}},
    "state": {"passed": False},
    "threads": {
        "guest": {"do": [{"wait": {"event": "open", "timeout": "100ms", "into": "passed"}}, {"wait": "meeting"}]},
        "porter": {"do": [{"set_event": "open"}, {"wait": "meeting"}]},
    },
    "conform": {"calls": {"guest": "enter()", "porter": "let_in()"}},
}


class Pair(NamedTuple):
    """A class beside a scenario."""

    cls: type
    scenario: dict[str, Any]
    differs: str | None = None
    """The step of the code that differs, as it is shown; None: it conforms."""
    model: str = ""
    """What the model does there."""


PAIRS = (
    Pair(Pipe, PIPE),
    Pair(SentinelFirst, PIPE, "items.put(None)", "comes to put items"),
    Pair(LeavesEarly, PIPE, "has ended", "comes to get items"),
    Pair(OneMore, PIPE, "waits for ever", "has ended"),
    Pair(CountsTwice, PIPE, "total is 4 at the end", "total is 2"),
    Pair(DoesNotWait, PIPE, "items.get() raises Empty", "waits to get items"),
    Pair(OtherItems, PIPE, "items.get() -> 2", "waits to get items"),
    Pair(Raises, PIPE, "has ended with ValueError", "has ended"),
    Pair(OnItsOwn, OWN),
    Pair(OnItsOwnTwice, OWN, "items.put(1)", "no thread does that"),
    Pair(SameNames, OWN),
    Pair(OneFails, OWN, "has ended with ValueError", "no thread that is left does that"),
    Pair(Buffer, BUFFER),
    Pair(ForgetsToTell, BUFFER, "changed.lock.release()", "comes to notify_all changed"),
    Pair(Table, TABLE),
    Pair(LeftFirst, TABLE, "forks[1].acquire() -> True", "comes to acquire forks[0]"),
    Pair(InAPool, POOLED),
    Pair(Gate, GATE),
    Pair(NeverOpen, GATE, "meeting.wait()", "comes to set open"),
)
