"""Locks, semaphores, conditions, events and barriers mean on real threads what the same calls mean in CPython."""

from __future__ import annotations

import pytest
from real_runs import Cases, holds

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
