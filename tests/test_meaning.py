"""A step on real threads means what the same call means in CPython, and the language's own words mean what they say."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from this_python import told_by_python

import scenrun
from scenrun.api import load_source
from scenrun.language.source import decode
from scenrun.report.results import RunResult


def run(text: str, **options: Any) -> tuple[RunResult, list[str]]:
    """Run a scenario given as text; its result and its messages."""
    lines: list[dict[str, Any]] = []
    source = decode("scenario.yaml", f"scenario: s\n{textwrap.dedent(text)}".encode())
    result = scenrun.run(load_source(source), log=lines.append, **{"time_limit": 30, **options})
    assert result.notes["not_ended"] == []
    return result, [line["message"] for line in lines if line["event"] == "message"]


Cases = dict[str, tuple[str, list[str]]]
"""A claim, a scenario, and the messages that it logs in this order."""


def holds(cases: Cases, claim: str) -> None:
    """The scenario logs what the claim says, and nothing is found."""
    text, expected = cases[claim]
    result, said = run(text)
    assert said == expected
    assert [finding.message for finding in result.findings] == []


LOCKS: Cases = {
    "any thread may release a lock": (
        """
        sync: {a: lock}
        threads: {other: {do: [{release: a}]}}
        main: [{acquire: a}, {start: other}, {join: other}, {log: "{a.locked()}"}]
        """,
        ["False"],
    ),
    "releasing an unlocked lock is a RuntimeError": (
        """
        sync: {a: lock}
        main: [{try: [{release: a}], except: {RuntimeError: [{log: refused}]}}, {acquire: a}, {log: "{a.locked()}"}]
        """,
        ["refused", "True"],
    ),
    "a lock may begin locked, and be released by anybody": (
        """
        sync: {a: {lock: {initially: locked}}}
        main: [{log: "{a.locked()}"}, {release: a}, {log: "{a.locked()}"}]
        """,
        ["True", "False"],
    ),
    "a lock is not reentrant": (
        """
        sync: {a: lock}
        main:
          - acquire: a
          - acquire: {lock: a, blocking: false, into: first}
          - acquire: {lock: a, timeout: 1ms, into: second}
          - log: "{first} {second}"
        """,
        ["False False"],
    ),
    "an acquisition that does not wait says whether it was one": (
        """
        sync: {a: lock}
        main: [{acquire: {lock: a, blocking: false, into: got}}, {log: "{got}"}, {acquire: {lock: a, timeout: 0s,
          into: got}}, {log: "{got}"}]
        """,
        ["True", "False"],
    ),
    "only its owner may release an rlock": (
        """
        sync: {a: rlock}
        threads: {other: {do: [{try: [{release: a}], except: {RuntimeError: [{log: refused}]}}]}}
        main: [{acquire: a}, {start: other}, {join: other}, {release: a}, {log: released}]
        """,
        ["refused", "released"],
    ),
    "an rlock is free after as many releases as acquisitions": (
        """
        sync: {a: rlock}
        threads: {other: {count: 2, do: [{acquire: {lock: a, blocking: false, into: got}}, {log: "{got}"}, {if: got,
          then: [{release: a}]}]}}
        main:
          - acquire: a
          - acquire: a
          - release: a
          - start: other[0]
          - join: other[0]
          - release: a
          - start: other[1]
          - join: other[1]
          - try: [{release: a}]
            except: {RuntimeError: [{log: refused}]}
        """,
        ["False", "True", "refused"],
    ),
    "`with` gives back on every way out": (
        """
        sync: {a: lock}
        behaviours: {leaves: {do: [{with: a, do: [{return: 7}]}]}}
        main:
          - repeat: 1
            do: [{with: a, do: [{break: null}]}]
          - log: "{a.locked()}"
          - try: [{with: a, do: [{raise: "ValueError: no"}]}]
            except: {ValueError: [{log: "{a.locked()} {error}"}]}
          - run: {target: leaves, into: x}
          - log: "{a.locked()} {x}"
        """,
        ["False", "False no", "False 7"],
    ),
    "`with` releases the very lock that it took": (
        """
        sync: {a: {lock: {count: 2}}}
        main: [{set: {i: 0}}, {with: "a[i]", do: [{set: {i: 1}}]}, {log: "{a[0].locked()} {a[i].locked()}"}]
        """,
        ["False False"],
    ),
    "leaving `with` after someone else released is a RuntimeError": (
        """
        sync: {a: lock}
        main: [{try: [{with: a, do: [{release: a}]}], except: {RuntimeError: [{log: refused}]}}]
        """,
        ["refused"],
    ),
}


@pytest.mark.parametrize("claim", LOCKS)
def test_locks_mean_what_they_mean_in_python(claim: str) -> None:
    """Lock and RLock, corner by corner."""
    holds(LOCKS, claim)


SEMAPHORES: Cases = {
    "a semaphore counts past its beginning": (
        """
        sync: {s: {semaphore: {value: 0}}}
        main:
          - release: {lock: s, n: 2}
          - acquire: s
          - acquire: s
          - acquire: {lock: s, blocking: false, into: got}
          - log: "{got}"
        """,
        ["False"],
    ),
    "a bounded semaphore refuses a release too many": (
        """
        sync: {s: {bounded_semaphore: {value: 2}}}
        main:
          - try: [{release: s}]
            except: {ValueError: [{log: refused}]}
          - acquire: s
          - try: [{release: {lock: s, n: 2}}]
            except: {ValueError: [{log: refused}]}
          - acquire: {lock: s, blocking: false, into: got}
          - acquire: {lock: s, timeout: 1ms, into: more}
          - log: "{got} {more}"
        """,
        ["refused", "refused", "True False"],
    ),
    "a release of none is a ValueError": (
        """
        sync: {s: semaphore}
        main: [{try: [{release: {lock: s, n: 0}}], except: {ValueError: [{log: refused}]}}]
        """,
        ["refused"],
    ),
    "another thread may release what one acquired": (
        """
        sync: {s: bounded_semaphore}
        threads: {other: {do: [{release: s}]}}
        main: [{acquire: s}, {start: other}, {acquire: s}, {log: again}]
        """,
        ["again"],
    ),
    "`with` takes one permit and gives it back": (
        """
        sync: {s: {bounded_semaphore: {value: 1}}}
        main: [{with: s, do: [{acquire: {lock: s, blocking: false, into: got}}]}, {with: s, do: [{log: "{got}"}]}]
        """,
        ["False"],
    ),
}


@pytest.mark.parametrize("claim", SEMAPHORES)
def test_semaphores_mean_what_they_mean_in_python(claim: str) -> None:
    """Semaphore and BoundedSemaphore, corner by corner."""
    holds(SEMAPHORES, claim)


CONDITIONS: Cases = {
    "`wait` and `notify` without the lock are RuntimeErrors": (
        """
        sync: {c: condition}
        main:
          - try: [{wait: c}]
            except: {RuntimeError: [{log: refused}]}
          - try: [{notify: c}]
            except: {RuntimeError: [{log: refused}]}
          - try: [{notify_all: c}]
            except: {RuntimeError: [{log: refused}]}
        """,
        ["refused", "refused", "refused"],
    ),
    "an rlock of another's does not count as held": (
        """
        sync: {c: condition}
        threads: {other: {do: [{try: [{notify: c}], except: {RuntimeError: [{log: refused}]}}]}}
        main: [{with: c, do: [{start: other}, {join: other}]}]
        """,
        ["refused"],
    ),
    "over a plain lock only a free lock is refused": (
        """
        sync: {a: lock, c: {condition: {lock: a}}}
        threads: {other: {do: [{notify: c}, {log: allowed}]}}
        main:
          - try: [{notify: c}]
            except: {RuntimeError: [{log: refused}]}
          - acquire: a
          - start: other
          - join: other
        """,
        ["refused", "allowed"],
    ),
    "a condition's lock is the lock that it shares": (
        """
        sync: {a: lock, c: {condition: {lock: a}}, d: {condition: {lock: a}}}
        main:
          - acquire: c
          - log: "{a.locked()}"
          - notify: d
          - release: d
          - log: "{a.locked()}"
        """,
        ["True", "False"],
    ),
    "its own lock is reentrant, and `wait` gives all of it back": (
        """
        sync: {c: condition}
        threads: {other: {do: [{with: c, do: [{log: in}, {notify: c}]}]}}
        main: [{with: c, do: [{with: c, do: [{start: other}, {wait: {condition: c, into: woken}}, {log: "{woken}"}]}]},
          {acquire: c}, {release: c}]
        """,
        ["in", "True"],
    ),
    "waiters wake in the order in which they came": (
        """
        sync: {c: condition}
        state: {waiting: 0, woken: 0}
        threads:
          waiter:
            count: 4
            do: [{with: c, do: [{set: {waiting: waiting + 1}}, {wait: c}, {log: "{index}"}, {set: {woken: woken + 1}}]}]
        main:
          - for: i
            in: "[2, 0, 3, 1]"
            do:
              - set: {before: waiting}
              - start: waiter[i]
              - while: waiting == before
                do: [{sleep: 1ms}]
              - with: c
                do: []
          - for: i
            in: range(4)
            do:
              - with: c
                do: [{notify: c}]
              - while: woken == i
                do: [{sleep: 1ms}]
        """,
        ["2", "0", "3", "1"],
    ),
    "`notify` wakes as many as it says": (
        """
        sync: {c: condition}
        state: {waiting: 0, woken: 0}
        threads: {waiter: {count: 3, do: [{with: c, do: [{set: {waiting: waiting + 1}}, {wait: c},
          {set: {woken: woken + 1}}]}]}}
        main:
          - start: waiter
          - while: waiting < 3
            do: [{sleep: 1ms}]
          - with: c
            do: [{notify: {condition: c, n: 2}}]
          - while: woken < 2
            do: [{sleep: 1ms}]
          - sleep: 20ms
          - log: "{woken}"
          - with: c
            do: [{notify: {condition: c, n: 0}}]
          - sleep: 20ms
          - log: "{woken}"
          - with: c
            do: [{notify_all: c}]
        """,
        ["2", "2"],
    ),
    "a wait that times out gives false and has its lock again": (
        """
        sync: {a: lock, c: {condition: {lock: a}}}
        main: [{with: c, do: [{wait: {condition: c, timeout: 1ms, into: woken}}, {log: "{woken} {a.locked()}"}]}]
        """,
        ["False True"],
    ),
    "a notification before the wait is lost": (
        """
        sync: {c: condition}
        main: [{with: c, do: [{notify: c}, {wait: {condition: c, timeout: 1ms, into: woken}}, {log: "{woken}"}]}]
        """,
        ["False"],
    ),
    "`wait_for` gives the predicate's value and does not wait where it is true": (
        """
        sync: {c: condition}
        state: {items: [5]}
        main:
          - wait_for: {condition: c, until: items, timeout: 0s, into: found}
          - with: c
            do:
              - wait_for: {condition: c, until: len(items) > 1, timeout: 0s, into: more}
              - wait_for: {condition: c, until: len(items) > 1, timeout: 1ms, into: still}
          - log: "{found} {more} {still}"
        """,
        ["[5] False False"],
    ),
    "`wait_for` asks again after each wake-up": (
        """
        sync: {c: condition}
        state: {n: 0}
        threads: {counter: {do: [{repeat: 3, do: [{with: c, do: [{set: {n: n + 1}}, {notify: c}]}, {sleep: 5ms}]}]}}
        main: [{with: c, do: [{start: counter}, {wait_for: {condition: c, until: n == 3, into: done}},
          {log: "{n} {done}"}]}]
        """,
        ["3 True"],
    ),
    "a `wait_for` without the lock raises once it has to wait": (
        """
        sync: {c: condition}
        state: {ready: false}
        main: [{try: [{wait_for: {condition: c, until: ready}}], except: {RuntimeError: [{log: refused}]}}]
        """,
        ["refused"],
    ),
    "a notification between a time-out and the way back is used up": (
        """
        sync: {a: lock, c: {condition: {lock: a}}}
        state: {waiting: 0}
        threads:
          timed: {do: [{with: c, do: [{set: {waiting: waiting + 1}}, {wait: {condition: c, timeout: 200ms,
            into: woken}}, {log: "{woken}"}]}]}
          second: {do: [{with: c, do: [{set: {waiting: waiting + 1}}, {wait: c}, {log: second}]}]}
        main:
          - start: timed
          - while: waiting < 1
            do: [{sleep: 1ms}]
          - start: second
          - while: waiting < 2
            do: [{sleep: 1ms}]
          - with: c
            do: [{sleep: 500ms}, {notify: c}]
          - join: timed
          - sleep: 30ms
          - log: not yet
          - with: c
            do: [{notify: c}]
        """,
        ["False", "not yet", "second"],
    ),
}


@pytest.mark.parametrize("claim", CONDITIONS)
def test_conditions_mean_what_they_mean_in_python(claim: str) -> None:
    """Condition over a lock, a shared lock and its own rlock, corner by corner."""
    holds(CONDITIONS, claim)


EVENTS_AND_BARRIERS: Cases = {
    "setting and then clearing an event wakes everyone who waited": (
        """
        sync: {e: event, met: {barrier: {parties: 4}}}
        threads: {waiter: {count: 3, do: [{wait: met}, {wait: {event: e, into: was_set}}, {log: "{was_set}"}]}}
        main: [{start: waiter}, {wait: met}, {sleep: 400ms}, {set_event: e}, {clear_event: e}, {join: waiter},
          {log: "{e.is_set()}"}]
        """,
        ["True", "True", "True", "False"],
    ),
    "a wait for an event tells whether it was set": (
        """
        sync: {e: event, f: {event: {initially: set}}}
        main: [{wait: {event: e, timeout: 1ms, into: was_set}}, {log: "{was_set}"}, {wait: {event: f, timeout: 0s,
          into: was_set}}, {log: "{was_set}"}]
        """,
        ["False", "True"],
    ),
    "setting twice and clearing twice change nothing more": (
        """
        sync: {e: event}
        main: [{set_event: e}, {set_event: e}, {clear_event: e}, {log: "{e.is_set()}"}, {clear_event: e},
          {log: "{e.is_set()}"}]
        """,
        ["False", "False"],
    ),
    "each party of a barrier gets a place": (
        """
        sync: {b: {barrier: {parties: 3}}}
        state: {places: []}
        threads: {party: {count: 3, do: [{wait: {barrier: b, into: place}}, {append: {to: places, item: place}}]}}
        main: [{start: party}, {join: party}, {log: "{sorted(places)} {b.n_waiting} {b.broken}"}]
        """,
        ["[0, 1, 2] 0 False"],
    ),
    "a barrier of one lets everyone pass": (
        """
        sync: {b: {barrier: {parties: 1}}}
        main: [{wait: {barrier: b, into: place}}, {wait: b}, {log: "{place} {b.parties}"}]
        """,
        ["0 1"],
    ),
    "a party that runs out of time breaks the barrier for all": (
        """
        sync: {b: {barrier: {parties: 3}}}
        threads: {patient: {do: [{try: [{wait: b}], except: {threading.BrokenBarrierError: [{log: patient}]}}]}}
        main:
          - start: patient
          - while: b.n_waiting == 0
            do: [{sleep: 1ms}]
          - try: [{wait: {barrier: b, timeout: 1ms}}]
            except: {BrokenBarrierError: []}
          - join: patient
          - log: "{b.broken}"
          - try: [{wait: b}]
            except: {RuntimeError: [{log: still}]}
        """,
        ["patient", "True", "still"],
    ),
    "an aborted barrier is broken until it is reset": (
        """
        sync: {b: {barrier: {parties: 2}}}
        threads: {other: {do: [{wait: b}]}}
        main:
          - abort: b
          - try: [{wait: b}]
            except: {threading.BrokenBarrierError: [{log: broken}]}
          - reset: b
          - start: other
          - wait: b
          - log: "{b.broken}"
        """,
        ["broken", "False"],
    ),
    "a reset breaks those who wait and leaves the barrier whole": (
        """
        sync: {b: {barrier: {parties: 2}}}
        threads: {waits: {do: [{try: [{wait: b}], except: {threading.BrokenBarrierError: [{log: broken}]}}]}}
        main:
          - start: waits
          - while: b.n_waiting == 0
            do: [{sleep: 1ms}]
          - reset: b
          - join: waits
          - log: "{b.broken} {b.n_waiting}"
        """,
        ["broken", "False 0"],
    ),
}


@pytest.mark.parametrize("claim", EVENTS_AND_BARRIERS)
def test_events_and_barriers_mean_what_they_mean_in_python(claim: str) -> None:
    """Event and Barrier, corner by corner."""
    holds(EVENTS_AND_BARRIERS, claim)


QUEUES: Cases = {
    "items leave in the order of the queue's kind": (
        """
        sync: {f: queue, l: {queue: {kind: lifo}}, p: {queue: {kind: priority}}, s: {queue: {kind: simple}}}
        main:
          - for: i
            in: "[2, 3, 1]"
            do: [{put: {queue: f, item: i}}, {put: {queue: l, item: i}}, {put: {queue: p, item: i}}, {put: {queue: s,
              item: i}}]
          - repeat: 3
            do:
              - get: {queue: f, into: a}
              - get: {queue: l, into: b}
              - get: {queue: p, into: c}
              - get: {queue: s, into: d}
              - log: "{a} {b} {c} {d}"
        """,
        ["2 1 1 2", "3 3 2 3", "1 2 3 1"],
    ),
    "a full queue raises Full at once or after the time": (
        """
        sync: {q: {queue: {maxsize: 1}}}
        main:
          - put: {queue: q, item: 1}
          - log: "{q.full()} {q.empty()} {q.qsize()}"
          - try: [{put: {queue: q, item: 2, block: false}}]
            except: {queue.Full: [{log: full}]}
          - try: [{put: {queue: q, item: 2, timeout: 1ms}}]
            except: {Full: [{log: full}]}
        """,
        ["True False 1", "full", "full"],
    ),
    "an empty queue raises Empty at once or after the time": (
        """
        sync: {q: queue, s: {queue: {kind: simple}}}
        main:
          - try: [{get: {queue: q, block: false}}]
            except: {queue.Empty: [{log: empty}]}
          - try: [{get: {queue: q, timeout: 1ms}}]
            except: {queue.Empty: [{log: empty}]}
          - try: [{get: {queue: s, block: false}}]
            except: {queue.Empty: [{log: empty}]}
          - try: [{get: {queue: s, timeout: 1ms}}]
            except: {Exception: [{log: empty}]}
          - log: "{q.empty()} {s.qsize()}"
        """,
        ["empty", "empty", "empty", "empty", "True 0"],
    ),
    "`task_done` too often is a ValueError": (
        """
        sync: {q: queue}
        main:
          - put: {queue: q, item: 1}
          - task_done: q
          - join_queue: q
          - try: [{task_done: q}]
            except: {ValueError: [{log: refused}]}
        """,
        ["refused"],
    ),
    "`join_queue` waits for every item to be dealt with": (
        """
        sync: {q: queue}
        threads: {worker: {daemon: true, do: [{while: true, do: [{get: {queue: q, into: i}}, {sleep: 5ms},
          {log: "{i}"}, {task_done: q}]}]}}
        main: [{start: worker}, {for: i, in: range(3), do: [{put: {queue: q, item: i}}]}, {join_queue: q},
          {log: joined}]
        """,
        ["0", "1", "2", "joined"],
    ),
    "items that cannot be compared are a TypeError of the put": (
        """
        sync: {q: {queue: {kind: priority}}}
        main:
          - put: {queue: q, item: 1}
          - try: [{put: {queue: q, item: "'a'"}}]
            except: {TypeError: [{log: refused}]}
        """,
        ["refused"],
    ),
    "a priority queue orders lists by their items": (
        """
        sync: {q: {queue: {kind: priority}}}
        main:
          - put: {queue: q, item: [2, "'a'"]}
          - put: {queue: q, item: [1, "'z'"]}
          - get: {queue: q, into: x}
          - log: "{x[1]}"
        """,
        ["z"],
    ),
    "what is put is a copy": (
        """
        sync: {q: queue}
        main: [{set: {items: "[1]"}}, {put: {queue: q, item: items}}, {append: {to: items, item: 2}}, {get: {queue: q,
          into: got}}, {log: "{got} {items}"}]
        """,
        ["[1] [1, 2]"],
    ),
}


@pytest.mark.parametrize("claim", QUEUES)
def test_queues_mean_what_they_mean_in_python(claim: str) -> None:
    """Queue, LifoQueue, PriorityQueue and SimpleQueue, corner by corner."""
    holds(QUEUES, claim)


POOLS: Cases = {
    "a future has its task's result, as often as it is asked": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {double: {params: {x: {type: value}}, do: [{return: x * 2}]}, nothing: {do: []}}
        main:
          - submit: {pool: p, target: double, args: {x: 21}, into: f}
          - submit: {pool: p, target: nothing, into: g}
          - result: {future: f, into: a}
          - result: {future: f, into: b}
          - result: {future: g, into: c}
          - log: "{a} {b} {c} {f.done()}"
        """,
        ["42 42 None True"],
    ),
    "a task's exception is raised where its result is asked": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {fails: {do: [{raise: "KeyError: gone"}]}}
        main:
          - submit: {pool: p, target: fails, into: f}
          - try: [{result: f}]
            except: {LookupError: [{log: "{error}"}]}
        """,
        ["gone"],
    ),
    "a result that takes too long is a TimeoutError, and can be asked again": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event}
        behaviours: {waits: {do: [{wait: e}, {return: 1}]}}
        main:
          - submit: {pool: p, target: waits, into: f}
          - try: [{result: {future: f, timeout: 1ms}}]
            except: {TimeoutError: [{log: "late {f.done()}"}]}
          - set_event: e
          - result: {future: f, into: x}
          - log: "{x}"
        """,
        ["late False", "1"],
    ),
    "a task's own TimeoutError is its result": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {fails: {do: [{raise: "TimeoutError: mine"}]}}
        main:
          - submit: {pool: p, target: fails, into: f}
          - try: [{result: {future: f, timeout: 20s}}]
            except: {TimeoutError: [{log: "{error}"}]}
        """,
        ["mine"],
    ),
    "a pending future can be cancelled, and its result is CancelledError at once": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event, begun: event}
        behaviours: {waits: {do: [{set_event: begun}, {wait: e}]}, quick: {do: [{log: never}]}}
        main:
          - submit: {pool: p, target: waits, into: f}
          - submit: {pool: p, target: quick, into: g}
          - wait: begun
          - cancel: {future: f, into: running}
          - cancel: {future: g, into: pending}
          - cancel: {future: g, into: again}
          - try: [{result: g}]
            except:
              concurrent.futures.CancelledError: [{log: "{running} {pending} {again} {g.cancelled()} {g.done()}"}]
          - set_event: e
          - shutdown: p
          - cancel: {future: f, into: late}
          - log: "{late}"
        """,
        ["False True True True True", "False"],
    ),
    "who waits for a future is woken when it is cancelled": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event, asked: event}
        behaviours:
          waits: {do: [{wait: e}]}
          quick: {do: []}
          asks: {params: {f: {type: value}}, do: [{set_event: asked}, {try: [{result: f}],
            except: {CancelledError: [{log: cancelled}]}}]}
        main:
          - submit: {pool: p, target: waits, into: _f}
          - submit: {pool: p, target: quick, into: g}
          - spawn: {target: asks, args: {f: g}, into: t}
          - wait: asked
          - sleep: 20ms
          - cancel: {future: g}
          - join: t
          - set_event: e
        """,
        ["cancelled"],
    ),
    "a pool that was shut down takes no more tasks": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {quick: {do: [{log: ran}]}}
        main:
          - with: p
            do: [{submit: {pool: p, target: quick, into: _f}}]
          - log: left
          - try: [{submit: {pool: p, target: quick, into: _f}}]
            except: {RuntimeError: [{log: refused}]}
          - shutdown: p
        """,
        ["ran", "left", "refused"],
    ),
    "a shutdown that does not wait lets the tasks go on": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event}
        behaviours: {waits: {do: [{wait: e}, {log: ran}]}}
        main:
          - repeat: 2
            do: [{submit: {pool: p, target: waits, into: _f}}]
          - shutdown: {pool: p, wait: false}
          - log: closed
          - set_event: e
        """,
        ["closed", "ran", "ran"],
    ),
    "a shutdown can cancel what has not begun": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event, begun: event}
        behaviours: {waits: {do: [{set_event: begun}, {wait: e}, {log: ran}]}, quick: {do: [{log: never}]}}
        main:
          - submit: {pool: p, target: waits, into: _f}
          - submit: {pool: p, target: quick, into: g}
          - wait: begun
          - shutdown: {pool: p, wait: false, cancel_futures: true}
          - log: "{g.cancelled()}"
          - set_event: e
          - shutdown: p
        """,
        ["True", "ran"],
    ),
    "a task may submit to its own pool": (
        """
        sync: {p: {pool: {max_workers: 2}}}
        behaviours:
          inner: {do: [{return: 1}]}
          outer: {do: [{submit: {pool: p, target: inner, into: f}}, {result: {future: f, into: x}}, {return: x + 1}]}
        main: [{submit: {pool: p, target: outer, into: f}}, {result: {future: f, into: x}}, {log: "{x}"}]
        """,
        ["2"],
    ),
    "a task cannot wait for its own pool": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {closes: {do: [{shutdown: p}]}}
        main: [{submit: {pool: p, target: closes, into: f}}, {try: [{result: f}],
          except: {RuntimeError: [{log: refused}]}}]
        """,
        ["refused"],
    ),
    "`map` gives the results in the order of the items": (
        """
        sync: {p: {pool: {max_workers: 3}}}
        behaviours: {slow: {params: {x: {type: value}, plus: {type: value}}, do: [{if: x == 0, then: [{sleep: 20ms}]},
          {return: x + plus}]}}
        main: [{map: {pool: p, target: slow, over: range(4), as: x, args: {plus: 10}, into: results}},
          {log: "{results}"}]
        """,
        ["[10, 11, 12, 13]"],
    ),
}


@pytest.mark.parametrize("claim", POOLS)
def test_pools_mean_what_they_mean_in_python(claim: str) -> None:
    """ThreadPoolExecutor and its futures, corner by corner."""
    holds(POOLS, claim)


FAILING_MAP = """
sync: {p: {pool: {max_workers: 1}}}
behaviours: {picky: {params: {x: {type: value}}, do: [{log: "{x}"}, {if: x == 1, then: [{raise: "ValueError: one"}]},
  {sleep: 20ms}, {return: x}]}}
main:
  - try: [{map: {pool: p, target: picky, over: range(9), as: x, into: results}}, {log: "{results}"}]
    except: {ValueError: [{log: "{error}"}]}
  - shutdown: p
  - log: end
"""


def test_a_failure_in_map_cancels_what_has_not_begun() -> None:
    """Tasks that had begun go on to their end; nine items, at most one more than the failed one is run."""
    result, said = run(FAILING_MAP)
    assert said[:2] == ["0", "1"]
    assert "one" in said
    assert said[-1] == "end"
    assert not {"4", "5", "6", "7", "8"} & set(said)
    assert result.verdict == "holds"


def test_a_task_that_nobody_asks_is_reported_with_what_its_pool_swallowed() -> None:
    """Python would lose this exception without a word."""
    result, _ = run(
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {fails: {do: [{raise: "ValueError: lost"}]}}
        main: [{submit: {pool: p, target: fails, into: _f}}, {shutdown: p}]
        """
    )
    assert result.verdict == "exception"
    assert result.findings[0].details == {"type": "ValueError", "text": "lost", "swallowed": True}


def test_a_map_without_into_asks_nobody() -> None:
    """The results are nobody's, so a failure is reported as swallowed."""
    result, said = run(
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {picky: {params: {x: {type: value}}, do: [{log: "{x}"}, {assert: x != 1}]}}
        main: [{map: {pool: p, target: picky, over: range(3), as: x}}]
        """
    )
    assert said == ["0", "1", "2"]
    assert [finding.details["swallowed"] for finding in result.findings] == [True]


THREADS: Cases = {
    "a timer fires once, on a thread of its own": (
        """
        sync: {t: {timer: {after: 5ms, target: fires, args: {what: 7}}}}
        behaviours: {fires: {params: {what: {type: value}}, do: [{log: "{what} {name}"}]}}
        main: [{start: t}, {log: "{t.is_alive()}"}, {join: t}, {log: "{t.is_alive()}"}]
        """,
        ["True", "7 t", "False"],
    ),
    "a cancelled timer does not fire": (
        """
        sync: {t: {timer: {after: 20s, target: fires}}, u: {timer: {after: 1ms, target: fires}}}
        behaviours: {fires: {do: [{log: never}]}}
        main: [{start: t}, {cancel: t}, {join: t}, {cancel: u}, {start: u}, {join: u},
          {log: "{t.is_alive()} {u.is_alive()}"}]
        """,
        ["False False"],
    ),
    "cancelling a timer that has fired changes nothing": (
        """
        sync: {t: {timer: {after: 1ms, target: fires}}}
        behaviours: {fires: {do: [{log: fired}]}}
        main: [{start: t}, {join: t}, {cancel: t}, {log: end}]
        """,
        ["fired", "end"],
    ),
    "a timer and a thread start once": (
        """
        sync: {t: {timer: {after: 1ms, target: nothing}}}
        behaviours: {nothing: {do: []}}
        threads: {w: {target: nothing}}
        main:
          - start: t
          - try: [{start: t}]
            except: {RuntimeError: [{log: refused}]}
          - start: w
          - join: w
          - try: [{start: w}]
            except: {RuntimeError: [{log: refused}]}
        """,
        ["refused", "refused"],
    ),
    "a thread cannot join itself, nor one that was not started": (
        """
        threads: {w: {do: [{try: [{join: w}], except: {RuntimeError: [{log: refused}]}}]}}
        main:
          - try: [{join: w}]
            except: {RuntimeError: [{log: early}]}
          - start: w
          - join: w
          - join: w
        """,
        ["early", "refused"],
    ),
    "a join that times out leaves the thread alive": (
        """
        sync: {e: event}
        threads: {w: {do: [{wait: e}]}}
        main: [{log: "{w.is_alive()}"}, {start: w}, {join: {thread: w, timeout: 1ms}}, {log: "{w.is_alive()}"},
          {set_event: e}, {join: w}, {log: "{w.is_alive()}"}]
        """,
        ["False", "True", "False"],
    ),
    "a spawned thread is a value": (
        """
        sync: {e: event}
        behaviours: {waits: {params: {x: {type: value}}, do: [{wait: e}, {log: "{x} {name}"}]}}
        main:
          - spawn: {target: waits, args: {x: 1}, into: t}
          - log: "{t.is_alive()}"
          - set_event: e
          - join: t
          - log: "{t.is_alive()}"
        """,
        ["True", "1 waits#0", "False"],
    ),
    "who joins goes on after the other has ended": (
        """
        threads: {w: {do: [{log: w}]}}
        main: [{start: w}, {join: w}, {log: main}]
        """,
        ["w", "main"],
    ),
    "a group is started and joined whole, or one by one": (
        """
        threads: {w: {count: 2, do: [{log: "{name} {index}"}]}}
        main: [{start: "w[1]"}, {join: "w[1]"}, {start: "w[0]"}, {join: w}, {log: "{w[0].is_alive()}"}]
        """,
        ["w[1] 1", "w[0] 0", "False"],
    ),
}


@pytest.mark.parametrize("claim", THREADS)
def test_threads_and_timers_mean_what_they_mean_in_python(claim: str) -> None:
    """Thread and Timer, corner by corner."""
    holds(THREADS, claim)


def test_an_exception_leaves_one_thread_and_the_others_go_on() -> None:
    """The verdict is `exception`; the thread that joins it goes on, as in Python."""
    result, said = run(
        """
        threads: {w: {do: [{try: [{raise: "ValueError: x"}], finally: [{log: cleaned}]}, {log: never}]}}
        main: [{start: w}, {join: w}, {log: "{w.is_alive()}"}]
        """
    )
    assert said == ["cleaned", "False"]
    finding = result.findings[0]
    assert (result.verdict, finding.thread, finding.details["type"]) == ("exception", "w", "ValueError")


def test_an_exception_of_main_does_not_end_the_others() -> None:
    """As in Python, where the interpreter waits for non-daemon threads."""
    result, said = run('threads: {w: {do: [{sleep: 20ms}, {log: done}]}}\nmain: [{start: w}, {raise: "OSError: x"}]')
    assert said == ["done"]
    assert (result.verdict, result.findings[0].thread) == ("exception", "main")


def test_a_daemon_is_cut_off_before_its_next_step() -> None:
    """The run ends with main; the log says who was cut off."""
    lines: list[dict[str, Any]] = []
    text = """
scenario: s
sync: {begun: event}
threads: {d: {daemon: true, do: [{log: begun}, {set_event: begun}, {sleep: 60s}, {log: never}]}}
main: [{start: d}, {wait: begun}]
"""
    result = scenrun.run(load_source(decode("s.yaml", text.encode())), log=lines.append)
    assert result.verdict == "holds"
    assert [line["message"] for line in lines if line["event"] == "message"] == ["begun"]
    assert [line["thread"] for line in lines if line["event"] == "thread.cut_off"] == ["d"]


FLOW: Cases = {
    "`else` where nothing was raised, `finally` in any case": (
        """
        main:
          - for: i
            in: range(2)
            do:
              - try: [{log: "try {i}"}, {if: i, then: [{raise: "ValueError: no"}]}]
                except: {ValueError: [{log: "except {error}"}]}
                else: [{log: else}]
                finally: [{log: finally}]
        """,
        ["try 0", "else", "finally", "try 1", "except no", "finally"],
    ),
    "an exception of `else` is not caught by its `except`": (
        """
        main:
          - try:
              - try: []
                except: {ValueError: [{log: wrong}]}
                else: [{raise: "ValueError: else"}]
            except: {ValueError: [{log: "{error}"}]}
        """,
        ["else"],
    ),
    "`break`, `continue` and `return` go through `finally`, from the inside out": (
        """
        behaviours:
          leaves:
            do:
              - for: i
                in: range(5)
                do:
                  - try:
                      - try: [{if: i == 0, then: [{continue: null}]}, {if: i == 1, then: [{return: i * 10}]}]
                        finally: [{log: "inner {i}"}]
                    finally: [{log: "outer {i}"}]
        main:
          - run: {target: leaves, into: x}
          - log: "{x}"
          - while: true
            do: [{try: [{break: null}], finally: [{log: broken}]}]
        """,
        ["inner 0", "outer 0", "inner 1", "outer 1", "10", "broken"],
    ),
    "a value is computed before `finally` runs": (
        """
        state: {x: 1}
        behaviours: {gives: {do: [{try: [{return: x}], finally: [{set: {x: 2}}]}]}}
        main: [{run: {target: gives, into: y}}, {log: "{y} {x}"}]
        """,
        ["1 2"],
    ),
    "a `return` in `finally` swallows the exception": (
        """
        behaviours: {swallows: {do: [{try: [{raise: "ValueError: gone"}], finally: [{return: 5}]}]}}
        main: [{run: {target: swallows, into: y}}, {log: "{y}"}]
        """,
        ["5"],
    ),
    "an exception in `finally` replaces the one before": (
        """
        main:
          - try:
              - try: [{raise: "ValueError: first"}]
                finally: [{raise: "KeyError: second"}]
            except: {ValueError: [{log: first}], KeyError: [{log: "{error}"}]}
        """,
        ["second"],
    ),
    "the first fitting `except` takes it, by Python's hierarchy": (
        """
        main:
          - try: [{set: {x: "{'a': 1}['b']"}}, {log: "{x}"}]
            except: {ArithmeticError: [{log: wrong}], LookupError: [{log: lookup}], KeyError: [{log: late}]}
          - try: [{set: {x: 1 // 0}}, {log: "{x}"}]
            except: {ArithmeticError: [{log: "{error}"}]}
          - try: [{raise: "queue.Empty: x"}]
            except: {queue.Full: [{log: wrong}], Exception: [{log: any}]}
          - try: [{raise: "threading.BrokenBarrierError: x"}]
            except: {RuntimeError: [{log: runtime}]}
          - try: [{raise: "Mine: own"}]
            except: {RuntimeError: [{log: wrong}], Mine: [{log: "{error}"}]}
        """,
        ["lookup", told_by_python("1 // 0"), "any", "runtime", "own"],
    ),
    "an exception in `except` is not caught by its neighbours": (
        """
        main:
          - try:
              - try: [{raise: "KeyError: a"}]
                except: {KeyError: [{raise: "ValueError: b"}], ValueError: [{log: wrong}]}
            except: {ValueError: [{log: "{error}"}]}
        """,
        ["b"],
    ),
    "an exception passes through `run` to the caller": (
        """
        behaviours: {fails: {do: [{raise: "ValueError: inside"}]}}
        main: [{try: [{run: {target: fails}}, {log: never}], except: {ValueError: [{log: "{error}"}]}}]
        """,
        ["inside"],
    ),
    "an assertion can be caught": (
        """
        main:
          - try: [{assert: {that: 1 > 2, message: "one is {1}"}}]
            except: {AssertionError: [{log: "{error}"}]}
          - assert: 1 < 2
        """,
        ["one is 1"],
    ),
    "`for` goes through the items as they were": (
        """
        main:
          - set: {items: "[1, 2]", i: 0}
          - for: i
            in: items
            do: [{append: {to: items, item: i + 10}}]
          - log: "{items} {i}"
          - for: i
            in: "[]"
            do: []
          - log: "{i}"
          - for: key
            in: "{'b': 1, 'a': 2}"
            do: [{log: "{key}"}]
          - for: letter
            in: "'xy'"
            do: [{log: "{letter}"}]
        """,
        ["[1, 2, 11, 12] 2", "2", "b", "a", "x", "y"],
    ),
    "`repeat` counts once, and a negative number is none": (
        """
        main:
          - set: {n: 2}
          - repeat: n
            do: [{set: {n: n + 5}}, {log: "{n}"}]
          - repeat: 0 - 3
            do: [{log: never}]
          - repeat: 0
            do: [{log: never}]
        """,
        ["7", "12"],
    ),
    "`while` asks before each turn": (
        """
        state: {n: 0}
        main:
          - while: n < 3
            do: [{set: {n: n + 1}}, {if: n == 2, then: [{continue: null}]}, {log: "{n}"}]
          - while: n < 3
            do: [{log: never}]
        """,
        ["1", "3"],
    ),
    "a behaviour without `return` gives None": (
        """
        behaviours: {quiet: {do: []}}
        main: [{run: {target: quiet, into: x}}, {log: "{x}"}]
        """,
        ["None"],
    ),
}


@pytest.mark.parametrize("claim", FLOW)
def test_flow_means_what_it_means_in_python(claim: str) -> None:
    """Exceptions, loops and returns, corner by corner."""
    holds(FLOW, claim)


def test_an_assertion_that_leaves_its_thread_is_a_violation() -> None:
    """Not an `exception`: an expectation of the author's is broken."""
    result, _ = run('state: {x: 1}\nthreads: {w: {do: [{assert: {that: x == 2, message: "x is {x}"}}]}}')
    assert (result.verdict, result.findings[0].details["text"]) == ("violated", "x is 1")


def test_an_unknown_local_is_python_s_error() -> None:
    """A local that no step has assigned yet is an UnboundLocalError, by its name in the file."""
    result, _ = run("main: [{if: 1 > 2, then: [{set: {x: 1}}]}, {log: '{x}'}]")
    details = result.findings[0].details
    assert (details["type"], details["text"]) == ("UnboundLocalError", "`x` has no value yet")


EXPRESSIONS = [
    "1 < 2 < 3", "3 > 2 > 2", "1 < 3 > 2 != 1", "not 0 or 1 // 0", "[] and 1 // 0", "0 or '' or 'x'", "1 if [] else 2",
    "7 // -2", "-7 % 3", "2 ** -1", "7 / 2", "True + True", "1 == 1.0", "'1' == 1", "[1, 2] + [3]", "'ab' * 2",
    "[0] * 3",
    "5 & 3 | 8 ^ 1", "~5", "1 << 10 >> 3", "'b' in {'b': 1}", "2 not in [1]", "None is None", "len([]) is not None",
    "[1, [2, 3]][1][-1]", "{'a': [1]}['a'][0]", "len('abc')", "min(3, 1, 2)", "max([4, 9])", "abs(-3)", "sum([1, 2])",
    "sorted([3, 1, 2])", "int('12')", "int(2.9)", "float('1.5')", "str(12)", "bool([])", "round(2.5)",
    "round(2.567, 1)",
    "any([0, 1])", "all([])", "-2 ** 2", "not 1 == 2", "'a' < 'b'", "[1, 2] < [1, 3]", "0.1 + 0.2",
    "round(-0.5)", "'x' 'y'", "1_000", "0x10", "True and 'yes'", "'abc'[1]", "'abc'[-1]", "+3", "1 + 2 * 3 - 4",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_has_the_value_that_python_gives_it(expression: str) -> None:
    """The value and its type, as Python's own `eval` finds them."""
    expected = eval(expression)
    result, said = run(f'state: {{x: null}}\nmain:\n  - set: {{x: "{expression}"}}\n  - log: "{{x}}"\n')
    assert said == [str(expected)]
    assert (result.state["x"], type(result.state["x"])) == (expected, type(expected))


VALUES: Cases = {
    "assignment copies": (
        """
        state: {shared: [1]}
        main: [{set: {mine: shared}}, {append: {to: mine, item: 2}}, {append: {to: shared, item: 3}},
          {log: "{mine} {shared}"}]
        """,
        ["[1, 2] [1, 3]"],
    ),
    "a part that is assigned is the named one's": (
        """
        state: {grid: [[0, 0], [0, 0]]}
        main:
          - set: {row: "grid[0]", "grid[0][1]": 5}
          - set: {"row[0]": 9}
          - log: "{grid} {row}"
          - pop: {from: "grid[0]", into: x}
          - pop: {from: grid, at: 1, into: y}
          - log: "{grid} {x} {y}"
        """,
        ["[[0, 5], [0, 0]] [9, 0]", "[[0]] 5 [0, 0]"],
    ),
    "a mapping takes and loses keys": (
        """
        main:
          - set: {m: "{'a': 1}"}
          - set: {"m['b']": 2}
          - pop: {from: m, at: "'a'", into: x}
          - log: "{m} {x}"
          - try: [{pop: {from: m, at: "'a'"}}]
            except: {KeyError: [{log: "{error}"}]}
          - try: [{set: {l: "[]"}}, {pop: {from: l}}]
            except: {IndexError: [{log: empty}]}
        """,
        ["{'b': 2} 1", "'a'", "empty"],
    ),
    "arguments and results copy": (
        """
        behaviours: {grows: {params: {items: {type: value}}, do: [{append: {to: items, item: 9}}, {return: items}]}}
        main: [{set: {mine: "[1]"}}, {run: {target: grows, args: {items: mine}, into: more}}, {log: "{mine} {more}"}]
        """,
        ["[1] [1, 9]"],
    ),
    "several names are set in the order written": (
        """
        main: [{set: {a: 1, b: a + 1}}, {set: {a: b, b: a}}, {log: "{a} {b}"}]
        """,
        ["2 2"],
    ),
}


@pytest.mark.parametrize("claim", VALUES)
def test_lists_and_mappings_are_values(claim: str) -> None:
    """Where the language departs from Python, it does as it says."""
    holds(VALUES, claim)


def accesses(expression: str) -> list[str]:
    """The shared variables that an expression reads, in order."""
    lines: list[dict[str, Any]] = []
    head = "scenario: s\nstate: {a: 0, b: 1, c: 2, l: [5, 6]}\nmain:\n"
    text = f'{head}  - set: {{x: "{expression}"}}\n  - log: "{{x}} {{a}} {{b}} {{c}} {{l}}"\n'
    scenrun.run(load_source(decode("s.yaml", text.encode())), log=lines.append, level="debug")
    return [line["object"] for line in lines if line["event"] == "variable.read" and line["line"] == 4]


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("a + b * c", ["a", "b", "c"]),
        ("a and b", ["a"]),
        ("b and a and c", ["b", "a"]),
        ("a or b or c", ["a", "b"]),
        ("a < b < c", ["a", "b", "c"]),
        ("b < a < c", ["b", "a"]),
        ("a if b else c", ["b", "a"]),
        ("c if a else b", ["a", "b"]),
        ("l[a] + b", ["l", "a", "b"]),
        ("[c, a, max(b, a)]", ["c", "a", "b", "a"]),
        ("a + a", ["a", "a"]),
    ],
)
def test_shared_variables_are_read_in_python_s_order(expression: str, read: list[str]) -> None:
    """Each read is a step of its own, and what short-circuits is not read."""
    assert accesses(expression) == read


BEHAVIOURS: Cases = {
    "parameters of each type": (
        """
        sync: {q: queue}
        state: {total: 0}
        behaviours:
          typed:
            params:
              n: int
              f: float
              sure: bool
              s: str
              d: duration
              v: {type: value}
              out: {type: variable}
              to: {type: queue}
              e: {type: event, default: null}
              m: {type: int, default: 4}
            do:
              - sleep: d
              - set: {out: n + m}
              - put: {queue: to, item: v}
              - log: "{f} {sure} {s} {e is None}"
        main:
          - set: {three: 3}
          - run: {target: typed, args: {n: three, f: 1.5, sure: true, s: hello, d: 1us, v: [1, 2], out: total, to: q}}
          - get: {queue: q, into: item}
          - log: "{total} {item}"
        """,
        ["1.5 True hello True", "7 [1, 2]"],
    ),
    "an expression is evaluated at each use, with the caller's names; a value once": (
        """
        state: {n: 1}
        behaviours:
          bumps: {do: [{set: {n: n + 1}}]}
          shows: {params: {e: {type: expression}, v: {type: value}}, do: [{log: "{e} {v}"}, {run: bumps},
            {log: "{e} {v}"}]}
        main: [{set: {k: 10}}, {run: {target: shows, args: {e: n + k, v: n + k}}}]
        """,
        ["11 11", "12 11"],
    ),
    "a parameter that is assigned stays the behaviour's own": (
        """
        behaviours: {counts: {params: {n: int}, do: [{set: {n: n + 1}}, {return: n}]}}
        main: [{set: {n_: 1}}, {run: {target: counts, args: {n: n_}, into: m}}, {log: "{n_} {m}"}]
        """,
        ["1 2"],
    ),
    "a value for a new thread is computed by its maker's names at that time": (
        """
        behaviours: {says: {params: {x: {type: value}}, do: [{log: "{x}"}]}}
        main:
          - for: i
            in: range(3)
            do: [{spawn: {target: says, args: {x: i * i}, into: t}}, {join: t}]
        """,
        ["0", "1", "4"],
    ),
    "arrays of every kind": (
        """
        sync:
          a: {lock: {count: 2}}
          r: {rlock: {count: 2}}
          s: {semaphore: {count: 2, value: 1}}
          b: {bounded_semaphore: {count: 2}}
          c: {condition: {count: 2}}
          e: {event: {count: 2}}
          g: {barrier: {count: 2, parties: 1}}
          q: {queue: {count: 2}}
          p: {pool: {count: 2, max_workers: 1}}
          t: {timer: {count: 2, after: 1ms, target: says}}
        behaviours: {says: {do: [{set_event: "e[1]"}]}}
        main:
          - for: i
            in: range(2)
            do:
              - with: "a[i]"
                do: [{with: "r[i]", do: [{with: "s[i]", do: [{with: "b[i]", do: [{with: "c[i]",
                  do: [{notify: "c[i]"}]}]}]}]}]
              - wait: "g[i]"
              - put: {queue: "q[i]", item: i}
              - submit: {pool: "p[i]", target: says, into: f}
              - result: f
          - start: t[1]
          - join: t[1]
          - wait: e[1]
          - acquire: a[0]
          - log: "{a[0].locked()} {a[1].locked()} {e[0].is_set()} {e[1].is_set()} {q[1].qsize()}"
        """,
        ["True False False True 1"],
    ),
    "an index out of range is an IndexError": (
        """
        sync: {a: {lock: {count: 2}}}
        main: [{set: {i: 2}}, {try: [{acquire: "a[i]"}], except: {IndexError: [{log: refused}]}}]
        """,
        ["refused"],
    ),
}


@pytest.mark.parametrize("claim", BEHAVIOURS)
def test_parameters_and_arrays_mean_what_the_language_says(claim: str) -> None:
    """How a behaviour gets its arguments, and objects in rows."""
    holds(BEHAVIOURS, claim)


def test_a_duration_that_is_a_distribution_is_drawn_at_each_use() -> None:
    """Two sleeps of one parameter last differently, and the same again under the same seed."""
    text = """
    behaviours: {naps: {params: {d: duration}, do: [{sleep: d}, {log: "{random.randint(1, 1000000)}"}, {sleep: d},
      {log: "{random.randint(1, 1000000)}"}]}}
    threads: {w: {target: naps, args: {d: {uniform: [1us, 1ms]}}}}
    """
    assert run(text, seed=1)[1] == run(text, seed=1)[1]
    assert run(text, seed=1)[1] != run(text, seed=2)[1]


DRAWS = """
threads: {w: {count: 3, do: [{repeat: 4, do: [{choose: {from: [1, 2, 3, 4, 5], into: x}},
  {log: "{name} {x} {random.hex(4)}"}]}]}}
"""


def test_draws_depend_on_seed_and_thread_alone() -> None:
    """The same seed gives each thread the same draws however the threads are scheduled; threads differ."""
    one, again, other = (sorted(run(DRAWS, seed=seed)[1]) for seed in (5, 5, 6))
    assert one == again
    assert one != other
    first, second = ([line.split(" ", 1)[1] for line in one if line.startswith(name)] for name in ("w[0]", "w[1]"))
    assert first != second


def test_choose_takes_each_alternative_sooner_or_later() -> None:
    """Forty draws of two alternatives hit both; the alternative not taken is not evaluated."""
    _, said = run('main: [{repeat: 40, do: [{choose: {from: ["\'a\'", "\'b\'"], into: x}}, {log: "{x}"}]}]')
    assert set(said) == {"a", "b"}


def test_atomic_steps_are_seen_whole() -> None:
    """No other thread and no `always` sees the state between two steps of an atomic one."""
    result, said = run(
        """
        state: {a: 0, b: 0, torn: 0}
        threads:
          mover: {count: 2, do: [{repeat: 200, do: [{atomic: [{set: {a: a + 1}}, {set: {b: b + 1}}]}]}]}
          looker: {do: [{repeat: 200, do: [{atomic: [{if: a != b, then: [{set: {torn: torn + 1}}]}]}]}]}
        main: [{start: mover}, {start: looker}, {join: mover}, {join: looker}, {log: "{a} {b} {torn}"}]
        expect: {always: ["a == b"]}
        """
    )
    assert said == ["400 400 0"]
    assert result.verdict == "holds"


def found(text: str) -> dict[str, str]:
    """What became of each expectation."""
    return {checked.expression: checked.found for checked in run(text)[0].expectations}


def test_always_is_checked_wherever_a_step_changes_what_it_names() -> None:
    """A state that lasts for one step is seen; questions of primitives are not checked on real threads."""
    text = """
    sync: {a: lock}
    state: {x: 0, y: 0}
    main: [{set: {x: 5}}, {set: {x: 0}}, {set: {y: 1}}, {with: a, do: []}]
    expect: {always: ["x < 5", "y <= 1", "not a.locked()"], verdict: violated}
    """
    assert found(text) == {"x < 5": "violated", "y <= 1": "holds", "not a.locked()": "not_checked"}


def test_an_always_is_reported_once() -> None:
    """However often it is broken."""
    result, _ = run("state: {x: 0}\nmain: [{repeat: 5, do: [{set: {x: x - 1}}]}]\nexpect: {always: [x >= 0]}")
    assert [(f.kind, f.thread) for f in result.findings] == [("violated", "main")]


def test_inside_counts_the_threads_in_a_section() -> None:
    """A section is left on every way out, and an `always` over it is checked."""
    text = """
    sync: {met: {barrier: {parties: 2}}}
    threads: {w: {count: 2, do: [{try: [{section: critical, do: [{wait: met}, {raise: "ValueError: out"}]}],
      except: {ValueError: []}}]}}
    expect: {always: ['inside("critical") <= 1'], final: ['inside("critical") == 0'], verdict: violated}
    """
    assert found(text) == {'inside("critical") <= 1': "violated", 'inside("critical") == 0': "holds"}


def test_final_is_not_reached_where_the_run_did_not_end_by_itself() -> None:
    """After a deadlock nothing is said of `final`."""
    text = "sync: {e: event}\nstate: {x: 0}\nmain: [{set: {x: 1}}, {wait: e}]\nexpect: {final: [x == 1]}"
    assert found(text) == {"x == 1": "not_reached"}


@pytest.mark.parametrize(
    ("judge", "verdict"),
    [
        ("allowed: [[1, 2]]", "holds"),
        ("allowed: [[2, 1], [0, 0]]", "violated"),
        ("forbidden: [[1, 2]]", "violated"),
        ("forbidden: [[2, 1]]", "holds"),
    ],
)
def test_outcomes_are_judged(judge: str, verdict: str) -> None:
    """What is observed at the end must be among the allowed, and not among the forbidden."""
    text = f"state: {{x: 0, y: 0}}\nmain: [{{set: {{x: 1, y: 2}}}}]\nexpect: {{outcomes: {{observe: [x, y], {judge}}}}}"
    result, _ = run(text)
    assert result.outcome == (1, 2)
    assert result.verdict == verdict


@pytest.mark.parametrize("limits", ["{time: 100ms}", "{steps: 1000}"])
def test_a_limit_makes_the_run_incomplete(limits: str) -> None:
    """Past a limit the run is ended cleanly, and every thread is shown with what it does."""
    text = f"limits: {limits}\nthreads: {{w: {{do: [{{while: true, do: [{{sleep: 50us}}]}}]}}}}"
    result, _ = run(text, time_limit=None)
    assert result.verdict == "incomplete"
    assert {stuck.thread for stuck in result.findings[0].threads} == {"main", "w"}
    assert not result.complete


FUNCTIONS = '''"""Functions that a scenario calls."""


def add(a: int, b: int = 1) -> int:
    """A sum."""
    return a + b


def fail() -> None:
    """An exception of Python's."""
    raise FileNotFoundError("nothing here")
'''


def test_call_runs_the_author_s_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments by name, the result, and an exception that can be caught by its base."""
    (tmp_path / "called_by_scenario.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path))
    text = """
    main:
      - call: {function: "called_by_scenario:add", args: {a: 2 + 3}, into: x}
      - log: "{x}"
      - try: [{call: "called_by_scenario:fail"}]
        except: {OSError: [{log: "{error}"}]}
    """
    assert run(text, allow_python=True)[1] == ["6", "nothing here"]
    with pytest.raises(scenrun.ScenarioError, match="allow-python"):
        run(text)


def test_what_only_a_search_can_say_is_not_checked_by_a_run() -> None:
    """`race: never` and `required` outcomes are neither confirmed nor refuted."""
    text = """
scenario: x
state: {n: 0}
threads: {a: {do: [{set: {n: 1}}]}}
expect: {race: never, outcomes: {observe: [n], required: [[1]]}}
"""
    result = scenrun.run(load_source(decode("x.yaml", text.encode())))
    assert result.verdict == "holds"
    assert [(c.what, c.found) for c in result.expectations[:2]] == [
        ("race", "not_checked"),
        ("outcomes required", "not_checked"),
    ]


def test_each_run_of_a_behaviour_begins_without_the_locals_of_the_one_before() -> None:
    """As each call of a Python function does: a local that this run has not set has no value."""
    text = """
scenario: x
behaviours:
  once:
    params: {give: value}
    do:
      - if: give
        then: [{set: {mine: 1}}]
      - log: "{mine}"
main:
  - for: i
    in: range(2)
    do: [{run: {target: once, args: {give: i == 0}}}]
expect: {verdict: exception}
"""
    result = scenrun.run(load_source(decode("x.yaml", text.encode())))
    assert result.verdict == "exception"
    assert "UnboundLocalError: `mine` has no value yet" in result.findings[0].message


def verdict_of(text: str) -> RunResult:
    """The result of a scenario's text, run once."""
    return scenrun.run(load_source(decode("x.yaml", textwrap.dedent(text).encode())))


REVIEWED = {
    "a variable parameter may be an item, read and written": """
        scenario: x
        state: {counts: [5, 6]}
        behaviours: {bump: {params: {v: variable}, do: [{set: {mine: v}}, {set: {v: mine + 1}}]}}
        threads: {t: {target: bump, args: {v: "counts[0]"}}}
        expect: {final: ["counts == [6, 6]"]}
        """,
    "a returned item is read before the cleanups": """
        scenario: x
        state: {items: [10, 20], i: 0, got: 0}
        behaviours:
          b: {do: [{try: [{return: "items[i]"}], finally: [{set: {i: 1}}]}]}
        main: [{run: {target: b, into: r}}, {set: {got: r}}]
        expect: {final: ["got == 10"]}
        """,
    "a fault of a returned expression is raised inside the with": """
        scenario: x
        sync: {guard: lock}
        state: {items: [1], text: null}
        behaviours: {b: {do: [{with: guard, do: [{return: "items[9]"}]}]}}
        main:
          - try: [{run: b}]
            except: {IndexError: [{set: {text: error}}]}
        expect: {final: ["text is not None", "not guard.locked()"]}
        """,
    "no local shadows an object": """
        scenario: x
        sync: {guard: lock}
        main: [{set: {o0: 1}}, {with: guard, do: [{log: "{o0}"}]}]
        """,
    "a range in a part of an expression becomes a list": """
        scenario: x
        state: {total: 1, k: 1}
        main: [{set: {x: "range(3) if k > 0 else [total]"}}, {assert: "x == [0, 1, 2]"}]
        """,
    "a value parameter may be assigned, whatever it was given": """
        scenario: x
        state: {out: 0}
        behaviours:
          outer: {params: {m: value}, do: [{run: {target: inner, args: {n: m}}}]}
          inner: {params: {n: value}, do: [{set: {n: n + 1}}, {set: {out: n}}]}
        main: [{run: {target: outer, args: {m: 3}}}]
        expect: {final: ["out == 4"]}
        """,
    "a way out of an atomic step runs the steps of an outer finally": """
        scenario: x
        state: {n: 0}
        threads:
          t: {do: [{try: [{atomic: [{set: {n: n + 1}}, return]}], finally: [{sleep: 1ms}]}]}
        """,
    "a thread that a variable parameter holds can be joined": """
        scenario: x
        behaviours:
          wait_for_it: {params: {v: variable}, do: [{join: v}]}
        main: [{spawn: {target: worker, args: {duration: 1ms}, into: t}}, {run: {target: wait_for_it, args: {v: t}}}]
        """,
    "behaviours stop by an event called stop where main sets it": """
        scenario: x
        sync: {stop: event, q: queue}
        threads: {p: {target: producer, args: {queue: q, every: 1ms}}}
        main: [{start: p}, {sleep: 5ms}, {set_event: stop}, {join: p}]
        """,
}


@pytest.mark.parametrize("claim", REVIEWED)
def test_what_a_reader_expects_of(claim: str) -> None:
    """Each scenario holds; its claim is its name."""
    result = verdict_of(REVIEWED[claim])
    assert result.verdict == "holds", result.findings


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ('[{if: "False", then: [{set: {x: 1}}]}, {log: "{x}"}]', "UnboundLocalError: `x` has no value yet"),
        (
            '[{set: {x: 2, s: 1}}, {repeat: 16, do: [{set: {x: "x * x if x > 0 else s"}}]}, {log: "{x}"}]',
            "OverflowError",
        ),
    ],
)
def test_a_slip_in_a_thread_is_a_fault_of_the_scenario(steps: str, said: str) -> None:
    """Never an error of scenrun's."""
    result = verdict_of(f"scenario: x\nstate: {{s: 0}}\nmain: {steps}\nexpect: {{final: ['s >= 0']}}\n")
    assert result.verdict == "exception"
    assert said in result.findings[0].message


def test_always_begins_with_the_first_state() -> None:
    """Also where no step changes anything."""
    result = verdict_of("scenario: x\nstate: {x: 0}\nmain: [{log: '{x}'}]\nexpect: {always: ['x == 1']}\n")
    assert result.verdict == "violated"
    assert "broken by the initial state" in result.findings[0].message


def test_an_endless_group_need_not_end() -> None:
    """At its limit of time a run whose other threads have ended holds."""
    text = """
        scenario: x
        limits: {time: 200ms}
        threads:
          beat: {endless: true, do: [{while: true, do: [{sleep: 1ms}]}]}
          once: {do: [{log: "done"}]}
        """
    assert verdict_of(text).verdict == "holds"
    assert verdict_of(text.replace("endless: true, ", "")).verdict == "incomplete"


def test_a_step_on_an_object_that_is_none_is_a_fault() -> None:
    """Only `with` takes none for nothing to hold."""
    text = """
        scenario: x
        behaviours: {b: {params: {e: {type: event, default: null}}, do: [{wait: e}]}}
        threads: {t: {target: b}}
        expect: {verdict: exception}
        """
    assert "`wait` of `e`, which is none here" in verdict_of(text).findings[0].message
