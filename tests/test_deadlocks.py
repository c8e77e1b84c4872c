"""A real run says `deadlock` when threads can never move again, says who waits for what, and never otherwise."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import scenrun
from scenrun.api import load_source
from scenrun.execution.threads.context import Context
from scenrun.execution.threads.detector import Detector
from scenrun.execution.threads.queues import RealSimpleQueue
from scenrun.execution.threads.run import Run
from scenrun.language.source import decode
from scenrun.report.results import RunResult


def run(text: str, **options: Any) -> RunResult:
    """Run a scenario given as text; far more time than any of them needs."""
    return scenrun.run(load_source(decode("scenario.yaml", text.encode())), time_limit=30, **options)


def line_of(text: str, thread: str) -> int:
    """The line that ends in `# thread`."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.endswith(f"# {thread}"))


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Iterator[None]:
    """Every real thread is gone when a run has ended."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.fixture(params=[0.005, 1e-6], ids=["calm", "hasty"])
def _interval(request: pytest.FixtureRequest) -> Iterator[None]:
    """CPython's switch interval: its own, and the shortest."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(request.param)
    yield
    sys.setswitchinterval(before)


Stuck = tuple[str, str | None, tuple[str, ...]]
"""An operation, its object, and who holds it."""

HANGS: dict[str, tuple[str, dict[str, Stuck]]] = {
    "a lock taken twice by one thread": (
        """
scenario: s
sync: {a: lock}
main:
  - acquire: a
  - acquire: a  # main
""",
        {"main": ("lock.acquire", "a", ("main",))},
    ),
    "a lock that began locked": (
        """
scenario: s
sync: {a: {lock: {initially: locked}}}
main:
  - with: a  # main
    do: []
""",
        {"main": ("lock.acquire", "a", ("nobody (it began locked)",))},
    ),
    "a lock held by a thread that has ended": (
        """
scenario: s
sync: {a: lock}
threads:
  taker:
    do: [{acquire: a}]
main:
  - start: taker
  - join: taker
  - acquire: a  # main
""",
        {"main": ("lock.acquire", "a", ("taker",))},
    ),
    "an rlock held by a thread that has ended": (
        """
scenario: s
sync: {a: rlock}
threads:
  taker:
    do: [{acquire: a}, {acquire: a}, {release: a}]
main:
  - start: taker
  - join: taker
  - acquire: a  # main
""",
        {"main": ("rlock.acquire", "a", ("taker",))},
    ),
    "two locks in opposite orders, and who joins them": (
        """
scenario: s
sync: {a: lock, b: lock, met: {barrier: {parties: 2}}}
threads:
  left:
    do:
      - acquire: a
      - wait: met
      - acquire: b  # left
  right:
    do:
      - acquire: b
      - wait: met
      - acquire: a  # right
main:
  - start: left
  - start: right
  - join: left  # main
""",
        {
            "left": ("lock.acquire", "b", ("right",)),
            "right": ("lock.acquire", "a", ("left",)),
            "main": ("thread.join", "left", ("left",)),
        },
    ),
    "two rlocks in opposite orders": (
        """
scenario: s
sync: {a: rlock, b: rlock, met: {barrier: {parties: 2}}}
threads:
  left:
    do:
      - acquire: a
      - wait: met
      - acquire: b  # left
main:
  - start: left
  - acquire: b
  - wait: met
  - acquire: a  # main
""",
        {"left": ("rlock.acquire", "b", ("main",)), "main": ("rlock.acquire", "a", ("left",))},
    ),
    "a semaphore without permits": (
        """
scenario: s
sync: {a: {semaphore: {value: 2}}}
main:
  - acquire: a
  - acquire: a
  - acquire: a  # main
""",
        {"main": ("semaphore.acquire", "a", ("main (last)",))},
    ),
    "a semaphore that began with none": (
        """
scenario: s
sync: {a: {semaphore: {value: 0}}}
main:
  - acquire: a  # main
""",
        {"main": ("semaphore.acquire", "a", ())},
    ),
    "a bounded semaphore after a release too many": (
        """
scenario: s
sync: {a: bounded_semaphore}
main:
  - try: [{release: a}]
    except: {ValueError: []}
  - acquire: a
  - acquire: a  # main
""",
        {"main": ("bounded_semaphore.acquire", "a", ("main (last)",))},
    ),
    "a condition whose wake-up came before the wait": (
        """
scenario: s
sync: {c: condition}
threads:
  early:
    do: [{with: c, do: [{notify: c}]}]
main:
  - start: early
  - join: early
  - with: c
    do:
      - wait: c  # main
""",
        {"main": ("condition.wait", "c", ())},
    ),
    "a condition that is asked again after each wake-up": (
        """
scenario: s
sync: {c: condition}
state: {ready: false}
threads:
  liar:
    do: [{sleep: 20ms}, {with: c, do: [{notify_all: c}]}]
main:
  - start: liar
  - with: c
    do:
      - wait_for: {condition: c, until: ready}  # main
""",
        {"main": ("condition.wait", "c", ())},
    ),
    "a waiter that cannot take its lock back": (
        """
scenario: s
sync: {a: lock, c: {condition: {lock: a}}}
threads:
  keeper:
    do: [{acquire: a}, {notify: c}]
main:
  - acquire: c
  - start: keeper
  - wait: c  # main
""",
        {"main": ("lock.acquire", "a", ("keeper",))},
    ),
    "a timed waiter that cannot take its rlock back": (
        """
scenario: s
sync: {c: condition, held: event}
threads:
  keeper:
    do: [{acquire: c}, {set_event: held}]
main:
  - acquire: c
  - start: keeper
  - wait: {condition: c, timeout: 300ms}  # main
""",
        {"main": ("rlock.acquire", "c.lock", ("keeper",))},
    ),
    "an event that nobody sets": (
        """
scenario: s
sync: {e: event}
main:
  - set_event: e
  - clear_event: e
  - wait: e  # main
""",
        {"main": ("event.wait", "e", ())},
    ),
    "a barrier short of one": (
        """
scenario: s
sync: {b: {barrier: {parties: 3}}}
threads:
  comer:
    do:
      - wait: b  # comer
main:
  - start: comer
  - wait: b  # main
""",
        {"comer": ("barrier.wait", "b", ()), "main": ("barrier.wait", "b", ())},
    ),
    "an empty queue": (
        """
scenario: s
sync: {q: queue}
main:
  - put: {queue: q, item: 1}
  - get: q
  - get: q  # main
""",
        {"main": ("queue.get", "q", ())},
    ),
    "a full queue": (
        """
scenario: s
sync: {q: {queue: {maxsize: 1}}}
main:
  - put: {queue: q, item: 1}
  - put: {queue: q, item: 2}  # main
""",
        {"main": ("queue.put", "q", ())},
    ),
    "an empty lifo queue": (
        """
scenario: s
sync: {q: {queue: {kind: lifo}}}
main:
  - get: q  # main
""",
        {"main": ("queue.get", "q", ())},
    ),
    "a full priority queue": (
        """
scenario: s
sync: {q: {queue: {kind: priority, maxsize: 2}}}
main:
  - for: i
    in: range(3)
    do:
      - put: {queue: q, item: i}  # main
""",
        {"main": ("queue.put", "q", ())},
    ),
    "an empty priority queue": (
        """
scenario: s
sync: {q: {queue: {kind: priority}}}
main:
  - get: q  # main
""",
        {"main": ("queue.get", "q", ())},
    ),
    "an empty simple queue": (
        """
scenario: s
sync: {q: {queue: {kind: simple}}}
main:
  - put: {queue: q, item: 1}
  - get: q
  - get: q  # main
""",
        {"main": ("simple_queue.get", "q", ())},
    ),
    "a queue whose items nobody has dealt with": (
        """
scenario: s
sync: {q: queue}
main:
  - put: {queue: q, item: 1}
  - get: q
  - join_queue: q  # main
""",
        {"main": ("queue.join", "q", ())},
    ),
    "two consumers and one sentinel": (
        """
scenario: s
sync: {q: queue}
threads:
  consumer:
    count: 2
    do:
      - get: {queue: q, into: item}
      - while: item is not None
        do:
          - get: {queue: q, into: item}
main:
  - start: consumer
  - put: {queue: q, item: null}
  - join: consumer
""",
        {},
    ),
    "two threads that join each other": (
        """
scenario: s
sync: {go: event}
threads:
  left:
    do:
      - wait: go
      - join: right  # left
  right:
    do:
      - wait: go
      - join: left  # right
main:
  - start: left
  - start: right
  - set_event: go
""",
        {"left": ("thread.join", "right", ("right",)), "right": ("thread.join", "left", ("left",))},
    ),
    "a spawned thread that waits for ever": (
        """
scenario: s
sync: {e: event}
behaviours:
  waits:
    do:
      - wait: e  # waits#0
main:
  - spawn: {target: waits, into: t}
  - join: t  # main
""",
        {"waits#0": ("event.wait", "e", ()), "main": ("thread.join", "waits#0", ("waits#0",))},
    ),
    "a timer whose behaviour waits for ever": (
        """
scenario: s
sync:
  e: event
  t: {timer: {after: 10ms, target: waits}}
behaviours:
  waits:
    do:
      - wait: e  # t
main:
  - start: t
  - join: t  # main
""",
        {"t": ("event.wait", "e", ()), "main": ("thread.join", "t", ("t",))},
    ),
    "a future whose task waits for ever": (
        """
scenario: s
sync: {e: event, p: {pool: {max_workers: 1}}}
behaviours:
  waits:
    do:
      - wait: e  # p#0
main:
  - submit: {pool: p, target: waits, into: f}
  - result: f  # main
""",
        {"p#0": ("event.wait", "e", ()), "main": ("future.result", "p#0", ("p#0",))},
    ),
    "a task that waits for one behind it in the same pool": (
        """
scenario: s
sync: {p: {pool: {max_workers: 1}}}
behaviours:
  inner: {do: []}
  outer:
    do:
      - submit: {pool: p, target: inner, into: f}
      - result: f  # p#0
main:
  - submit: {pool: p, target: outer, into: f}
  - result: f  # main
""",
        {
            "p#0": ("future.result", "p#1", ("p#1",)),
            "main": ("future.result", "p#0", ("p#0",)),
            "p#1": ("pool.worker", "p", ()),
        },
    ),
    "a pool whose shutdown waits for a stuck task": (
        """
scenario: s
sync: {e: event, p: {pool: {max_workers: 2}}}
behaviours:
  waits:
    do:
      - wait: e  # p#0
main:
  - submit: {pool: p, target: waits, into: _f}
  - shutdown: p  # main
""",
        {"p#0": ("event.wait", "e", ()), "main": ("pool.shutdown", "p", ("p#0",))},
    ),
    "a pool left by `with` while its task waits": (
        """
scenario: s
sync: {a: lock, p: {pool: {max_workers: 2}}}
behaviours:
  takes:
    do:
      - acquire: a  # p#0
main:
  - acquire: a
  - with: p  # main
    do:
      - submit: {pool: p, target: takes, into: _f}
""",
        {"p#0": ("lock.acquire", "a", ("main",)), "main": ("pool.shutdown", "p", ("p#0",))},
    ),
    "declared tasks that fill their pool and wait for one more": (
        """
scenario: s
sync: {p: {pool: {max_workers: 2}}, b: {barrier: {parties: 3}}}
threads:
  task:
    count: 3
    pool: p
    do:
      - wait: b
main:
  - start: task
  - join: task
""",
        {},
    ),
    "a `map` whose tasks wait for ever": (
        """
scenario: s
sync: {e: event, p: {pool: {max_workers: 2}}}
behaviours:
  waits:
    params: {i: {type: value}}
    do:
      - wait: e
      - return: i
main:
  - map: {pool: p, target: waits, over: range(3), as: i, into: results}
  - log: "{results}"
""",
        {},
    ),
}


@pytest.mark.usefixtures("_interval")
@pytest.mark.parametrize("name", HANGS)
def test_every_way_to_wait_for_ever_is_found(name: str) -> None:
    """The verdict is `deadlock`, and the run ends by itself."""
    result = run(HANGS[name][0])
    assert result.verdict == "deadlock"
    assert result.notes["not_ended"] == []
    assert {finding.kind for finding in result.findings} == {"deadlock"}


@pytest.mark.parametrize("name", [name for name, (_, stuck) in HANGS.items() if stuck])
def test_a_finding_names_each_thread_with_what_it_waits_for(name: str) -> None:
    """Thread, operation, object, holder, since when, and the line of the file."""
    text, expected = HANGS[name]
    seen = {s.thread: s for finding in run(text).findings for s in finding.threads}
    assert {thread: (s.operation, s.object, s.held_by) for thread, s in seen.items()} == expected
    for thread, stuck in seen.items():
        if stuck.operation == "pool.worker":
            continue
        assert stuck.line == line_of(text, thread)
        assert stuck.since_s is not None
        assert stuck.since_s >= 0
        assert stuck.state == "blocked"


SOUND: dict[str, str] = {
    "a sleeping thread will release the lock": """
scenario: s
sync: {a: lock, held: event}
threads: {holder: {do: [{acquire: a}, {set_event: held}, {sleep: 250ms}, {release: a}]}}
main:
  - start: holder
  - wait: held
  - acquire: a
""",
    "another thread than the holder may release a plain lock": """
scenario: s
sync: {a: lock}
threads: {other: {do: [{sleep: 250ms}, {release: a}]}}
main: [{acquire: a}, {start: other}, {acquire: a}]
""",
    "a thread in a timed wait may go on to set the event": """
scenario: s
sync: {e: event, never: event}
threads: {other: {do: [{wait: {event: never, timeout: 250ms}}, {set_event: e}]}}
main: [{start: other}, {wait: e}]
""",
    "a timed wait for a queue ends": """
scenario: s
sync: {q: queue}
main:
  - try: [{get: {queue: q, timeout: 250ms}}]
    except: {queue.Empty: []}
""",
    "a timer will put the item": """
scenario: s
sync: {q: queue, t: {timer: {after: 250ms, target: puts}}}
behaviours: {puts: {do: [{put: {queue: q, item: 1}}]}}
main: [{start: t}, {get: q}]
""",
    "a timed party breaks the barrier": """
scenario: s
sync: {b: {barrier: {parties: 3}}}
threads:
  timed: {do: [{try: [{wait: {barrier: b, timeout: 250ms}}], except: {threading.BrokenBarrierError: []}}]}
main:
  - start: timed
  - try: [{wait: b}]
    except: {threading.BrokenBarrierError: []}
""",
    "a thread that is started later notifies": """
scenario: s
sync: {c: condition}
threads:
  starter: {do: [{sleep: 250ms}, {start: notifier}]}
  notifier: {do: [{with: c, do: [{notify: c}]}]}
main: [{start: starter}, {with: c, do: [{wait: c}]}]
""",
    "a worker becomes free": """
scenario: s
sync: {p: {pool: {max_workers: 1}}}
behaviours: {naps: {do: [{sleep: 250ms}]}, quick: {do: []}}
main:
  - submit: {pool: p, target: naps, into: _a}
  - submit: {pool: p, target: quick, into: b}
  - result: b
""",
    "a task that has not begun will be cancelled": """
scenario: s
sync: {p: {pool: {max_workers: 1}}, e: event}
behaviours: {waits: {do: [{wait: e}]}, quick: {do: []}}
threads:
  canceller:
    do: [{sleep: 250ms}, {shutdown: {pool: p, wait: false, cancel_futures: true}}, {sleep: 50ms}, {set_event: e}]
main:
  - submit: {pool: p, target: waits, into: _a}
  - submit: {pool: p, target: quick, into: b}
  - start: canceller
  - try: [{result: b}]
    except: {concurrent.futures.CancelledError: []}
""",
    "a daemon that waits for ever is nobody's deadlock": """
scenario: s
sync: {q: queue, a: lock}
threads: {server: {daemon: true, count: 2, do: [{acquire: a}, {get: q}]}}
main: [{start: server}, {sleep: 200ms}]
""",
    "a daemon may free who is needed": """
scenario: s
sync: {e: event}
threads: {server: {daemon: true, do: [{sleep: 250ms}, {set_event: e}, {sleep: 60s}]}}
main: [{start: server}, {wait: e}]
""",
    "working threads are not stuck": """
scenario: s
sync: {e: event}
threads: {busy: {do: [{work: 250ms}, {set_event: e}]}}
main: [{start: busy}, {wait: e}]
""",
    "a reset frees who waits at a barrier": """
scenario: s
sync: {b: {barrier: {parties: 2}}}
threads: {resetter: {do: [{sleep: 250ms}, {reset: b}]}}
main:
  - start: resetter
  - try: [{wait: b}]
    except: {threading.BrokenBarrierError: []}
""",
    "a condition's wait gives its lock to who waits for it": """
scenario: s
sync: {c: condition}
threads: {other: {do: [{with: c, do: [{sleep: 200ms}, {notify: c}]}]}}
main: [{with: c, do: [{start: other}, {wait: c}]}]
""",
}


@pytest.mark.usefixtures("_interval")
@pytest.mark.parametrize("name", SOUND)
def test_who_can_still_be_freed_is_no_deadlock(name: str) -> None:
    """Somebody outside is left who may free those that wait, so nothing is found."""
    result = run(SOUND[name])
    assert [finding.message for finding in result.findings] == []
    assert result.notes["not_ended"] == []


PARTIAL = """
scenario: s
sync: {a: lock, b: lock, met: {barrier: {parties: 2}}}
state: {turns: 0}
threads:
  left: {do: [{acquire: a}, {wait: met}, {acquire: b}]}
  right: {do: [{acquire: b}, {wait: met}, {acquire: a}]}
  living: {do: [{repeat: 20, do: [{sleep: 50ms}, {set: {turns: turns + 1}}]}]}
main: [{start: left}, {start: right}, {start: living}, {join: living}, {log: done}, {join: left}]
"""


def test_a_deadlock_of_some_is_found_while_others_live_on() -> None:
    """The finding comes at once; the others come to their end; who waits for the stuck ones is found, too."""
    lines: list[dict[str, Any]] = []
    result = run(PARTIAL, log=lines.append)
    assert result.verdict == "deadlock"
    assert result.state["turns"] == 20
    assert [{s.thread for s in finding.threads} for finding in result.findings] == [{"left", "right"}, {"main"}]
    order = [line["event"] if line["event"] == "finding" else line.get("message") for line in lines]
    assert order.index("finding") < order.index("done")


COULD_STILL_RELEASE = """
scenario: s
sync: {a: lock}
threads:
  able: {do: [{sleep: 300ms}, {set: {free: false}}, {if: free, then: [{release: a}]}, {log: gone}]}
main: [{acquire: a}, {start: able}, {acquire: a}]
"""


def test_who_could_release_a_plain_lock_keeps_the_finding_back_until_it_is_gone() -> None:
    """Any thread may release a Lock: only after the last that has a `release` left is it certain."""
    lines: list[dict[str, Any]] = []
    assert run(COULD_STILL_RELEASE, log=lines.append).verdict == "deadlock"
    order = [line["event"] if line["event"] == "finding" else line.get("message") for line in lines]
    assert order.index("gone") < order.index("finding")


TWO_APART = """
scenario: s
sync: {e: event, f: event}
threads: {one: {do: [{wait: e}]}, two: {do: [{sleep: 250ms}, {wait: f}]}}
"""


def test_a_second_deadlock_is_listed_too() -> None:
    """All findings are listed, not only the first."""
    named = [s.thread for finding in run(TWO_APART).findings for s in finding.threads]
    assert sorted(named) == ["main", "one", "two"]


RESCUED = """
scenario: s
sync: {a: lock}
state: {done: false}
threads:
  left: {do: [{try: [{with: a, do: [{acquire: a}]}], except: {Exception: [{log: caught}]}, finally: [{log: cleaned},
    {set: {done: true}}]}]}
"""


def test_a_freed_thread_takes_no_further_step() -> None:
    """No `except`, `finally` or `with` of the scenario runs once a thread has been freed."""
    lines: list[dict[str, Any]] = []
    result = run(RESCUED, log=lines.append)
    assert result.verdict == "deadlock"
    assert not result.state["done"]
    assert [line for line in lines if line["event"] == "message"] == []


MANY = """
scenario: s
sync: {a: lock}
threads:
  waiter: {count: 100, do: [{acquire: a}]}
main: [{acquire: a}, {start: waiter}, {join: waiter}]
"""


def test_a_hundred_threads_on_one_lock_are_found_and_freed() -> None:
    """Every one is named, and none stays behind."""
    result = run(MANY)
    named = {s.thread for finding in result.findings for s in finding.threads}
    assert named == {"main", *(f"waiter[{i}]" for i in range(100))}


LIMIT = """
scenario: s
sync: {a: lock}
state: {turns: 0}
limits: {time: 300ms}
threads:
  hog: {count: 3, do: [{while: true, do: [{acquire: a}, {set: {turns: turns + 1}}, {release: a}]}]}
"""


@pytest.mark.usefixtures("_interval")
def test_a_limit_finds_nothing_but_itself() -> None:
    """Taking a run apart breaks locks under threads that still move; no fault of theirs is a finding."""
    loaded = load_source(decode("scenario.yaml", LIMIT.encode()))
    assert [finding.kind for finding in scenrun.run(loaded).findings] == ["incomplete"]


STALE = """
scenario: s
sync: {a: lock}
threads: {other: {do: [{sleep: 1s}, {release: a}, {sleep: 20s}]}}
main: [{acquire: a}, {start: other}, {acquire: a}]
"""


class Picture:
    """A run that stands still: main waits for the lock that it holds, the other sleeps before its release."""

    def __init__(self) -> None:
        program = load_source(decode("scenario.yaml", STALE.encode())).program
        self.run = Run(program, 0, 20)
        named = {getattr(made, "label", ""): made for made in self.run.objects}
        self.lock, self.main, self.other = named["a"], self.run.main, named["other"].context
        self.sites = {
            context: [site for site in self.run._compiled[context.code].sites if "." in site.op or site.op == "sleep"]
            for context in (self.main, self.other)
        }
        self.run.enlist(self.main)
        self.run.enlist(self.other)
        self.lock.acquire(self.main, self.sites[self.main][0], None, True)
        self.main.publish("lock.acquire", self.lock, None, self.sites[self.main][2])
        self.other.publish("sleep", None, 1, self.sites[self.other][0])

    def move_on(self) -> None:
        """The other goes on to its last sleep."""
        self.other.publish("sleep", None, 1, self.sites[self.other][2])


def test_a_thread_that_sleeps_before_its_release_may_free_others() -> None:
    """Nothing is found before its place is past the release; then it is."""
    picture = Picture()
    assert Detector(picture.run).deadlocked() == []
    picture.move_on()
    assert [context.name for context, _ in Detector(picture.run).deadlocked()] == ["main"]


def test_what_happens_while_the_detector_looks_raises_no_alarm() -> None:
    """The other releases and goes on between the two looks; main has not woken yet, and is free all the same."""
    picture = Picture()

    class Interrupted(Detector):
        def _left(self, context: Context) -> int:
            if picture.lock.locked():
                picture.lock.release(picture.other, picture.sites[picture.other][1])
                picture.move_on()
            return super()._left(context)

    assert Interrupted(picture.run).deadlocked() == []


def test_a_thread_started_while_the_detector_looks_raises_no_alarm() -> None:
    """It may free anybody; the picture does not have it."""
    picture = Picture()
    picture.move_on()

    class Interrupted(Detector):
        def _left(self, context: Context) -> int:
            picture.run.enlist(picture.run.new_context("late", "late", 0, picture.other.code))
            return super()._left(context)

    assert Interrupted(picture.run).deadlocked() == []


def test_a_thread_that_has_its_item_no_longer_waits_when_the_item_is_counted() -> None:
    """Otherwise an empty queue whose items are all accounted for would look like a wait without end."""
    picture = Picture()
    made = RealSimpleQueue("q", 0)
    made.put(picture.other, picture.sites[picture.other][1], 1, None, True)
    waits = []

    class Counted:
        def add(self) -> None:
            waits.append(picture.main.wait)

    made.gets = Counted()  # type: ignore[assignment]
    assert made.get(picture.main, picture.sites[picture.main][2], None, True) == 1
    assert waits == [None]
