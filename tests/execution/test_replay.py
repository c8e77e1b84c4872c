"""Schedules of moves: their names, their files, and their replay in virtual time and on real threads."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import jsonschema
import pytest
from replays import CROSSED, FOLDER, ON, deadlocked
from scenarios_drawn import each_scenario
from shipped import shipped
from shown import Wanted, cycle, every_end, free, quick, replay_of, replays, schedule_of, unlike, walked

import scenrun
from scenrun.execution.replay.plan import plan_of
from scenrun.execution.threads.context import Context, Cut
from scenrun.execution.threads.locks import RealLock
from scenrun.language.source import decode
from scenrun.model.machine import Machine
from scenrun.model.move_schedule import read, schema
from scenrun.model.moves import Diverged, Move, choices_of, moves_of
from scenrun.program.loaded import load_source
from scenrun.search.space.plain_search import End
from scenrun.trace.recorder import Recorder

SHIPPED = sorted(FOLDER.rglob("*.yaml"))

POLITE = """
sync: {forks: {lock: {count: 2}}}
threads:
  eater:
    count: 2
    do:
      - while: true
        do:
          - acquire: forks[index]
          - acquire: {lock: "forks[1 - index]", blocking: false, into: got_both}
          - if: got_both
            then: [break]
          - release: forks[index]
      - release: forks[0]
      - release: forks[1]
"""


def machine_of(text: str) -> Machine:
    """The free model of a scenario's text."""
    return free(load_source(decode("scenario.yaml", f"scenario: s\n{text}".encode())).program)


@pytest.fixture
def impatient() -> Iterator[None]:
    """Real runs that look up often."""
    with quick():
        yield


# --- names of moves


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_moves_name_the_choices_of_a_path(path: Path) -> None:
    """From choices to names and back: the same choices, along random walks through every scenario of the repository."""
    machine = free(shipped(path).program)
    for seed in range(3):
        if (found := walked(machine, seed)) is not None:
            assert choices_of(machine, moves_of(machine, found.transitions)) == list(found.transitions)


def test_moves_survive_comments_and_layout() -> None:
    """A file that says the same in other lines takes the same moves."""
    before = machine_of(CROSSED)
    after = machine_of(
        "# first\n\n" + CROSSED.replace("{acquire: a}, {acquire: b}", "\n    {acquire: a}, # why\n    {acquire: b}")
    )
    found = deadlocked(before)
    moves = moves_of(before, found.transitions)
    assert choices_of(after, moves) == list(found.transitions)
    assert moves_of(after, found.transitions) == moves


MAIN = [Move("main", "thread.start", "threads.left"), Move("main", "thread.start", "threads.right")]
LEFT = Move("left", "lock.acquire", "threads.left.do[0]")


@pytest.mark.parametrize(
    ("moves", "number", "said"),
    [
        ([LEFT], 0, "left has not been started then"),
        ([*MAIN, LEFT, LEFT], 3, "left is about to do lock.acquire at threads.left.do[1] (line 5) instead"),
        ([*MAIN, LEFT, Move("right", "lock.acquire", "threads.right.do[0]"), Move("left", "lock.acquire", "threads.left.do[1]")],
         4, "it cannot move, as it has to wait for b at threads.left.do[1] (line 5)"),
        ([*MAIN, LEFT._replace(expires=True)], 2, "its time cannot be up, as it need not wait"),
        ([*MAIN, LEFT._replace(alternative=3)], 2, "there is no alternative 3"),
        ([*MAIN, LEFT, Move("right", "lock.acquire", "threads.right.do[0]"),
          Move("left", "lock.acquire", "threads.left.do[1]", expires=True)], 4, "it waits without a time-out"),
    ],
)  # fmt: skip
def test_a_move_that_does_not_fit_is_told_with_what_is_so_instead(moves: list[Move], number: int, said: str) -> None:
    """The first point of difference: which move, what its thread is about to do, and at which line."""
    with pytest.raises(Diverged, match=f"move {number + 1} ") as caught:
        choices_of(machine_of(CROSSED), moves)
    assert caught.value.number == number
    assert said in str(caught.value)


def test_nobody_moves_after_the_end() -> None:
    """Also no daemon: it is cut off where everyone else has ended."""
    machine = machine_of("threads: {ghost: {daemon: true, do: [{while: true, do: [{sleep: 1ms}]}]}}")
    found = every_end(machine, 1_000)[0]
    ghost = Move("ghost", "jump", "threads.ghost.do[0]")
    with pytest.raises(Diverged, match="everyone who must end has ended by then"):
        choices_of(machine, [*moves_of(machine, found.transitions), ghost])


# --- files


def test_a_schedule_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    """Written and read, and as the published schema says."""
    machine = machine_of(POLITE)
    transitions, first = cycle(machine, {"eater[0]", "eater[1]"})
    schedule = schedule_of(
        machine, Wanted(End(frozenset(), None), transitions), cycle_from=first, overrides={"threads.eater.count": 2},
        finding=("livelock", "eater[0], eater[1]"),
    )  # fmt: skip
    schedule.save(tmp_path / "x.json")
    assert read(tmp_path / "x.json") == schedule
    jsonschema.Draft202012Validator(schema()).validate(json.loads((tmp_path / "x.json").read_text()))


def test_a_schedule_of_turns_fits_the_published_schema(tmp_path: Path) -> None:
    """Version 1, as a simulation writes it."""
    scenrun.simulate(FOLDER / "lost_update.yaml", save_schedule=tmp_path / "x.json")
    jsonschema.Draft202012Validator(schema()).validate(json.loads((tmp_path / "x.json").read_text()))


GOOD = {
    "schedule": 2, "scenario": "s", "file": "s.yaml", "overrides": {}, "digest": "0", "seed": 0, "time": "free",
    "finding": None, "cycle_from": None, "moves": [{"thread": "main", "op": "end"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schedule": 4}, "is a schedule of version 4, and this scenrun knows those up to 3"),
        ({"schedule": 1}, "is a schedule of turns; `scenrun simulate FILE --schedule"),
        ({"schedule": True}, "is no schedule"),
        ({"schedule": "2"}, "is no schedule"),
        ({"moves": {}}, "damaged schedule: `moves` is a list"),
        ({"moves": ["end"]}, "damaged schedule: move 1 is end"),
        ({"moves": [{"thread": "main", "op": "end", "pc": 3}]}, "damaged schedule: move 1 is"),
        ({"moves": [{"thread": "main", "op": 5}]}, "`op` is a text, not 5"),
        ({"moves": [{"thread": "main", "op": "end", "phase": -1}]}, "-1 is no whole number"),
        ({"moves": [{"thread": "main", "op": "end", "expires": 1}]}, "`expires` of move 1 is true or false"),
        ({"seed": None}, "None is no whole number"),
        ({"seed": 1 << 64}, "`seed` is below"),
        ({"time": "late"}, "`time` is free or virtual, not late"),
        ({"finding": "deadlock"}, "damaged schedule"),
        ({"finding": {"kind": "deadlock"}}, "'about' is missing"),
        ({"cycle_from": 0}, "only a livelock, or what never comes to hold, has a cycle"),
        ({"cycle_from": 1, "finding": {"kind": "livelock", "about": "main"}}, "there is no move 1"),
        ({"overrides": 5}, "damaged schedule"),
    ],
)
def test_a_wrong_schedule_is_refused_with_a_sentence(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """Damaged, foreign, or newer."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(scenrun.UsageError) as caught:
        read(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b"{}", b'{"schedule": 2}', b"null"])
def test_what_is_no_schedule_is_refused(tmp_path: Path, data: bytes) -> None:
    """Whatever the file holds."""
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(scenrun.UsageError):
        read(tmp_path / "x.json")


@pytest.mark.parametrize("name", list(GOOD))
def test_a_schedule_without_one_of_its_fields_is_damaged(tmp_path: Path, name: str) -> None:
    """Nothing is guessed."""
    (tmp_path / "x.json").write_text(json.dumps({key: value for key, value in GOOD.items() if key != name}))
    with pytest.raises(scenrun.UsageError):
        read(tmp_path / "x.json")


# --- replay


@ON
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_the_model_shows_of_a_scenario_is_shown_again(path: Path, on: str) -> None:
    """Some ends of every scenario of the repository, above all those with findings, and one random walk."""
    machine = free(shipped(path).program)
    ends = sorted(every_end(machine, 3_000), key=lambda one: not one.end.findings)[:5]
    for wanted in filter(None, [*ends, walked(machine, 1)]):
        assert (wrong := unlike(on, machine, wanted)) is None, wrong


PARTS, EACH = 4, 50


@ON
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_outcome_of_small_scenarios_is_shown(part: int, on: str) -> None:
    """The model from the other side: what it allows of random scenarios comes of these very moves, also on real threads."""

    def check(scenario: dict[str, Any]) -> None:
        machine = free(scenrun.load(scenario).program)
        for wanted in filter(None, [*every_end(machine, 300)[:6], walked(machine, part)]):
            assert (wrong := unlike(on, machine, wanted)) is None, wrong

    each_scenario(100 + part, EACH, check)


CORNERS = {
    "a notify is spent on a waiter whose time is up": """
sync: {guard: lock, ready: {condition: {lock: guard}}}
state: {got: []}
threads:
  late: {do: [{acquire: guard}, {wait: {condition: ready, timeout: 1h, into: woken}}, {append: {to: got, item: "[1, woken]"}}]}
  other: {do: [{acquire: guard}, {notify: ready}, {release: guard}]}
  third: {do: [{release: guard}]}
""",
    "an event that is set and cleared at once wakes who is parked": """
sync: {go: event}
state: {got: null}
threads:
  one: {do: [{wait: {event: go, timeout: 1h, into: got}}]}
  two: {do: [{set_event: go}, {clear_event: go}]}
""",
    "a barrier is broken by a time-out, reset, and passed": """
sync: {gate: {barrier: {parties: 2}}}
state: {passed: 0, broken: 0}
threads:
  one:
    count: 3
    do:
      - try: [{wait: {barrier: gate, timeout: 1ms}}, {set: {passed: passed + 1}}]
        except: {threading.BrokenBarrierError: [{set: {broken: broken + 1}}]}
  two: {do: [{reset: gate}]}
""",
    "a task is cancelled in line, or not any more": """
sync: {crew: {pool: {max_workers: 1}}}
state: {was: []}
behaviours: {job: {do: [{append: {to: was, item: "'ran'"}}]}}
main:
  - submit: {pool: crew, target: job}
  - submit: {pool: crew, target: job, into: late}
  - cancel: {future: late, into: gone}
  - append: {to: was, item: gone}
  - shutdown: {pool: crew, cancel_futures: true}
""",
    "a task is cancelled while its pool is being shut down": """
sync: {crew: {pool: {max_workers: 1}}}
state: {was: null}
behaviours: {job: {do: [{set: {was: "'ran'"}}]}}
threads: {closer: {do: [{shutdown: crew}]}}
main:
  - start: closer
  - try:
      - submit: {pool: crew, target: job, into: late}
      - cancel: {future: late, into: gone}
      - if: gone
        then: [{set: {was: gone}}]
    except: {RuntimeError: [{set: {was: "'refused'"}}]}
""",
    "a timer fires or is cancelled": """
sync: {alarm: {timer: {after: 1h, target: ring}}}
state: {rang: false}
behaviours: {ring: {do: [{set: {rang: true}}]}}
main: [{start: alarm}, {cancel: alarm}, {join: alarm}]
""",
    "time is up for a wait of any kind": """
sync: {q: {queue: {}}, guard: {lock: {initially: locked}}, permits: {semaphore: {value: 0}}}
state: {got: []}
threads:
  one: {do: [{acquire: {lock: guard, timeout: 1h, into: took}}, {append: {to: got, item: took}}]}
  two: {do: [{acquire: {lock: permits, timeout: 1h, into: took}}, {append: {to: got, item: took}}]}
  three: {do: [{get: {queue: q, timeout: 1h}}]}
  four: {do: [{join: {thread: one, timeout: 1h}}, {release: guard}]}
""",
    "a deadline comes or does not": """
sync: {guard: lock, ready: {condition: {lock: guard}}}
state: {n: 0, seen: 5}
threads:
  one:
    do:
      - acquire: guard
      - wait_for: {condition: ready, until: n > 0, timeout: 1h, into: seen}
      - release: guard
  two: {do: [{acquire: guard}, {set: {n: 1}}, {notify_all: ready}, {release: guard}]}
""",
}


@ON
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("text", CORNERS.values(), ids=CORNERS)
def test_each_end_of_a_corner_is_shown(text: str, on: str) -> None:
    """Operations of several actions, each of which is a move; all ends that there are."""
    machine = machine_of(text)
    ends = every_end(machine, 30_000)
    assert len(ends) > 1
    for wanted in [*ends, *filter(None, (walked(machine, seed) for seed in range(20)))]:
        assert (wrong := unlike(on, machine, wanted)) is None, wrong


@ON
@pytest.mark.usefixtures("impatient")
def test_a_livelock_goes_round_three_times(on: str) -> None:
    """The prefix and three turns are made, and the finding says who goes round."""
    machine = machine_of(POLITE)
    transitions, first = cycle(machine, {"eater[0]", "eater[1]"})
    schedule = schedule_of(
        machine,
        Wanted(End(frozenset(), None), transitions),
        cycle_from=first,
        finding=("livelock", "eater[0], eater[1]"),
    )
    result, plan = replay_of(on, machine, schedule)
    assert len(plan.made) == first + 3 * (len(transitions) - first)
    assert (result.verdict, result.ok, result.notes["shown"]) == ("livelock", True, True)
    assert "eater[0] and eater[1] can go round for ever" in result.findings[0].message


@ON
@pytest.mark.usefixtures("impatient")
def test_a_schedule_that_ends_in_the_middle_ends_the_run_there(on: str) -> None:
    """As a limit does: every thread is shown, nobody goes on, and it was replayed to its end."""
    machine = machine_of(CROSSED)
    result, _ = replay_of(
        on, machine, schedule_of(machine, Wanted(End(frozenset(), None), deadlocked(machine).transitions[:3]))
    )
    assert result.verdict == "incomplete"
    assert result.findings[0].message == "the schedule ends here"
    assert {one.thread for one in result.findings[0].threads} >= {"main"}
    assert result.notes["shown"]


@ON
@pytest.mark.usefixtures("impatient")
def test_nothing_is_said_to_be_shown_that_was_not(on: str) -> None:
    """Other threads, another kind, or nothing at all: `shown` is false."""
    machine = machine_of(CROSSED)
    stuck = schedule_of(machine, deadlocked(machine))
    fine = schedule_of(machine, next(one for one in every_end(machine, 10_000) if not one.end.findings))
    for schedule, finding in (
        (stuck, ("deadlock", "left, right")), (stuck, ("exception", "left")), (fine, ("deadlock", "left, main, right")),
        (fine, ("violated", "x")), (fine, ("livelock", "left")),
    ):  # fmt: skip
        result, _ = replay_of(on, machine, replace(schedule, finding=finding))
        assert not result.notes["shown"], finding


def test_a_replay_in_virtual_time_is_the_same_to_the_byte() -> None:
    """Twice the same lines; a sleep takes its time, and a wait that expires ends at its deadline."""
    machine = machine_of("""
sync: {q: {queue: {}}}
threads:
  one: {do: [{log: before}, {sleep: 2s}, {get: {queue: q, timeout: 5s}}, {log: after}]}
expect: {verdict: exception}
""")
    found = next(one for one in every_end(machine, 100) if one.end.findings)
    logs = []
    for _ in range(2):
        lines: list[dict[str, Any]] = []
        scenrun.replay(
            schedule_of(machine, found), scenario=load_source(machine.program.source), level="debug", log=lines.append
        )
        logs.append(lines)
    assert logs[0] == logs[1]
    slept = next(line for line in logs[0] if line["event"] == "sleep.ended")
    failed = next(line for line in logs[0] if line["event"] == "thread.failed")
    assert slept["slept_s"] == 2
    assert 7 <= failed["elapsed_s"] < 7.1


@pytest.mark.usefixtures("impatient")
def test_the_logs_of_replays_have_the_events_of_any_run() -> None:
    """Both kinds of replay against the published schema, at every detail."""
    validator = jsonschema.Draft202012Validator(json.loads((FOLDER.parent / "schemas/event.schema.json").read_text()))
    machine = free(scenrun.load(FOLDER / "condition_buffer.yaml").program)
    found = walked(machine, 3)
    assert found is not None
    for on in ("simulator", "threads"):
        lines: list[dict[str, Any]] = []
        scenrun.replay(schedule_of(machine, found), on=on, level="debug", log=lines.append)
        for line in lines:
            validator.validate(line)


@ON
@pytest.mark.usefixtures("impatient")
def test_a_replay_looks_at_expectations_that_an_ordinary_run_cannot(on: str) -> None:
    """An `always` that asks objects is looked at after every move: one thread moves at a time."""
    machine = machine_of("""
sync: {q: {queue: {}}, guard: lock}
threads:
  one: {do: [{with: guard, do: [{put: {queue: q, item: 1}}, {get: q}]}]}
expect: {always: ["not (guard.locked() and q.qsize() == 1)"], verdict: violated}
""")
    found = every_end(machine, 1_000)[0]
    assert dict(found.end.findings).keys() == {"violated"}
    result, _ = replay_of(on, machine, schedule_of(machine, found))
    assert (result.verdict, result.notes["shown"], len(result.findings)) == ("violated", True, 1)


def hang(lock: RealLock, me: Context, *_: Any) -> bool:
    """An acquire that does not return."""
    while not me.cut:
        time.sleep(0.01)
    raise Cut


def test_a_real_object_that_does_not_do_as_the_model_says_fails_the_replay() -> None:
    """Never a hang and never shown: the move at which it happened is told."""
    machine = machine_of(CROSSED)
    schedule = schedule_of(machine, deadlocked(machine))
    plan = plan_of(machine.program, schedule)
    with quick(1.0), mock.patch.object(RealLock, "_took", lambda self, me: self.real.release()):
        from scenrun.execution.replay.on_threads import replay_program

        result = replay_program(machine.program, plan, lambda run: Recorder(run, None), seed=0)
    assert not result.notes["shown"]
    with quick(1.0), mock.patch.object(RealLock, "acquire", hang):
        result = replay_program(machine.program, plan, lambda run: Recorder(run, None), seed=0)
    assert not result.notes["shown"]
    assert result.verdict == "incomplete"
    assert "the replay failed at move" in result.findings[0].message
    assert "did not return at once" in result.findings[0].message


LED = [0]


def led() -> int:
    """What a `call` step gives: no function of its arguments."""
    return LED[0]


@ON
@pytest.mark.usefixtures("impatient")
def test_a_call_that_leads_elsewhere_fails_the_replay_with_its_place(on: str) -> None:
    """Where a function of the user's gives something else than in the model, the first move that does not come is told."""
    machine = machine_of("""
state: {n: 0}
threads:
  one:
    do:
      - call: {function: "test_replay:led", into: found}
      - if: found > 0
        then: [{set: {n: 1}}]
""")
    with mock.patch.object(sys.modules[__name__], "LED", [0]):
        plan = plan_of(machine.program, schedule_of(machine, every_end(machine, 1_000)[0]))
        LED[0] = 1
        result = replays(on)(machine.program, plan, lambda run: Recorder(run, None), seed=0)
    assert not result.notes["shown"]
    assert "the replay failed at move" in result.findings[-1].message
    assert "(line 9)" in result.findings[-1].message
