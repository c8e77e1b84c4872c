"""Data races: what is one and what is not, in a state search and along single executions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from races_found import WALKS, machine_of, searched, walks

from scenrun.model.machine import FREE, Machine, Transition
from scenrun.search.portfolio import StateSearchOptions
from scenrun.search.properties.accesses import Race
from scenrun.search.properties.execution_races import races_along
from scenrun.search.properties.races import races_in
from scenrun.search.space.visited import LinkedSpace
from scenrun.search.state_search import search


def by_states(machine: Machine) -> list[Race]:
    """The races that a state search shows."""
    packed, space = searched(machine)
    assert space.is_closed
    return races_in(packed, space)


def by_clocks(machine: Machine) -> list[Race]:
    """The races of some random executions."""
    return [race for transitions in walks(machine, WALKS) for race in races_along(machine, transitions)]


DETECTORS = {"states": by_states, "clocks": by_clocks}
UNLOCKED = """
state: {n: 0}
threads: {t: {count: 2, do: [{set: {n: n + 1}}]}}
"""
LOCKED = """
sync: {a: lock}
state: {n: 0}
threads: {t: {count: 2, do: [{with: a, do: [{set: {n: n + 1}}]}]}}
"""
LOCKED_BY_TWO = """
sync: {a: lock, b: lock}
state: {n: 0}
threads:
  t: {do: [{with: a, do: [{set: {n: n + 1}}]}]}
  u: {do: [{with: b, do: [{set: {n: n + 1}}]}]}
"""
CHECKED_TWICE = """
sync: {a: lock}
state: {ready: false, made: null}
threads:
  t:
    count: 2
    do:
      - if: not ready
        then:
          - with: a
            do:
              - if: not ready
                then: [{set: {made: 1}}, {set: {ready: true}}]
      - log: "{made}"
"""
BY_EVENT = """
sync: {done: event}
state: {result: 0}
threads:
  t: {do: [{set: {result: 1}}, {set_event: done}]}
  u: {do: [{wait: done}, {log: "{result}"}]}
"""
BY_POLLED_EVENT = """
sync: {done: event}
state: {result: 0}
threads:
  t: {do: [{set: {result: 1}}, {set_event: done}]}
  u: {do: [{if: done.is_set(), then: [{log: "{result}"}]}]}
"""
BY_EVENT_IN_TIME = """
sync: {done: event}
state: {result: 0}
threads:
  t: {do: [{set: {result: 1}}, {set_event: done}]}
  u: {do: [{wait: {event: done, timeout: 1s}}, {log: "{result}"}]}
"""
BY_FLAG = """
state: {result: 0, done: false}
threads:
  t: {do: [{set: {result: 1}}, {set: {done: true}}]}
  u: {do: [{if: done, then: [{log: "{result}"}]}]}
"""
BY_QUEUE = """
sync: {q: queue}
state: {result: 0}
threads:
  t: {do: [{set: {result: 1}}, {put: {queue: q, item: 1}}]}
  u: {do: [{get: {queue: q}}, {log: "{result}"}]}
"""
BY_FULL_QUEUE = """
sync: {q: {queue: {maxsize: 1}}}
state: {result: 0}
threads:
  t: {do: [{put: {queue: q, item: 1}}, {put: {queue: q, item: 2}}, {log: "{result}"}]}
  u: {do: [{set: {result: 1}}, {get: {queue: q}}]}
"""
BY_ANOTHER_ITEM = """
sync: {q: queue}
state: {result: 0}
threads:
  t: {do: [{set: {result: 1}}, {put: {queue: q, item: 1}}]}
  w: {do: [{put: {queue: q, item: 2}}]}
  u: {do: [{get: {queue: q}}, {log: "{result}"}]}
"""
BY_TASK_DONE = """
sync: {q: queue}
state: {result: 0}
main: [{put: {queue: q, item: 1}}, {start: t}, {join_queue: q}, {log: "{result}"}]
threads:
  t: {do: [{get: {queue: q}}, {set: {result: 1}}, {task_done: q}]}
"""
BY_BARRIER = """
sync: {b: {barrier: {parties: 2}}}
state: {x: 0, y: 0}
threads:
  t: {do: [{set: {x: 1}}, {wait: b}, {log: "{y}"}]}
  u: {do: [{set: {y: 1}}, {wait: b}, {log: "{x}"}]}
"""
BY_RLOCK = """
sync: {a: rlock}
state: {n: 0}
threads: {t: {count: 2, do: [{with: a, do: [{with: a, do: [{set: {n: 1}}]}, {set: {n: n + 1}}]}]}}
"""
AFTER_RLOCK = """
sync: {a: rlock}
state: {n: 0}
threads: {t: {count: 2, do: [{with: a, do: [{with: a, do: [{log: in}]}]}, {set: {n: n + 1}}]}}
"""
BY_CONDITION = """
sync: {c: condition}
state: {ready: false, result: 0}
threads:
  t: {do: [{set: {result: 1}}, {with: c, do: [{set: {ready: true}}, {notify: c}]}]}
  u: {do: [{with: c, do: [{wait_for: {condition: c, until: ready}}]}, {log: "{result}"}]}
"""
BY_SEMAPHORE = """
sync: {s: {semaphore: {value: 0}}}
state: {result: 0}
threads:
  t: {do: [{set: {result: 1}}, {release: s}]}
  u: {do: [{acquire: s}, {log: "{result}"}]}
"""
TWO_PERMITS = """
sync: {s: {semaphore: {value: 2}}}
state: {n: 0}
threads: {t: {count: 2, do: [{with: s, do: [{set: {n: n + 1}}]}]}}
"""
FORK_AND_JOIN = """
state: {n: 0}
main: [{set: {n: 1}}, {start: t}, {join: t}, {set: {n: n + 1}}]
threads: {t: {do: [{set: {n: n + 1}}]}}
"""
NOT_JOINED = """
state: {n: 0}
main: [{start: t}, {set: {n: 1}}, {join: t}]
threads: {t: {do: [{set: {n: 2}}]}}
"""
JOINED_IN_TIME = """
state: {n: 0}
main: [{start: t}, {join: {thread: t, timeout: 1s}}, {set: {n: 1}}]
threads: {t: {do: [{set: {n: 2}}]}}
"""
ASKED_WHETHER_ALIVE = """
state: {n: 0}
main: [{start: t}, {if: not t.is_alive(), then: [{set: {n: 1}}]}]
threads: {t: {do: [{set: {n: 2}}]}}
"""
SPAWNED = """
state: {n: 0}
behaviours: {b: {do: [{set: {n: n + 1}}]}}
main: [{set: {n: 1}}, {spawn: {target: b, into: s}}, {join: s}, {set: {n: 3}}]
"""
SUBMITTED = """
sync: {p: {pool: {max_workers: 2}}}
state: {n: 0}
behaviours: {b: {do: [{set: {n: n + 1}}]}}
main: [{set: {n: 1}}, {submit: {pool: p, target: b, into: f}}, {result: f}, {set: {n: 3}}]
"""
ONE_WORKER = """
sync: {p: {pool: {max_workers: 1}}}
state: {n: 0}
behaviours: {b: {do: [{set: {n: n + 1}}]}}
main: [{submit: {pool: p, target: b}}, {submit: {pool: p, target: b}}]
"""
TWO_WORKERS = ONE_WORKER.replace("max_workers: 1", "max_workers: 2")
ANOTHER_RESULT = """
sync: {p: {pool: {max_workers: 2}}}
state: {n: 0}
behaviours: {b: {do: [{set: {n: 1}}]}, c: {do: [{return: 1}]}}
main: [{submit: {pool: p, target: b}}, {submit: {pool: p, target: c, into: f}}, {result: f}, {set: {n: 3}}]
"""
TIMER = """
sync: {later: {timer: {after: 1ms, target: b}}}
state: {n: 0}
behaviours: {b: {do: [{set: {n: n + 1}}]}}
main: [{set: {n: 1}}, {start: later}, {join: later}, {set: {n: 2}}]
"""
BOTH_ATOMIC = """
state: {n: 0}
threads: {t: {count: 2, do: [{atomic: [{set: {n: n + 1}}]}]}}
"""
ATOMIC_AND_PLAIN = """
state: {n: 0}
threads:
  t: {do: [{atomic: [{set: {n: n + 1}}]}]}
  u: {do: [{set: {n: 5}}]}
"""
ATOMIC_ELSEWHERE = """
state: {n: 0, m: 0}
threads:
  t: {do: [{atomic: [{if: n == 1, then: [{set: {m: 1}}]}]}]}
  u: {do: [{set: {m: 5}}]}
"""
ATOMIC_THAT_COMES_TO_IT_LATER = """
state: {n: 0, m: 0}
threads:
  t: {do: [{atomic: [{if: n == 1, then: [{set: {m: 1}}]}]}]}
  u: {do: [{set: {m: 5}}]}
  w: {do: [{set: {n: 1}}]}
"""
ONLY_READS = """
state: {n: 0}
threads: {t: {count: 2, do: [{log: "{n}"}]}}
"""
ONLY_OBSERVED = """
state: {n: 0}
threads: {t: {do: [{set: {n: 1}}]}}
expect: {always: ["n < 2"], final: ["n == 1"]}
"""
ITEMS_OF_THEIR_OWN = """
state: {items: [0, 0]}
threads: {t: {count: 2, do: [{set: {"items[index]": 1}}]}}
"""
THE_SAME_ITEM = """
state: {items: [0, 0]}
threads:
  t: {do: [{set: {"items[1]": 1}}]}
  u: {do: [{set: {"items[-1]": 2}}]}
"""
LOCKED_AND_READ = """
sync: {a: lock}
state: {n: 0}
threads: {t: {count: 2, do: [{with: a, do: [{set: {n: 1}}]}, {log: "{n}"}]}}
"""
A_PERMIT_THAT_ANOTHER_TOOK = """
sync: {s: {bounded_semaphore: {value: 1}}}
state: {n: 0}
threads:
  t: {do: [{set: {n: 1}}, {acquire: s}]}
  u: {do: [{release: s}, {log: "{n}"}]}
"""
AN_ITEM_THAT_ANOTHER_PUT = """
sync: {q: queue}
state: {n: 0}
threads:
  t: {do: [{set: {n: 1}}, {put: {queue: q, item: 1}}]}
  u: {do: [{task_done: q}, {log: "{n}"}]}
"""
CASES = {
    "an unlocked counter": (UNLOCKED, {"n"}),
    "a locked counter": (LOCKED, set()),
    "each by a lock of its own": (LOCKED_BY_TWO, {"n"}),
    "publication by an event": (BY_EVENT, set()),
    "publication by a polled event": (BY_POLLED_EVENT, set()),
    "an event whose time is up": (BY_EVENT_IN_TIME, {"result"}),
    "a queue's item": (BY_QUEUE, set()),
    "room in a full queue": (BY_FULL_QUEUE, set()),
    "the item of somebody else": (BY_ANOTHER_ITEM, {"result"}),
    "items dealt with": (BY_TASK_DONE, set()),
    "phases of a barrier": (BY_BARRIER, set()),
    "a reentrant lock": (BY_RLOCK, set()),
    "after a reentrant lock": (AFTER_RLOCK, {"n"}),
    "a condition": (BY_CONDITION, set()),
    "a permit": (BY_SEMAPHORE, set()),
    "two permits": (TWO_PERMITS, {"n"}),
    "fork and join": (FORK_AND_JOIN, set()),
    "before the join": (NOT_JOINED, {"n"}),
    "a join whose time is up": (JOINED_IN_TIME, {"n"}),
    "is_alive that was false": (ASKED_WHETHER_ALIVE, set()),
    "a spawned thread": (SPAWNED, set()),
    "a task and its result": (SUBMITTED, set()),
    "two tasks, one worker": (ONE_WORKER, set()),
    "two tasks, two workers": (TWO_WORKERS, {"n"}),
    "the result of another task": (ANOTHER_RESULT, {"n"}),
    "a timer": (TIMER, set()),
    "a permit that another one took": (A_PERMIT_THAT_ANOTHER_TOOK, set()),
    "an item that another one put": (AN_ITEM_THAT_ANOTHER_PUT, set()),
    "two atomic": (BOTH_ATOMIC, set()),
    "atomic and plain": (ATOMIC_AND_PLAIN, {"n"}),
    "atomic that does not come to it": (ATOMIC_ELSEWHERE, set()),
    "atomic that comes to it later": (ATOMIC_THAT_COMES_TO_IT_LATER, {"n", "m"}),
    "two reads": (ONLY_READS, set()),
    "an expectation": (ONLY_OBSERVED, set()),
    "items of their own": (ITEMS_OF_THEIR_OWN, set()),
    "the same item by two names": (THE_SAME_ITEM, {"items"}),
}


@pytest.mark.parametrize("way", DETECTORS)
@pytest.mark.parametrize("case", CASES)
def test_the_variables_that_are_raced_for(case: str, way: str) -> None:
    """Each way of ordering two accesses is known, and what does not order them leaves a race."""
    text, expected = CASES[case]
    assert {race.variable for race in DETECTORS[way](machine_of(text))} == expected


@pytest.mark.parametrize(
    ("text", "flag", "published"),
    [
        pytest.param(BY_FLAG, "done", "result", id="a flag"),
        pytest.param(CHECKED_TWICE, "ready", "made", id="checked twice"),
    ],
)
def test_a_plain_flag_orders_nothing(text: str, flag: str, published: str) -> None:
    """The search shows the race for the flag; clocks also show that what it publishes is ordered by nothing."""
    machine = machine_of(text)
    assert {race.variable for race in by_states(machine)} == {flag}
    assert {race.variable for race in by_clocks(machine)} == {flag, published}


def test_a_race_says_who_does_what_where_and_what_each_holds() -> None:
    """Both threads, lines and steps, which of them writes, and the locks."""
    (read, write) = sorted(
        by_states(machine_of(LOCKED_BY_TWO)), key=lambda race: race.first.writes and race.second.writes
    )[-2:]
    assert write.variable == "n"
    assert write.first.as_dict() == {
        "thread": "t", "line": 6, "step": "threads.t.do[0].do[0]", "writes": True, "locks": ["a"],
    }  # fmt: skip
    assert write.second.thread == "u"
    assert write.second.locks == ("b",)
    assert write.sentence() == (
        "Data race on n: t writes it at line 6 (holding a) and u writes it at line 7 (holding b), "
        "and nothing orders the two."
    )
    assert read.pair != write.pair
    assert json.loads(json.dumps(write.as_dict()))["second"]["locks"] == ["b"]


def test_a_permit_that_was_sent_is_not_held() -> None:
    """A semaphore that begins without permits passes messages; one that begins with some is held."""
    text = """
sync: {sent: {semaphore: {value: 0}}, kept: {semaphore: {value: 2}}}
state: {n: 0}
main: [{release: {lock: sent, n: 2}}, {start: t}]
threads: {t: {count: 2, do: [{acquire: sent}, {with: kept, do: [{set: {n: 1}}]}]}}
"""
    for detect in DETECTORS.values():
        assert {access.locks for race in detect(machine_of(text)) for access in (race.first, race.second)} == {
            ("kept",)
        }


def test_either_access_may_have_come_first() -> None:
    """A write after a read races as well as a read after a write; the first one is the one that was made first."""
    machine = machine_of("""
state: {n: 0}
threads:
  t: {do: [{log: "{n}"}]}
  u: {do: [{set: {n: 1}}]}
""")
    assert {(race.first.writes, race.second.writes) for race in by_clocks(machine)} == {(True, False), (False, True)}


def test_a_pair_of_places_is_reported_once() -> None:
    """Three like threads race for a counter at two pairs of places: read and write, write and write."""
    races = by_states(machine_of(UNLOCKED.replace("count: 2", "count: 3")))
    assert [(race.first.writes, race.second.writes) for race in races] == [(True, False), (True, True)]


def test_the_state_of_a_race_is_the_first_that_shows_it() -> None:
    """No state before it, in the order of the search, has both threads at these places."""
    machine = machine_of(UNLOCKED)
    packed, space = searched(machine)
    for race in races_in(packed, space):
        before = list(space)[: list(space).index(race.state or 0)]
        part = LinkedSpace()
        part.parents = dict.fromkeys(before)
        assert race.pair not in {other.pair for other in races_in(packed, part)}


def in_turn(machine: Machine, *names: str) -> list[Transition]:
    """The execution in which main goes on where it can, else the first of these threads that can."""
    state, transitions = machine.initial(), []
    while following := {state.threads[c.thread].who.name: (c, after) for c, after in machine.following(state)}:
        transition, state = next(following[name] for name in ("main", *names) if name in following)
        transitions.append(transition)
    return transitions


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        pytest.param(
            BY_ANOTHER_ITEM.replace("queue}", "{queue: {kind: lifo}}}"), "twu", {"result"}, id="the last item"
        ),
        pytest.param(BY_ANOTHER_ITEM, "twu", set(), id="the first item"),
        pytest.param(BY_ANOTHER_ITEM, "wtu", {"result"}, id="the item that was put first"),
        pytest.param(ANOTHER_RESULT, ("p#0", "p#1"), {"n"}, id="the result of the later task"),
        pytest.param(LOCKED_BY_TWO, "tu", {"n"}, id="two locks"),
        pytest.param(UNLOCKED, ("t[0]", "t[1]"), {"n"}, id="one thread after the other"),
        pytest.param(CHECKED_TWICE, ("t[0]", "t[1]"), {"ready", "made"}, id="checked once"),
    ],
)
def test_what_one_execution_shows(text: str, order: Any, expected: set[str]) -> None:
    """Steps far apart race if nothing orders them; the item that was got tells whose steps it was that came before."""
    machine = machine_of(text)
    assert {race.variable for race in races_along(machine, in_turn(machine, *order))} == expected


def test_daemons_race_like_others() -> None:
    """They do so as long as anybody has not ended who must."""
    machine = machine_of("""
state: {n: 0}
main: [{start: t}, {start: u}, {sleep: 1s}]
threads:
  t: {daemon: true, do: [{set: {n: 1}}]}
  u: {daemon: true, do: [{set: {n: 2}}]}
""")
    packed, space = searched(machine)
    (race,) = races_in(packed, space)
    assert not packed.is_over(race.state or 0)
    assert race.variable == "n"


def test_two_atomic_do_not_race_where_others_race_with_them() -> None:
    """A third thread with a plain write races with what is inside, and with that alone."""
    text = BOTH_ATOMIC.replace("threads: {t:", "threads: {u: {do: [{set: {n: 7}}]}, t:")
    for detect in DETECTORS.values():
        races = detect(machine_of(text))
        assert races
        assert all("u" in (race.first.thread, race.second.thread) for race in races)


@pytest.mark.parametrize(
    "text",
    [
        CHECKED_TWICE,
        UNLOCKED,
        LOCKED_AND_READ,
    ],
)
def test_symmetry_keeps_the_races_and_their_locks(text: str) -> None:
    """A search that takes replicas for one another shows the same places and locks."""
    program = machine_of(text.replace("count: 2", "count: 3")).program
    found, _ = search(program, 0, StateSearchOptions(reduction="on"), lambda searched: None)
    assert found.orbits is not None
    races = races_in(found.packed, found.space, found.orbits)
    whole = by_states(Machine(program, folded=FREE, forgets=True))
    assert {_places(race) for race in races} == {_places(race) for race in whole} != set()


def _places(race: Race) -> Any:
    """The variable, and for each place the locks that are held there."""
    return race.variable, frozenset((access.place, access.locks) for access in (race.first, race.second))
