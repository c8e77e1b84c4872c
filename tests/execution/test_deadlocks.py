"""A real run says `deadlock` when threads can never move again, and says who waits for what."""

from __future__ import annotations

import pytest
from deadlocked_runs import _interval, _nobody_is_left, line_of, run  # noqa: F401

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
