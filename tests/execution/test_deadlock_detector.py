"""What is no deadlock, and what the detector says of some threads while others live on; afterwards everybody is freed."""

from __future__ import annotations

from typing import Any

import pytest
from deadlocked_runs import _interval, _nobody_is_left, line_of, run  # noqa: F401

import scenrun
from scenrun.execution.threads.context import Context
from scenrun.execution.threads.deadlock_detector import Detector
from scenrun.execution.threads.queues import RealSimpleQueue
from scenrun.execution.threads.run import Run
from scenrun.language.source import decode
from scenrun.program.loaded import load_source

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
