"""Who may let a blocked thread go on: whoever does is among them, on random schedules of random programs."""

from __future__ import annotations

import random

from scenarios_at_random import TAPE, Author

import scenrun
from scenrun.model.machine import FREE, Machine
from scenrun.model.state import ENDED
from scenrun.search.counterexample.freeing import Freeing
from scenrun.search.counterexample.stepper import Game

PROGRAMS, STEPS = 200, 60


def test_whoever_frees_a_thread_was_named() -> None:
    freed = named = 0
    for number in range(PROGRAMS):
        draw = random.Random(f"freeing {number}")
        program = scenrun.load(Author(draw.randbytes(TAPE)).scenario()).program
        if program.reads_clock is not None or program.any_number:
            continue
        machine = Machine(program, folded=FREE)
        freeing, state = Freeing(machine), machine.initial()
        for _ in range(STEPS):
            ways = list(machine.following(state))
            if not ways:
                break
            able = {transition.thread for transition, _ in ways}
            blocked = [n for n, one in enumerate(state.threads) if one.pc != ENDED and n not in able]
            may_free = {n: names for n in blocked if (names := freeing.names(state, n)) is not None}
            named += len(may_free)
            transition, after = draw.choice(ways)
            who = state.threads[transition.thread].who.name
            for n, names in may_free.items():
                if after.threads[n] == state.threads[n] and any(machine.following_of(after, n)):
                    assert who in names, (number, state.threads[n].who.name, who, names)
                    freed += 1
            state = after
    assert named > 100
    assert freed > 30


def test_it_is_said_beside_what_is_waited_for() -> None:
    """Of a lock it is said who holds it; of a queue, who may put; and where nobody is left, that."""
    game = Game(scenrun.load({
        "scenario": "q", "sync": {"items": "queue", "door": "lock"},
        "threads": {
            "maker": {"do": [{"acquire": "door"}, {"put": {"queue": "items", "item": 1}}, {"release": "door"}]},
            "other": {"do": [{"acquire": "door"}]},
            "taker": {"do": [{"get": {"queue": "items"}}, {"get": {"queue": "items"}}]},
        },
    }).program)  # fmt: skip

    def take(thread: str) -> None:
        game.take(next(one.transition for one in game.options() if one.step.thread == thread))

    def told(thread: str) -> str:
        (found,) = [one for one in game.blocked() if one.startswith(f"{thread}:")]
        return found

    for _ in range(3):
        take("main")
    assert told("taker").endswith("; maker may free it")
    take("maker")
    assert "held by maker" in told("other")
    assert "free" not in told("other")
    take("maker")
    take("taker")
    assert told("taker").endswith("; nobody is left who could free it")
    assert "free" not in told("main")


def test_a_lock_may_be_released_by_another_thread_than_its_holder() -> None:
    """Which is then said, and that nobody will where the holder does not."""
    threads = {"holds": {"do": [{"acquire": "door"}, {"acquire": "door"}]}, "frees": {"do": [{"release": "door"}]}}
    for named, expected in (
        (threads, "; frees may free it"),
        ({"holds": threads["holds"]}, "; nobody is left who could free it"),
    ):
        game = Game(scenrun.load({"scenario": "d", "sync": {"door": "lock"}, "threads": named}).program)
        while (first := [one for one in game.options() if one.step.thread != "frees"]) and len(game.transitions) < 9:
            game.take(first[0].transition)
        (told,) = [one for one in game.blocked() if one.startswith("holds:")]
        assert "held by holds" in told
        assert told.endswith(expected)


def test_what_broke_is_told_with_the_values_that_broke_it() -> None:
    """Also where the schedule goes on until everyone has ended."""
    game = Game(scenrun.load({
        "scenario": "v", "state": {"n": 0}, "expect": {"always": ["n < 1"]},
        "threads": {"a": {"do": [{"set": {"n": 1}}, {"set": {"n": 0}}]}},
    }).program)  # fmt: skip
    while options := game.options():
        game.take(options[0].transition)
    assert [text for _, text in game.reached()] == ["n < 1 is to hold always, and is broken with step 2, of a (n is 1)"]
