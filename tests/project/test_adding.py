"""A toy verb, operation and primitive are added at just the places that docs/contributing.md names, and everything knows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from additions import Addition

STEPS, LOWERING = "language/verbs/objects.py", "program/compiler/operations.py"

# --- a verb with an operation that is new: `drain` empties a queue

DRAIN_STEP = '''class Drain(Step):
    """Take all items out of a queue at once."""

    verb = "drain"
    short = "queue"
    queue: Ref = Field(description="the queue")
    into: Into = Field(None, description="takes how many items there were")


'''
DRAIN_LOWERED = '''@lowers(verbs.Drain)
def drain(w: Writer, step: verbs.Drain, scope: Scope, path: str) -> None:
    """Takes all items out of a queue."""
    target = w.operands.target(step.queue, scope, ("queue",), "drain")
    if target is not None:
        w.operate("queue.drain", step, scope, target=target)


'''
DRAIN_MEANING = '''def drain(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take all items; how many there were."""
    ((items, unfinished, maxsize, order, is_shut),) = values
    return Done((((), unfinished, maxsize, order, is_shut),), len(items))


'''
DRAIN_OPERATION = """        Operation(
            "drain",
            about="queue.draining",
            done="queue.drained",
            phases=(Phase(drain),),
            adds={"value": INTEGER},
            only_counts=True,
        ),
"""
DRAIN_REAL = '''    def drain(self, me: Context, site: Site) -> int:
        """Takes all items; returns how many there were."""
        real = self.real
        with real.mutex:
            count = len(real.queue)
            real.queue.clear()
            real.not_full.notify_all()
        return count

'''
DRAINED = """
sync: {q: {queue: {maxsize: 1}}}
threads:
  producer: {do: [{put: {queue: q, item: 1}}, {put: {queue: q, item: 2}}]}
  emptier: {do: [{while: q.qsize() == 0, do: [{sleep: 1ms}]}, {drain: {queue: q, into: _n}}]}
"""
DRAINED_TOO_SOON = """
sync: {q: {queue: {maxsize: 1}}}
threads:
  producer: {do: [{put: {queue: q, item: 1}}, {put: {queue: q, item: 2}}]}
  emptier: {do: [drain: q]}
"""


@pytest.fixture(scope="module")
def drain(tmp_path_factory: pytest.TempPathFactory) -> Addition:
    """The package with the verb `drain`."""
    added = Addition(tmp_path_factory.mktemp("drain"))
    added.before(STEPS, "class TaskDone(Step):\n", DRAIN_STEP)
    added.before(LOWERING, "@lowers(verbs.TaskDone, verbs.JoinQueue)\n", DRAIN_LOWERED)
    queue = "program/primitives/queue.py"
    added.before(queue, "def task_done(values: Values", DRAIN_MEANING)
    added.after(queue, 'QUEUE = Kind(\n    "queue",\n    (\n        _PUT,\n        _GET,\n', DRAIN_OPERATION)
    added.replace(queue, 'freed_by=("get", "shutdown"),', 'freed_by=("get", "shutdown", "drain"),')
    added.before("execution/threads/queues.py", "    def task_done(self, me: Context", DRAIN_REAL)
    return added


def test_a_verb_is_added_at_the_places_that_the_page_names(drain: Addition) -> None:
    """Four files: what may be written, how it is compiled, what it means, what does it on real threads."""
    assert drain.strays("Adding a verb") == set()
    assert len(drain.touched) == 4


def test_a_verb_that_is_added_runs_and_is_simulated(drain: Addition) -> None:
    """Its lines fit the schema, and it lets the producer go on."""
    for way, lines in drain.logs_of(drain.scenario("drained", DRAINED)):
        (done,) = (line for line in lines if line["event"] == "queue.drained")
        assert (done["object"], done["value"], done["thread"]) == ("q", 1, "emptier"), way
        assert lines[-1]["verdict"] == "holds"


def test_a_verb_that_is_added_is_searched_and_its_counterexample_replayed(drain: Addition, tmp_path: Path) -> None:
    """It frees whoever waits for room, and where it comes too soon, nobody does."""
    assert drain.verdict(drain.scenario("drained", DRAINED))["verdict"] == "holds"
    bad, schedule = drain.scenario("too_soon", DRAINED_TOO_SOON), tmp_path / "schedule.json"
    assert drain.verdict(bad, status=1, save=schedule)["verdict"] == "deadlock"
    assert drain.is_shown_again(schedule, "deadlock")


def test_a_verb_that_is_added_is_drawn_and_documented(drain: Addition) -> None:
    """A timeline and a table have it, the schema and the reference, too."""
    scenario = drain.scenario("drained", DRAINED)
    assert "emptier" in drain.said("timeline", scenario)
    assert "did drain q" in drain.said("simulate", scenario, "--level", "debug", "--format", "console")
    assert "### `drain`" in drain.reference()
    assert "`queue.drained`" in drain.reference()
    assert "drain" in drain.schema()["$defs"]["step"]["properties"]


# --- an operation: `reset`, a verb for barriers, is one for events, too

RESET_OPERATION = """        Operation("reset", about="event.resetting", done="event.was_reset", phases=(Phase(clear),)),
"""
RESET_REAL = '''    def reset(self, me: Context, site: Site) -> None:
        """Clears the event."""
        self.real.clear()

'''
RESET = """
sync: {e: {event: {initially: set}}}
state: {seen: false}
threads: {one: {do: [{wait: e}, {set: {seen: true}}, {reset: e}]}}
expect: {final: [not e.is_set(), seen]}
"""
RESET_AT_ANY_TIME = """
sync: {e: event}
threads: {one: {do: [set_event: e]}, two: {do: [reset: e]}, three: {do: [wait: e]}}
"""


@pytest.fixture(scope="module")
def reset(tmp_path_factory: pytest.TempPathFactory) -> Addition:
    """The package whose `reset` takes an event."""
    added = Addition(tmp_path_factory.mktemp("reset"))
    added.before("program/primitives/event.py", '        Operation("clear"', RESET_OPERATION)
    added.before("execution/threads/waiting.py", "    def clear(self, me: Context", RESET_REAL)
    added.replace(
        LOWERING, "scope, BARRIERS, step.verb, step.verb)", 'scope, (*BARRIERS, "event"), step.verb, step.verb)'
    )
    return added


def test_an_operation_is_added_at_the_places_that_the_page_names(reset: Addition) -> None:
    """Three files; the simulator has it from its phases, though it keeps events in a way of its own."""
    assert reset.strays("Adding an operation") == set()


def test_an_operation_that_is_added_runs_and_is_simulated(reset: Addition) -> None:
    """Its lines fit the schema."""
    for way, lines in reset.logs_of(reset.scenario("reset", RESET)):
        assert [line["event"] for line in lines if "reset" in line["event"]] == [
            "event.resetting",
            "event.was_reset",
        ], way
        assert lines[-1]["verdict"] == "holds"


def test_an_operation_that_is_added_is_searched_replayed_and_documented(reset: Addition, tmp_path: Path) -> None:
    """A wait that comes after it waits for ever."""
    schedule = tmp_path / "schedule.json"
    assert reset.verdict(reset.scenario("reset", RESET))["verdict"] == "holds"
    assert (
        reset.verdict(reset.scenario("at_any_time", RESET_AT_ANY_TIME), status=1, save=schedule)["verdict"]
        == "deadlock"
    )
    assert reset.is_shown_again(schedule, "deadlock")
    assert "| `event.was_reset` |" in reset.reference()


# --- a primitive: a latch

LATCH = '''"""A latch: threads wait until it is counted down to 0. Its value: what is left to count."""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.json_types import BOOLEAN
from scenrun.program.primitives.kinds import Done, Kind, Operation, Outcome, Phase, Values


def count_down(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """One less, down to 0."""
    return Done((max(0, values[0] - 1),))


def wait(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once it is at 0."""
    return Done(values, True) if values[0] == 0 else None


def time_out(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on although it is not."""
    return Done(values, False)


LATCH = Kind(
    "latch",
    (
        Operation("count_down", about="latch.counting_down", done="latch.counted_down", phases=(Phase(count_down),)),
        Operation(
            "wait",
            ("timeout",),
            freed_by=("count_down",),
            writes=False,
            about="latch.waiting",
            done="latch.passed",
            phases=(Phase(wait, time_out, together=True),),
            adds={"value": BOOLEAN},
            false_if_late=True,
            waiting="waits for {object} to open",
            in_vain="waits for {object}, which nobody will open",
        ),
    ),
    attributes=("left",),
    initial=lambda options: options["start"],
    answers={"left": lambda value: value},
    in_words=lambda value, scene: f"{value} left" if value else "open",
)
'''
LATCH_OPTIONS = '''class Latch(Primitive):
    """Threads wait until it has been counted down to 0."""

    kind_name = "latch"
    start: int = Field(ge=0, description="how often it must be counted down")


'''
LATCH_STEPS = '''class CountDown(Step):
    """Count a latch down by 1."""

    verb = "count_down"
    short = "latch"
    latch: Ref = Field(description="the latch")


class Await(Step):
    """Wait until a latch has been counted down to 0."""

    verb = "await"
    short = "latch"
    latch: Ref = Field(description="the latch")
    timeout: OptionalTiming = Field(None, description="wait at most so long")
    into: Into = Field(None, description="takes false on a timeout")


'''
LATCH_LOWERED = '''@lowers(verbs.CountDown)
def count_down(w: Writer, step: verbs.CountDown, scope: Scope, path: str) -> None:
    """Counts a latch down."""
    _simple(w, step.latch, scope, ("latch",), step.verb, "count_down")


@lowers(verbs.Await)
def await_(w: Writer, step: verbs.Await, scope: Scope, path: str) -> None:
    """Waits for a latch."""
    target = w.operands.target(step.latch, scope, ("latch",), "await")
    if target is not None:
        w.operate("latch.wait", step, scope, target=target, arguments=(w.operands.timing(step.timeout, scope),))


'''
REAL_LATCH = '''"""Latches of a run on real threads."""

from __future__ import annotations

import threading
from typing import Any

from scenrun.execution.site import Site
from scenrun.execution.threads.context import Context
from scenrun.execution.threads.waiting import RealEvent


class RealLatch(RealEvent):
    """A count, and an event that is set once it is 0."""

    kind = "latch"

    def __init__(self, label: str, cell: int, options: dict[str, Any]) -> None:
        super().__init__(label, cell, {"initially": "clear" if options["start"] else "set"})
        self.left = options["start"]
        self._counting = threading.Lock()

    def count_down(self, me: Context, site: Site) -> None:
        """Counts down by 1."""
        with self._counting:
            self.left = max(0, self.left - 1)
            if not self.left:
                self.real.set()

    def wait(self, me: Context, site: Site, timeout: int | None) -> bool:
        """Waits until the count is 0; returns False after the timeout (in nanoseconds)."""
        since = me.publish("latch.wait", self, timeout, site)
        is_open = self.real.wait(None if timeout is None else timeout / 1e9)
        self.waited.add(me.resume(since))
        return is_open
'''
OPENED = """
sync: {gate: {latch: {start: 2}}}
state: {passed: 0}
threads:
  helper: {count: 2, do: [sleep: 1ms, count_down: gate]}
  waiter: {count: 2, do: [await: gate, {atomic: [set: {passed: passed + 1}]}]}
expect: {final: [gate.left == 0, passed == 2]}
"""
NEVER_OPENED = """
sync: {gate: {latch: {start: 2}}}
threads:
  helper: {do: [count_down: gate]}
  waiter: {do: [{await: {latch: gate, timeout: 1ms, into: _opened}}, {await: gate}]}
"""


@pytest.fixture(scope="module")
def latch(tmp_path_factory: pytest.TempPathFactory) -> Addition:
    """The package with latches."""
    added = Addition(tmp_path_factory.mktemp("latch"))
    added.make("program/primitives/latch.py", LATCH)
    registry = "program/primitives/registry.py"
    imported = "from scenrun.program.primitives.lock import LOCK\n"
    added.before(registry, imported, "from scenrun.program.primitives.latch import LATCH\n")
    added.after(registry, "ACTING_BARRIER, QUEUE, ", "LATCH, ")
    added.before("language/primitives.py", "class Queue(Primitive):\n", LATCH_OPTIONS)
    added.before(STEPS, "class Put(Step):\n", LATCH_STEPS)
    added.before(LOWERING, "@lowers(verbs.Put)\n", LATCH_LOWERED)
    added.after("language/expressions.py", 'ATTRIBUTE_QUESTIONS = ("n_waiting", ', '"left", ')
    added.make("execution/threads/latch.py", REAL_LATCH)
    real = "execution/threads/object_factory.py"
    imported = "from scenrun.execution.threads.locks import "
    added.before(real, imported, "from scenrun.execution.threads.latch import RealLatch\n")
    line = '            "barrier": lambda: RealBarrier(label, number, options),\n'
    added.after(real, line, '            "latch": lambda: RealLatch(label, number, options),\n')
    added.before("execution/simulator/object_factory.py", '"barrier": Waitable, ', '"latch": Waitable, ')
    return added


def test_a_primitive_is_added_at_the_places_that_the_page_names(latch: Addition) -> None:
    """Nine files with its verbs and its question."""
    assert latch.strays("Adding a primitive") == set()
    assert len(latch.touched) == 9


def test_a_primitive_that_is_added_runs_and_is_simulated(latch: Addition) -> None:
    """Its lines fit the schema, in both ways."""
    for way, lines in latch.logs_of(latch.scenario("opened", OPENED)):
        events = [line["event"] for line in lines if line["event"].startswith("latch.")]
        assert sorted(set(events)) == ["latch.counted_down", "latch.counting_down", "latch.passed", "latch.waiting"], (
            way
        )
        assert all(line["waited_s"] >= 0 and line["value"] for line in lines if line["event"] == "latch.passed")
        assert lines[-1]["verdict"] == "holds"


def test_a_deadlock_at_a_primitive_that_is_added_is_certain_on_real_threads(latch: Addition) -> None:
    """The detector knows who could free the waiter, and the simulator ends at once."""
    for way, lines in latch.logs_of(latch.scenario("never", NEVER_OPENED), status=1):
        assert lines[-1]["verdict"] == "deadlock", way
        (stuck,) = (one for one in lines[-1]["findings"][0]["threads"] if one["thread"] == "waiter")
        assert (stuck["operation"], stuck["object"]) == ("latch.wait", "gate")
        assert [line["value"] for line in lines if line["event"] == "latch.passed"] == [False]


def test_a_primitive_that_is_added_is_searched_and_its_counterexample_replayed(latch: Addition, tmp_path: Path) -> None:
    """All states of the good one hold, with and without reductions; the bad one's deadlock is told and shown again."""
    good, bad, schedule = (
        latch.scenario("opened", OPENED),
        latch.scenario("never", NEVER_OPENED),
        tmp_path / "schedule.json",
    )
    assert latch.verdict(good)["verdict"] == "holds"
    assert "holds" in latch.said("explore", good, "--reduction", "on")
    assert latch.verdict(bad, status=1, save=schedule)["verdict"] == "deadlock"
    assert "waits for gate, which nobody will open" in latch.said("explore", bad, status=1)
    assert latch.is_shown_again(schedule, "deadlock")
    page = tmp_path / "page.html"
    latch.said("report", schedule, "-o", page)
    assert "1 left" in page.read_text(encoding="utf-8")


def test_a_primitive_that_is_added_is_drawn_and_documented(latch: Addition) -> None:
    """Timeline, diagram, costs, schema and reference know it, and nobody has told them."""
    good = latch.scenario("opened", OPENED)
    assert "waiter[0]" in latch.said("timeline", good)
    assert re.search(r"helper.*->.*frees: waited for gate|frees.*gate", latch.said("trace", good, "--mermaid"))
    costly = latch.scenario("costly", OPENED + "costs: {count_down: 1s}\n")
    assert max(lines[-1]["elapsed_s"] for way, lines in latch.logs_of(costly) if way == "simulate") >= 1
    page = latch.reference()
    for part in ("### `latch`", "Can be asked: `left`.", "### `count_down`", "### `await`", "| `latch.passed` |"):
        assert part in page
    assert "latch" in str(latch.schema()["$defs"]["sync"])
