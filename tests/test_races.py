"""Data races and lock-order cycles: what is one and what is not, in a state search and along single executions."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from scenarios_at_random import TAPE, Author

import scenrun
from scenrun.api import load_source
from scenrun.errors import ScenarioError
from scenrun.language.source import decode
from scenrun.model.machine import FREE, Machine, Transition
from scenrun.search.properties.accesses import Race
from scenrun.search.properties.execution_races import races_along
from scenrun.search.properties.lock_holders import Holders
from scenrun.search.properties.lock_order import LockCycle, lock_order_cycles
from scenrun.search.properties.races import races_in
from scenrun.search.reduction.persistent_sets import Reduced
from scenrun.search.space.breadth_first import Breadth, Limits, Space
from scenrun.search.space.packed import Packed
from scenrun.search.space.path import choices_along
from scenrun.search.state_search import StateSearchOptions, search

AT_RANDOM = 250
"""Random scenarios in which the detectors are compared."""
MOST = 2_000
WALKS = 40


def machine_of(text: str) -> Machine:
    """The model of a scenario, as a search has it."""
    program = load_source(decode("races.yaml", f"scenario: races\n{text}".encode())).program
    return Machine(program, folded=FREE, forgets=True)


def searched(machine: Machine, way: type[Breadth] = Breadth) -> tuple[Packed, Space]:
    """The whole space."""
    packed = Packed(machine)
    space = way(packed, Limits(states=MOST)).run()
    return packed, space


def by_states(machine: Machine) -> list[Race]:
    """The races that a state search shows."""
    packed, space = searched(machine)
    assert space.is_closed
    return races_in(packed, space)


def walks(machine: Machine, count: int, seed: int = 0) -> Iterator[list[Transition]]:
    """Executions in which everyone who can move is as likely to be next."""
    chance = random.Random(seed)
    for _ in range(count):
        state, choices = machine.initial(), []
        while len(choices) < 300 and (following := list(machine.following(state))):
            choice, state = chance.choice(following)
            choices.append(choice)
        yield choices


def by_clocks(machine: Machine) -> list[Race]:
    """The races of some random executions."""
    return [race for choices in walks(machine, WALKS) for race in races_along(machine, choices)]


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
        before = list(space.parents)[: list(space.parents).index(race.state or 0)]
        part = Space(parents=dict.fromkeys(before))
        assert race.pair not in {other.pair for other in races_in(packed, part)}


def in_turn(machine: Machine, *names: str) -> list[Transition]:
    """The execution in which main goes on where it can, else the first of these threads that can."""
    state, choices = machine.initial(), []
    while following := {state.threads[c.thread].who.name: (c, after) for c, after in machine.following(state)}:
        choice, state = next(following[name] for name in ("main", *names) if name in following)
        choices.append(choice)
    return choices


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
    assert found.canonical is not None
    races = races_in(found.packed, found.space, found.canonical)
    whole = by_states(Machine(program, folded=FREE, forgets=True))
    assert {_places(race) for race in races} == {_places(race) for race in whole} != set()


def _places(race: Race) -> Any:
    """The variable, and for each place the locks that are held there."""
    return race.variable, frozenset((access.place, access.locks) for access in (race.first, race.second))


# --- the detectors among themselves


def scenarios() -> Iterator[tuple[int, Machine]]:
    """Random scenarios, as far as they can be loaded."""
    for seed in range(AT_RANDOM):
        try:
            program = scenrun.load(Author(random.Random(seed).randbytes(TAPE)).scenario()).program
        except ScenarioError:
            continue
        yield seed, Machine(program, folded=FREE, forgets=True)


@pytest.fixture(scope="module")
def spaces() -> list[tuple[int, Machine, Packed, Space, list[Race]]]:
    """Those whose spaces are small, with their races."""
    out = []
    for seed, machine in scenarios():
        packed, space = searched(machine)
        if space.is_closed:
            out.append((seed, machine, packed, space, races_in(packed, space)))
    assert sum(bool(races) for *_, races in out) > 40
    return out


def test_every_race_of_a_search_is_one_of_some_execution(spaces: list[Any]) -> None:
    """With one access after the other, in one order or the other, the clocks show what the search shows."""
    for seed, machine, packed, space, races in spaces:
        for race in races:
            choices, _ = choices_along(packed, space.path_to(race.state))
            names = [thread.who.name for thread in packed.unpack(race.state).threads]
            one, other = (Transition(names.index(access.thread)) for access in (race.first, race.second))
            found = [races_along(machine, [*choices, *order]) for order in ((one, other), (other, one))]
            assert race.pair in {known.pair for along in found for known in along}, (seed, race)


def test_the_first_race_of_an_execution_is_one_of_the_search(spaces: list[Any]) -> None:
    """Up to there nothing depends on a race, so another schedule brings both accesses side by side."""
    raced = 0
    for seed, machine, _, _, races in spaces:
        pairs = {race.pair for race in races}
        for choices in walks(machine, 4, seed):
            found = races_along(machine, choices)
            first = {race.pair for race in found if race.at == found[0].at}
            assert not first or first & pairs, (seed, choices)
            raced += bool(found)
    assert raced > 100


def test_persistent_sets_keep_every_race(spaces: list[Any]) -> None:
    """Of conflicting accesses that can both come next, a persistent set has both or neither."""
    for seed, machine, _, _, races in spaces:
        packed, space = searched(machine, Reduced)
        assert {race.pair for race in races_in(packed, space)} == {race.pair for race in races}, seed


# --- locks


def cycles_of(text: str) -> list[LockCycle]:
    """The cycles that a state search shows, which those of executions are among."""
    machine = machine_of(text)
    packed, space = searched(machine)
    assert space.is_closed
    found = lock_order_cycles(packed)
    along = lock_order_cycles(machine, walks(machine, WALKS))
    assert {frozenset(cycle.locks) for cycle in along} <= {frozenset(cycle.locks) for cycle in found}
    return found


def crossing(first: str, second: str, more: str = "") -> str:
    """Two threads with these steps, and those of the locks a, b, g and r that they name."""
    named = [name for name in "abgr" if re.search(rf"\b{name}\b", first + second)]
    locks = ", ".join(f"{name}: {'rlock' if name == 'r' else 'lock'}" for name in named)
    return f"sync: {{{locks}{more}}}\nthreads:\n  t: {{do: [{first}]}}\n  u: {{do: [{second}]}}\n"


AB = "{with: a, do: [{with: b, do: [{log: in}]}]}"
BA = "{with: b, do: [{with: a, do: [{log: in}]}]}"
LOCK_CASES = {
    "opposite orders": (crossing(AB, BA), 1),
    "the same order": (crossing(AB, AB), 0),
    "one thread": (crossing(f"{AB}, {BA}", "{log: out}"), 0),
    "a gate": (crossing(f"{{with: g, do: [{AB}]}}", f"{{with: g, do: [{BA}]}}"), 0),
    "a gate of one": (crossing(f"{{with: g, do: [{AB}]}}", BA), 1),
    "an attempt": (crossing("{with: a, do: [{acquire: {lock: b, blocking: false, into: ok}}, {if: ok, then: [{release: b}]}]}", BA), 0),
    "a time-out": (crossing("{with: a, do: [{acquire: {lock: b, timeout: 1s, into: ok}}, {if: ok, then: [{release: b}]}]}", BA), 0),
    "held by an attempt": (
        crossing("{acquire: {lock: a, blocking: false, into: ok}}, {if: ok, then: [{with: b, do: [{log: in}]}, {release: a}]}", BA), 1,
    ),
    "an attempt that failed": (
        crossing("{acquire: {lock: a, blocking: false, into: ok}}, {if: not ok, then: [{with: b, do: [{log: in}]}], else: [{release: a}]}", BA), 0,
    ),
    "a reentrant lock taken again": (
        crossing("{with: r, do: [{with: a, do: [{with: r, do: [{log: in}]}]}]}", "{with: r, do: [{with: a, do: [{log: in}]}]}"), 0,
    ),
    "a reentrant lock given back once": (
        crossing("{acquire: r}, {acquire: r}, {release: r}, {with: a, do: [{log: in}]}, {release: r}", "{with: a, do: [{with: r, do: [{log: in}]}]}"), 1,
    ),
    "a permit": (
        crossing("{with: s, do: [{with: b, do: [{log: in}]}]}", "{with: b, do: [{with: s, do: [{log: in}]}]}", ", s: {semaphore: {value: 1}}"), 1,
    ),
    "two permits": (
        crossing("{with: s, do: [{with: b, do: [{log: in}]}]}", "{with: b, do: [{with: s, do: [{log: in}]}]}", ", s: {semaphore: {value: 2}}"), 0,
    ),
    "a lock as a signal": (
        crossing("{acquire: a}, {with: b, do: [{log: in}]}", "{with: b, do: [{acquire: a}, {release: a}]}, {release: a}"), 0,
    ),
    "a condition takes its lock again": (
        crossing(
            "{with: c, do: [{acquire: b}, {wait: {condition: c, timeout: 1s}}, {release: b}]}",
            "{with: c, do: [{with: b, do: [{log: in}]}]}",
            ", c: condition",
        ), 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LOCK_CASES)
def test_the_cycles_in_the_order_of_locks(case: str) -> None:
    """Opposite orders of different threads are one, unless a gate, an attempt or a signal makes them harmless."""
    text, expected = LOCK_CASES[case]
    assert len(cycles_of(text)) == expected


def test_a_cycle_is_told_with_threads_locks_and_lines() -> None:
    """A person reads it in one sentence, a program as JSON."""
    (cycle,) = cycles_of(crossing(AB, BA))
    assert cycle.locks == ("a", "b")
    assert cycle.sentence() == (
        "Lock order: t takes b (line 4) while it holds a (line 4), and u takes a (line 5) while it holds b (line 5): "
        "a deadlock, if they get there at the same time."
    )
    assert json.loads(json.dumps(cycle.as_dict()))["edges"][1]["thread"] == "u"


def test_one_execution_without_a_deadlock_shows_the_cycle() -> None:
    """Whoever takes both locks one after another leaves the edges of the graph behind."""
    machine = machine_of(crossing(AB, BA))
    for choices in walks(machine, WALKS):
        ended = choices
        state = machine.initial()
        for choice in ended:
            state = machine.step(state, choice) or state
        assert len(lock_order_cycles(machine, [choices])) == 1


def test_philosophers_make_one_cycle_of_all_forks() -> None:
    """Like threads with locks of an array: each fork is a lock of its own."""
    text = """
sync: {forks: {lock: {count: 4}}}
threads: {p: {count: 4, do: [{with: "forks[index]", do: [{with: "forks[(index + 1) % 4]", do: [{log: eats}]}]}]}}
"""
    (cycle,) = cycles_of(text)
    assert cycle.locks == ("forks[0]", "forks[1]", "forks[2]", "forks[3]")


def held_along(text: str, thread: str) -> list[list[str]]:
    """What a thread holds after each of its steps, when nobody else can move."""
    machine = machine_of(text)
    state, holders, out = machine.initial(), Holders(machine), []
    while following := list(machine.following(state)):
        choice, after = following[-1]
        holders.follow(state, choice, after)
        if state.threads[choice.thread].who.name == thread:
            out.append(holders.held(thread))
        state = after
    return out


def test_a_reentrant_lock_is_held_until_it_is_given_back_as_often_as_taken() -> None:
    """Also after a condition's wait, which gives it up altogether and takes it again as often as before."""
    text = """
sync: {r: rlock, c: {condition: {lock: r}}}
threads: {t: {do: [{acquire: r}, {acquire: r}, {wait: {condition: c, timeout: 1s}}, {release: r}, {release: r}]}}
"""
    assert held_along(text, "t") == [["r"], ["r"], [], [], ["r"], ["r"], ["r"], [], []]


def test_permits_that_are_given_back_together_are_held_no_more() -> None:
    """A release of two gives back two."""
    text = """
sync: {s: {semaphore: {value: 2}}}
threads: {t: {do: [{acquire: s}, {acquire: s}, {release: {lock: s, n: 2}}]}}
"""
    assert held_along(text, "t") == [["s"], ["s"], [], []]
