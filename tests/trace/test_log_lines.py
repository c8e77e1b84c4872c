"""What debug lines say of an operation, so that a reader knows the state without the program: the same from every executor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from shown import free, quick, replays, schedule_of, walked
from this_python import told_by_python

import scenrun
from scenrun.execution.replay.plan import plan_of, to_show
from scenrun.language.source import decode
from scenrun.program.loaded import Loaded, load_source
from scenrun.trace.events import schema
from scenrun.trace.recorder import Collector, Recorder

Line = dict[str, Any]


def _run(loaded: Loaded, level: str, take: Callable[[Line], object]) -> None:
    scenrun.run(loaded, level=level, log=take)


def _simulate(loaded: Loaded, level: str, take: Callable[[Line], object]) -> None:
    scenrun.simulate(loaded, level=level, log=take)


def _replay(on: str) -> Callable[[Loaded, str, Callable[[Line], object]], None]:
    """A replay of some path of the model."""

    def replay(loaded: Loaded, level: str, take: Callable[[Line], object]) -> None:
        machine = free(loaded.program)
        wanted = walked(machine, 0)
        assert wanted is not None
        schedule = schedule_of(machine, wanted)
        plan, program = plan_of(loaded.program, schedule), to_show(loaded.program, schedule.finding)
        with quick():
            result = replays(on)(
                program, plan, lambda run: Recorder(run, Collector(take), level=level), seed=schedule.seed, level=level
            )
        assert result.notes["shown"], result.findings

    return replay


WAYS = {"run": _run, "simulate": _simulate, "replayed": _replay("threads"), "followed": _replay("simulator")}
WAY = pytest.mark.parametrize("way", WAYS)
ALONE = pytest.mark.parametrize("way", ["run", "simulate"])
"""The ways in which a wait takes its time, and threads go as they like."""
PLACE = ("timestamp", "level", "run", "seq", "elapsed_s", "thread", "group", "index", "step", "line")
TIMES = ("waited_s", "held_s", "slept_s")


def log_of(way: str, text: str, level: str = "debug") -> list[Line]:
    """The lines of a scenario that goes this way, every one of which the schema accepts."""
    lines: list[Line] = []
    WAYS[way](load_source(decode("scenario.yaml", f"scenario: s\n{text}".encode())), level, lines.append)
    check = jsonschema.Draft202012Validator(schema())
    for line in lines:
        check.validate(line)
    return lines


def own(line: Line, *without: str) -> Line:
    """What a line has beside its place and its times."""
    return {name: value for name, value in line.items() if name not in (*PLACE, *without)}


def told(way: str, text: str, *events: str) -> list[Line]:
    """The lines of some events, without places and times."""
    return [own(line, *TIMES, "event") for line in log_of(way, text) if line["event"] in events]


# --- operations


@WAY
@pytest.mark.parametrize("kind", ["fifo", "lifo", "priority", "simple"])
def test_a_put_says_which_item(way: str, kind: str) -> None:
    """Also of an expression that draws, which is drawn once, and where another thread waits for it."""
    text = f"""
sync: {{q: {{queue: {{kind: {kind}}}}}}}
threads: {{getter: {{do: [{{repeat: 3, do: [{{get: {{queue: q, into: x}}}}, {{log: "{{x}}"}}]}}]}}}}
main: [start: getter, put: {{queue: q, item: "random.randint(1, 10 ** 9)"}}, put: {{queue: q, item: 7}},
  put: {{queue: q, item: 2 + 3}}, join: getter]
"""
    lines = log_of(way, text)
    put = [line["value"] for line in lines if line["event"] == "queue.put"]
    assert put[1:] == [7, 5]
    assert sorted(put) == sorted(line["value"] for line in lines if line["event"] == "queue.got")


@WAY
def test_a_put_that_had_to_wait_says_which_item(way: str) -> None:
    """The second finds no room until somebody gets."""
    text = """
sync: {q: {queue: {maxsize: 1}}}
threads: {getter: {do: [{sleep: 1ms}, {repeat: 2, do: [{get: q}]}]}}
main: [start: getter, put: {queue: q, item: 1}, put: {queue: q, item: 1 + 1}, join: getter]
"""
    assert [line["value"] for line in told(way, text, "queue.put")] == [1, 2]


PARTS = {
    "append: {to: items, item: 1 + 2}": ("variable.appended", {"value": 3}),
    "append: {to: 'items[0]', item: 3}": ("variable.item_appended", {"at": 0, "value": 3}),
    "append: {to: \"items[2]['a']\", item: 3}": ("variable.item_appended", {"at": [2, "a"], "value": 3}),
    "set: {'items[1 + 0]': 3}": ("variable.item_written", {"at": 1, "value": 3}),
    "set: {\"items[2]['b']\": 3}": ("variable.item_written", {"at": [2, "b"], "value": 3}),
    "pop: {from: items, into: _x}": ("variable.popped", {"value": {"a": [5]}}),
    "pop: {from: items, at: 1, into: _x}": ("variable.popped", {"at": 1, "value": 4}),
    "pop: {from: 'items[0]', into: _x}": ("variable.item_popped", {"at": [0, None], "value": 2}),
    "pop: {from: 'items[0]', at: -2}": ("variable.item_popped", {"at": [0, -2], "value": 1}),
    "pop: {from: 'items[2]', at: '\"a\"'}": ("variable.item_popped", {"at": [2, "a"], "value": [5]}),
}


@WAY
@pytest.mark.parametrize("step", PARTS)
def test_a_change_of_a_part_says_which_part_and_its_value(way: str, step: str) -> None:
    """Of a variable by itself, and of one that an `always` looks at, whose every access goes through a lock."""
    event, fields = PARTS[step]
    for more in ("", "expect: {always: ['len(items) > 0']}"):
        text = f"state: {{items: [[1, 2], 4, {{a: [5]}}]}}\nmain:\n  - {step}\n{more}\n"
        assert told(way, text, event) == [{"object": "items", **fields}]


@WAY
def test_a_part_is_where_it_was_when_the_result_is_put_into_its_index(way: str) -> None:
    """`into` may be the very local that said which part."""
    text = "state: {items: [5, 6, 7]}\nmain: [{set: {i: 1}}, {pop: {from: items, at: i, into: i}}, {log: '{i}'}]\n"
    assert told(way, text, "variable.popped") == [{"object": "items", "at": 1, "value": 6}]


@WAY
def test_several_permits_and_several_who_are_notified_are_told(way: str) -> None:
    """On both lines, and only where it is not one."""
    text = """
sync: {s: {semaphore: {value: 0}}, c: condition}
main:
  - release: {lock: s, n: 1 + 1}
  - release: s
  - with: c
    do: [{notify: {condition: c, n: 3}}, {notify: c}]
"""
    assert told(way, text, "semaphore.releasing") == [{"object": "s", "n": 2}, {"object": "s"}]
    assert told(way, text, "semaphore.released") == [{"object": "s", "n": 2}, {"object": "s"}]
    assert told(way, text, "condition.notifying") == [{"object": "c", "n": 3}, {"object": "c"}]
    assert told(way, text, "condition.notified") == [{"object": "c", "n": 3}, {"object": "c"}]


@WAY
def test_an_index_that_is_drawn_or_overwritten_names_one_object(way: str) -> None:
    """Both lines of each operation, and what is really taken, whatever the level."""
    text = """
sync: {locks: {lock: {count: 50}}}
state: {taken: 0}
main:
  - set: {i: 3}
  - acquire: {lock: "locks[i]", into: i}
  - log: "{i}"
  - acquire: "locks[random.randint(4, 49)]"
  - for: k
    in: range(50)
    do: [{if: "locks[k].locked()", then: [{set: {taken: taken * 100 + k}}]}]
"""
    lines = log_of(way, text)
    about = [line["object"] for line in lines if line["event"] == "lock.acquiring"]
    assert about == [line["object"] for line in lines if line["event"] == "lock.acquired"]
    assert about[0] == "locks[3]"
    taken = [line["state"]["taken"] for line in lines if line["event"] == "run.finished"]
    assert taken == [int("3" + about[1][6:-1].zfill(2))]
    assert taken == [line["state"]["taken"] for line in log_of(way, text, "info") if line["event"] == "run.finished"]


# --- tasks


POOL = """
sync: {p: {pool: {max_workers: 1}}}
behaviours: {give: {do: [{return: 4}]}}
threads: {crew: {count: 1, pool: p, target: give}}
main:
  - start: crew
  - submit: {pool: p, target: give, into: a}
  - submit: {pool: p, target: give, into: b}
  - result: {future: a}
  - result: {future: b}
  - cancel: {future: a, into: was_cancelled}
  - log: "{was_cancelled} {b.done()}"
  - join: crew
"""


@WAY
def test_lines_of_a_future_name_its_task(way: str) -> None:
    """By the name that the task's own lines have, which the line of its submission gives, too."""
    submitted = told(way, POOL, "pool.submitted")
    assert submitted == [{"object": "p", "value": "p#0"}, {"object": "p", "value": "p#1"}]
    events = ("future.awaiting", "future.answered", "future.cancelling", "future.cancel_asked", "future.asked")
    assert [line["object"] for line in told(way, POOL, *events)] == ["p#0"] * 2 + ["p#1"] * 2 + ["p#0"] * 2 + ["p#1"]
    assert told(way, POOL, "future.cancel_asked") == [{"object": "p#0", "value": False}]


@WAY
def test_a_task_says_whose_it_is(way: str) -> None:
    """Tasks that were submitted and those that the file declares; no other thread."""
    started = [line for line in log_of(way, POOL) if line["event"] == "thread.started"]
    pools = {line["thread"]: line.get("pool") for line in started}
    assert pools == {"main": None, "crew": "p", "p#0": "p", "p#1": "p"}


@WAY
def test_lines_of_a_spawned_thread_name_it(way: str) -> None:
    """Whoever joins it, and asks whether it is alive."""
    text = """
behaviours: {give: {do: [{return: 4}]}}
main: [spawn: {target: give, into: t}, join: t, log: "{t.is_alive()}"]
"""
    events = ("thread.joining", "thread.joined", "future.asked")
    assert [line["object"] for line in told(way, text, *events)] == ["give#0"] * 3


@WAY
def test_the_first_line_says_which_lock_a_condition_shares_and_what_each_object_begins_with(way: str) -> None:
    """A condition's own lock is an object by itself."""
    text = """
sync: {guard: lock, shared: {condition: {lock: guard}}, alone: condition, s: {semaphore: {value: 3}},
  b: {barrier: {parties: 1}}, q: {queue: {maxsize: 2}}, p: {pool: {max_workers: 2}}}
main:
  - with: shared
    do: [notify: shared]
  - with: alone
    do: [notify: alone]
  - acquire: s
  - wait: b
  - put: {queue: q, item: 1}
  - shutdown: p
"""
    objects = {one["name"]: one for one in log_of(way, text)[0]["objects"]}
    assert objects["shared"]["lock"] == "guard"
    assert "lock" not in objects["alone"]
    assert "alone.lock" in objects
    found = (objects["s"]["value"], objects["b"]["parties"], objects["q"]["maxsize"], objects["p"]["max_workers"])
    assert found == (3, 1, 2, 2)


# --- faults


FAULTS = """
sync: {q: {queue: {maxsize: 1}}, locks: {lock: {count: 2}}, b: {barrier: {parties: 2}}, p: {pool: {max_workers: 1}}}
state: {items: []}
behaviours: {bad: {do: [{raise: "ValueError: no"}]}}
main:
  - try: [get: {queue: q, block: false}]
    except: {queue.Empty: [log: empty]}
  - put: {queue: q, item: 1}
  - try: [put: {queue: q, item: 2, timeout: 1ms}]
    except: {queue.Full: [log: full]}
  - try: [put: {queue: q, item: 2, block: false}]
    except: {queue.Full: [log: full]}
  - set: {i: 1}
  - try: [release: "locks[i]"]
    except: {RuntimeError: [log: unlocked]}
  - try: [wait: {barrier: b, timeout: 1ms}]
    except: {threading.BrokenBarrierError: [log: broken]}
  - try: [pop: {from: items}]
    except: {IndexError: [log: nothing]}
  - try: [set: {_x: 1 // 0}]
    except: {ZeroDivisionError: [log: zero]}
  - submit: {pool: p, target: bad, into: f}
  - try: [result: {future: f}]
    except: {ValueError: [log: bad]}
  - shutdown: p
"""

RAISED = [
    {"object": "q", "type": "queue.Empty", "text": ""},
    {"object": "q", "type": "queue.Full", "text": ""},
    {"object": "q", "type": "queue.Full", "text": ""},
    {"object": "locks[1]", "type": "RuntimeError", "text": "release of `locks[1]`, which is not locked"},
    {"object": "b", "type": "threading.BrokenBarrierError", "text": "`b` is broken"},
    {"object": "items", "type": "IndexError", "text": "pop from empty list"},
    {"type": "ZeroDivisionError", "text": told_by_python("1 // 0")},
    {"object": "p#0", "type": "ValueError", "text": "no"},
]
IN_VAIN = """
sync: {q: queue, locks: {lock: {count: 2}}, e: event}
main:
  - set: {i: 2}
  - acquire: "locks[i - 1]"
  - wait: {event: e, timeout: 1ms}
  - try: [release: "locks[i // 0]"]
    except: {ZeroDivisionError: [log: index]}
  - wait: {event: e, timeout: 1ms}
  - try: [put: {queue: q, item: i // 0}]
    except: {ZeroDivisionError: [log: zero]}
  - wait: {event: e, timeout: 1ms}
  - try: [put: {queue: q, item: "locks[i].locked()"}]
    except: {IndexError: [log: index]}
  - wait: {event: e, timeout: 1ms}
  - try: [acquire: "locks[i]"]
    except: {IndexError: [log: index]}
  - wait: {event: e, timeout: 1ms}
  - try: [{result: {future: i, timeout: 1ms}}]
    except: {TypeError: [log: no future]}
"""


def faults(lines: list[Line], thread: str = "main") -> list[Line]:
    """The faults of a thread."""
    return [line for line in lines if line["event"] == "fault.raised" and line["thread"] == thread]


@WAY
def test_every_fault_has_a_line_where_it_is_raised(way: str) -> None:
    """With its type, its text and the object that it is about, though all of them are caught."""
    lines = log_of(way, FAULTS)
    assert [own(line, "waited_s", "event") for line in faults(lines)] == RAISED
    places = [(line["step"], line["line"]) for line in faults(lines)]
    assert places[0] == ("main[0].try[0]", 7)
    assert len(set(places)) == len(RAISED)
    in_task = [(line["event"], line["type"]) for line in lines if line.get("thread") == "p#0" and "type" in line]
    assert in_task == [("fault.raised", "ValueError"), ("thread.failed", "ValueError")]


@WAY
def test_a_fault_of_an_argument_names_the_object_as_far_as_there_is_one(way: str) -> None:
    """The operation was not begun: it waited for nothing, whatever its thread waited before."""
    assert [(line.get("object"), line["type"], line.get("waited_s")) for line in faults(log_of(way, IN_VAIN))] == [
        (None, "ZeroDivisionError", None),
        ("q", "ZeroDivisionError", 0.0),
        (None, "IndexError", None),
        (None, "IndexError", 0.0),
        (None, "TypeError", 0.0),
    ]


@ALONE
def test_a_fault_says_how_long_its_operation_waited(way: str) -> None:
    """Nothing, where it did not wait though it might have; no word where it never waits."""
    *waits, of_future = [line.get("waited_s") for line in faults(log_of(way, FAULTS))]
    assert [None if w is None else w > 0 for w in waits] == [False, True, False, None, True, None, None]
    assert of_future is not None


@WAY
def test_a_fault_that_passes_through_is_told_once(way: str) -> None:
    """At the end of a `with`, a `finally` and a `try` that does not catch it, it is raised on and not anew."""
    text = """
sync: {guard: lock}
main:
  - try:
      - with: guard
        do:
          - try:
              - try: [raise: "ValueError: once"]
                finally: [log: on its way]
            except: {KeyError: [log: never]}
    except: {ValueError: [log: caught]}
  - raise: "ValueError: twice"
expect: {verdict: exception}
"""
    lines = log_of(way, text)
    assert [line["text"] for line in faults(lines)] == ["once", "twice"]
    last = [line["event"] for line in lines if line["event"] in ("fault.raised", "thread.failed")][-2:]
    assert last == ["fault.raised", "thread.failed"]


@ALONE
def test_faults_that_the_level_leaves_out_are_counted(way: str) -> None:
    """A log at info has no line of a fault that is caught, and says that it is missing."""
    shown, info = log_of(way, FAULTS), log_of(way, FAULTS, "info")
    assert not faults(info)
    assert info[-1]["figures"]["not_shown"] == len(shown) - len(info)


# --- how long it waited


WAITS = """
sync: {l: {lock: {initially: locked}}, r: rlock, s: {semaphore: {value: 0}}, c: condition, e: event, q: queue,
  p: {pool: {max_workers: 1}}, b: {barrier: {parties: 2}}}
behaviours: {nap: {do: [sleep: 20ms]}}
threads:
  holder: {do: [{with: r, do: [{put: {queue: q, item: 1}}, {sleep: 20ms}]}, {wait: b}]}
main:
  - start: holder
  - get: q
  - acquire: {lock: l, timeout: 1ms, into: _a}
  - acquire: {lock: r, timeout: 1ms, into: _b}
  - acquire: {lock: s, timeout: 1ms, into: _c}
  - with: c
    do: [wait: {condition: c, timeout: 1ms, into: _d}]
  - wait: {event: e, timeout: 1ms, into: _e}
  - join: {thread: holder, timeout: 1ms}
  - wait: b
  - join: holder
  - submit: {pool: p, target: nap, into: f}
  - result: {future: f}
  - submit: {pool: p, target: nap, into: g}
  - spawn: {target: nap, into: h}
  - join: h
  - shutdown: p
  - result: {future: g}
"""


@ALONE
def test_waits_whose_time_ran_out_say_so_and_how_long_they_were(way: str) -> None:
    """Locks, semaphores, conditions, events and joins alike."""
    lines = [line for line in log_of(way, WAITS) if line.get("thread") == "main"]
    acquired = {
        line["object"]: (line["acquired"], line["waited_s"] > 0)
        for line in lines
        if line["event"].endswith(".acquired") and line["object"] in ("l", "r", "s")
    }
    assert acquired == {"l": (False, True), "r": (False, True), "s": (False, True)}
    for event in ("condition.woken", "event.waited"):
        assert [(line["value"], line["waited_s"] > 0) for line in lines if line["event"] == event] == [(False, True)]
    assert next(line for line in lines if line["event"] == "thread.joined")["waited_s"] > 0


@WAY
def test_every_operation_that_may_wait_says_how_long(way: str) -> None:
    """Whether it had to or not."""
    ends = (
        "acquired", "got", "woken", "waited", "passed", "joined", "answered", "shut_down", "put",
    )  # fmt: skip
    lines = [line for line in log_of(way, WAITS) if line["event"].partition(".")[2] in ends]
    assert {line["event"].partition(".")[2] for line in lines} == set(ends)
    assert [line["event"] for line in lines if line.get("waited_s", -1) < 0] == []


@ALONE
def test_a_refusal_at_once_waited_for_nothing(way: str) -> None:
    """Whatever the thread waited for before."""
    text = """
sync: {l: {lock: {initially: locked}}, s: {semaphore: {value: 0}}}
main:
  - acquire: {lock: l, timeout: 1ms, into: _a}
  - acquire: {lock: l, blocking: false, into: _b}
  - acquire: {lock: s, timeout: 1ms, into: _c}
  - acquire: {lock: s, blocking: false, into: _d}
"""
    waited = [line["waited_s"] for line in log_of(way, text) if line["event"].endswith(".acquired")]
    assert [one > 0 for one in waited] == [True, False, True, False]


# --- both executors


@pytest.mark.parametrize("text", [FAULTS, POOL], ids=["faults", "pool"])
def test_a_thread_tells_the_same_on_every_executor(text: str) -> None:
    """Its lines in their order, times apart, in a run, a simulation and both replays."""
    logs = {way: log_of(way, text) for way in WAYS}
    for thread in ("main", "p#0"):
        of = {way: [own(line, *TIMES) for line in lines if line.get("thread") == thread] for way, lines in logs.items()}
        assert of["run"] == of["simulate"] == of["replayed"] == of["followed"]
