"""Spans of a log: what each thread did and waited for, what it held, and who let it go on."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from shipped import shipped

import scenrun
from scenrun.trace.analysis.spans import Span, Spans, spans_of

FOLDER = Path(__file__).parents[2] / "scenarios"
SHIPPED = sorted(FOLDER.rglob("*.yaml"))
Log = list[dict[str, Any]]


def log_of(text: str, way: str = "simulate") -> Log:
    """The debug log of a scenario."""
    import yaml

    events: Log = []
    getattr(scenrun, way)({"scenario": "one", **yaml.safe_load(text)}, level="debug", log=events.append)
    return json.loads(json.dumps(events, default=str))


def of(log: Log, **wanted: Any) -> list[Span]:
    """The spans that have these attributes."""
    return [s for s in spans_of(log) if all(getattr(s, name) == value for name, value in wanted.items())]


def line(event: str, thread: str, at: float, seq: int, **more: Any) -> dict[str, Any]:
    """One line of a log made by hand."""
    return {"event": event, "thread": thread, "elapsed_s": at, "seq": seq, "run": "r", **more}


def started(**more: Any) -> dict[str, Any]:
    """The first line of a log made by hand."""
    return {"event": "run.started", "elapsed_s": 0.0, "seq": 0, "run": "r", "log_level": "debug", **more}


BOUNDED = """
sync: {q: {queue: {maxsize: 1}}}
threads:
  put: {do: [{repeat: 3, do: [{put: {queue: q, item: 7}}]}]}
  take: {do: [{repeat: 3, do: [{sleep: 10ms}, {get: {queue: q, into: _x}}]}]}
"""


def test_a_wait_is_as_long_as_its_line_says() -> None:
    """A waiting span ends with the line that the operation is done, and is as long as `waited_s`."""
    log = log_of(BOUNDED)
    waits = {s.end_seq: s for s in of(log, what="waiting")}
    told = [e for e in log if e.get("waited_s")]
    assert {e["seq"] for e in told} == set(waits)
    for event in told:
        span = waits[event["seq"]]
        assert span.seconds == pytest.approx(event["waited_s"])
        assert (span.thread, span.object, span.line) == (event["thread"], event.get("object"), event["line"])


def test_room_in_a_full_queue_was_made_by_who_took_an_item() -> None:
    """Every put that waited was let go on by a get before it, each get by one put at the most."""
    log = log_of(BOUNDED)
    puts = of(log, op="queue.put")
    assert len(puts) == 2
    got = [e["seq"] for e in log if e["event"] == "queue.got"]
    assert [s.by.seq for s in puts if s.by] == got[:2]


TWO_PUTTERS = """
sync: {q: queue, done: event}
threads:
  early: {do: [{sleep: 1ms}, {put: {queue: q, item: 1}}]}
  late: {do: [{sleep: 2ms}, {put: {queue: q, item: 2}}]}
  slow: {do: [{sleep: 5ms}, {set_event: done}]}
  taker: {count: 2, do: [{get: {queue: q, into: _x}}, {wait: done}]}
"""


def test_who_got_an_item_was_let_go_on_by_who_put_it() -> None:
    """Two wait for items and get them from two threads, each from the one whose item it is."""
    log = log_of(TWO_PUTTERS)
    gets = sorted(of(log, op="queue.get"), key=lambda s: s.end_s)
    assert [s.by.thread for s in gets if s.by] == ["early", "late"]
    assert {s.by.thread for s in of(log, op="event.wait") if s.by} == {"slow"}


def test_a_stack_gives_the_newest_item() -> None:
    """The item that a lifo queue gives was put last; a priority queue gives by value."""
    log = log_of("""
sync: {s: {queue: {kind: lifo}}, p: {queue: {kind: priority}}}
threads:
  a: {do: [{put: {queue: s, item: 1}}, {put: {queue: p, item: 9}}, {sleep: 5ms}, {put: {queue: s, item: 3}}]}
  b: {do: [{sleep: 1ms}, {put: {queue: s, item: 2}}, {put: {queue: p, item: 4}}]}
""")
    from scenrun.trace.analysis.items import Items

    stack, heap = Items("lifo"), Items("priority")
    for event in log:
        if event["event"] == "queue.put":
            (stack if event["object"] == "s" else heap).put({**event, "value": event.get("value")})
    for wanted in (3, 2, 1):
        found = stack.got(line("queue.got", "x", 1.0, 99, value=wanted))
        assert found is not None
        assert found.thread == {3: "a", 2: "b", 1: "a"}[wanted]
    assert heap.got(line("queue.got", "x", 1.0, 99, value=4)).thread == "b"  # type: ignore[union-attr]
    assert (len(stack), len(heap)) == (0, 1)


@pytest.mark.parametrize("values", [(7, 7), (1, 2)])
def test_a_queue_gives_the_oldest_item(values: tuple[int, int]) -> None:
    """The first put is the first got, also where both items are the same."""
    from scenrun.trace.analysis.items import Items

    items = Items("fifo")
    for seq, (who, value) in enumerate(zip(("early", "late"), values, strict=True)):
        items.put(line("queue.put", who, seq / 10, seq, value=value))
    found = [items.got(line("queue.got", "taker", 1.0, 5, value=value)) for value in values]
    assert [cause.thread for cause in found if cause] == ["early", "late"]


def test_a_get_whose_line_came_before_the_put_is_owed_it() -> None:
    """On real threads the lines may stand the other way round than the steps."""
    from scenrun.trace.analysis.items import Items

    items = Items("fifo")
    assert items.got(line("queue.got", "taker", 0.1, 5, value=1)) is None
    owed = items.put(line("queue.put", "putter", 0.2, 6, value=1))
    assert owed is not None
    assert owed.thread == "taker"
    assert len(items) == 0


def test_a_notify_lets_the_first_in_line_go_on() -> None:
    """Of two that wait on a condition, each is let go on by the thread whose notify was its own."""
    log = log_of("""
sync: {c: condition}
threads:
  first: {do: [{with: c, do: [{wait: c}]}]}
  second: {start_after: 1ms, do: [{with: c, do: [{wait: c}]}]}
  one: {start_after: 2ms, do: [{with: c, do: [{notify: c}]}]}
  two: {start_after: 2ms, do: [{with: c, do: [{notify: c}]}]}
""")
    waits = {s.thread: s.by.thread for s in of(log, op="condition.wait") if s.by}
    notified = [e["thread"] for e in log if e["event"] == "condition.notifying"]
    assert [waits["first"], waits["second"]] == notified


def test_a_lock_is_not_held_while_its_holder_waits_on_a_condition() -> None:
    """The hold ends where the wait begins, and begins again where it is over."""
    log = log_of("""
sync: {g: lock, c: {condition: {lock: g}}}
threads:
  waiter: {do: [{with: c, do: [{wait: {condition: c, timeout: 5ms, into: _ok}}, {sleep: 1ms}]}]}
""")
    before, after = of(log, what="holding")
    wait = of(log, op="condition.wait")[0]
    assert before.end_s <= wait.begin_s
    assert after.begin_s == wait.end_s
    assert after.seconds == pytest.approx(0.001, abs=1e-4)
    assert wait.ended == "timed_out"
    assert wait.by is None


def test_a_barrier_is_opened_by_who_came_last_also_in_the_second_round() -> None:
    """In every round the last one to come lets the others go on."""
    log = log_of("""
sync: {b: {barrier: {parties: 2}}}
threads:
  quick: {do: [{repeat: 3, do: [{wait: b}]}]}
  slow: {do: [{repeat: 3, do: [{sleep: 1ms}, {wait: b}]}]}
""")
    waits = of(log, op="barrier.wait")
    assert [(s.thread, s.by.thread) for s in waits if s.by] == [("quick", "slow")] * 3


def test_a_permit_was_given_back_by_the_one_who_had_it_longest() -> None:
    """Two permits, three threads: the third goes on when the first one has released, not the second."""
    log = log_of("""
sync: {s: {semaphore: {value: 2}}}
threads:
  a: {do: [{acquire: s}, {sleep: 1ms}, {release: s}]}
  b: {do: [{acquire: s}, {sleep: 2ms}, {release: s}]}
  c: {start_after: 500us, do: [{acquire: s}, {release: s}]}
""")
    assert [s.by.thread for s in of(log, op="semaphore.acquire") if s.by] == ["a"]


def test_a_task_is_queued_until_a_worker_is_free() -> None:
    """The second task of one worker is in line while the first one runs, and its result is awaited until it has ended."""
    log = log_of("""
sync: {p: {pool: {max_workers: 1}}}
behaviours: {t: {do: [{sleep: 3ms}]}}
main: [{submit: {pool: p, target: t, into: a}}, {submit: {pool: p, target: t, into: b}}, {result: {future: b}}, {result: {future: a}}]
threads: {}
""")
    first, second = sorted(of(log, what="queued"), key=lambda s: s.end_s)
    assert (first.thread, second.thread) == ("p#0", "p#1")
    assert second.seconds == pytest.approx(0.003, abs=1e-3)
    assert [s.by.thread for s in of(log, op="future.result") if s.by] == ["p#1"]


def test_a_deadlock_ends_in_waits_that_are_cut_off() -> None:
    """Who waits for ever waits until the end of the log, and what is held is held until then."""
    log = log_of("""
sync: {a: lock, b: lock}
threads:
  x: {do: [{acquire: a}, {sleep: 1ms}, {acquire: b}]}
  y: {do: [{acquire: b}, {sleep: 1ms}, {acquire: a}]}
expect: {verdict: deadlock}
""")
    end = log[-1]["elapsed_s"]
    waits = list(of(log, op="lock.acquire", ended="cut_off"))
    assert {(s.thread, s.object) for s in waits} == {("x", "b"), ("y", "a")}
    held = of(log, what="holding", ended="cut_off")
    assert {(s.thread, s.object) for s in held} == {("x", "a"), ("y", "b")}
    assert all(s.end_s == pytest.approx(end, abs=1e-5) for s in held)


def test_an_operation_that_failed_waited_until_then() -> None:
    """A get that gave up has waited for its time-out, and says that it ended with a fault."""
    log = log_of("""
sync: {q: queue}
threads: {t: {do: [{try: [{get: {queue: q, timeout: 4ms}}], except: {queue.Empty: []}}]}}
""")
    (span,) = of(log, op="queue.get")
    assert (span.ended, span.by) == ("fault", None)
    assert span.seconds == pytest.approx(0.004, abs=1e-5)


def test_a_lock_that_another_one_has_by_now_was_given_back_before() -> None:
    """The line `lock.released` may come after the next holder's `lock.acquired`: no two hold it at a time."""
    log = [
        started(objects=[{"name": "g", "kind": "lock"}]),
        line("lock.acquired", "a", 0.1, 1, object="g", acquired=True, waited_s=0.0),
        line("lock.releasing", "a", 0.2, 2, object="g"),
        line("lock.acquired", "b", 0.3, 3, object="g", acquired=True, waited_s=0.15),
        line("lock.released", "a", 0.4, 4, object="g", held_s=0.1),
        line("lock.releasing", "b", 0.5, 5, object="g"),
        line("lock.released", "b", 0.6, 6, object="g", held_s=0.2),
    ]
    a, b = of(log, what="holding")
    assert (a.thread, a.begin_s, b.thread, b.begin_s) == ("a", 0.1, "b", 0.3)
    assert a.end_s <= b.begin_s
    assert b.end_s == 0.5
    (wait,) = of(log, what="waiting")
    assert wait.by is not None
    assert (wait.by.thread, wait.by.seq) == ("a", 2)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_of_every_scenario_spans_do_not_overlap_and_locks_have_one_holder(path: Path) -> None:
    """A thread does one thing at a time, within its life; and nobody holds a lock that another one holds."""
    log: Log = []
    scenrun.simulate(shipped(path), level="debug", log=log.append, time_limit=5)
    spans = spans_of(json.loads(json.dumps(log, default=str)))
    lives = {s.thread: s for s in spans if s.what == "alive"}
    doing = [s for s in spans if s.what in ("sleeping", "working", "waiting", "calling")]
    for thread, life in lives.items():
        mine = sorted((s for s in doing if s.thread == thread), key=lambda s: (s.begin_s, s.end_s))
        assert all(s.begin_s >= life.begin_s - 1e-9 and s.end_s <= life.end_s + 1e-9 for s in mine)
        assert all(a.end_s <= b.begin_s + 1e-9 for a, b in itertools.pairwise(mine))
    kinds = {one["name"]: one["kind"] for one in log[0]["objects"]}
    held: dict[str, list[Span]] = {}
    for s in spans:
        if s.what == "holding" and kinds.get(str(s.object).partition("[")[0]) in ("lock", "rlock"):
            held.setdefault(str(s.object), []).append(s)
    for of_one in held.values():
        of_one.sort(key=lambda s: (s.begin_s, s.end_s))
        assert all(a.end_s <= b.begin_s + 1e-9 for a, b in itertools.pairwise(of_one))


def test_what_is_kept_does_not_grow_with_the_log() -> None:
    """After a hundred times as many turns of the same loop, as much is kept as after one."""
    spans, sizes = Spans(lambda span: None), []
    spans.take(started(objects=[{"name": "q", "kind": "fifo", "maxsize": 2}, {"name": "g", "kind": "lock"}]))
    seq = 0
    for turn in range(2_000):
        for name, more in (
            ("queue.putting", {"object": "q"}), ("queue.put", {"object": "q", "size": 1, "waited_s": 0.0, "value": turn}),
            ("lock.acquiring", {"object": "g"}), ("lock.acquired", {"object": "g", "acquired": True, "waited_s": 0.0}),
            ("lock.releasing", {"object": "g"}), ("lock.released", {"object": "g", "held_s": 0.0}),
            ("queue.getting", {"object": "q"}), ("queue.got", {"object": "q", "size": 0, "waited_s": 0.0, "value": turn}),
        ):  # fmt: skip
            seq += 1
            spans.take(line(name, "t", seq / 1000, seq, **more))
        if turn in (20, 1_999):
            sizes.append(size_of(spans))
    assert sizes[0] == sizes[1]


def size_of(thing: Any, seen: set[int] | None = None) -> int:
    """How many objects hang on one: an upper bound of what it keeps."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, int | float | str | type(None)) or callable(thing):
        return 0
    seen.add(id(thing))
    if isinstance(thing, dict):
        inner: Any = [*thing.values()]
    elif hasattr(thing, "__dict__") or hasattr(thing, "__slots__"):
        inner = [
            getattr(thing, name, None) for name in (*getattr(thing, "__slots__", ()), *getattr(thing, "__dict__", ()))
        ]
    else:
        inner = list(thing) if hasattr(thing, "__iter__") else []
    return 1 + sum(size_of(one, seen) for one in inner)


def test_a_thread_that_fails_has_ended() -> None:
    """An exception that leaves a thread ends its life, and lets go on whoever waits for its end."""
    log = log_of(
        """
        state: {x: 0}
        threads:
          worker: {do: [{sleep: 10ms}, {assert: x == 1}]}
          idler: {do: [{sleep: 50ms}]}
        """
    )
    (failed,) = [e for e in log if e["event"] == "thread.failed"]
    (life,) = of(log, what="alive", thread="worker")
    assert (life.end_s, life.ended) == (failed["elapsed_s"], "fault")
    (join,) = of(log, what="waiting", object="worker")
    assert join.by is not None
    assert join.by.seq == failed["seq"]


def test_waiting_on_a_condition_of_an_array_gives_its_own_lock_up() -> None:
    """The lock `c.lock[1]` of `c[1]` is not held while its holder waits."""
    log = log_of(
        """
        sync: {c: {condition: {count: 2}}}
        threads:
          waiter: {do: [{with: "c[1]", do: [{wait: {condition: "c[1]", timeout: 5ms, into: _ok}}, {sleep: 1ms}]}]}
        """
    )
    (wait,) = of(log, op="condition.wait")
    first, second = sorted(of(log, what="holding"), key=lambda s: s.begin_s)
    assert {first.object, second.object} == {"c.lock[1]"}
    assert (first.end_seq, second.begin_seq) == (wait.begin_seq, wait.end_seq)
    assert second.begin_s == wait.end_s
