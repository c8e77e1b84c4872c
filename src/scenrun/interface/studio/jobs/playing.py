"""Plays a text: what can be done after some steps, the way to a bad end, and schedules that are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scenrun.errors import UsageError
from scenrun.interface.studio.jobs.wanted import Tell, Wanted
from scenrun.model.move_schedule import parse
from scenrun.model.moves import Diverged, Move, choices_of
from scenrun.model.turn_schedule import json_value
from scenrun.printable import clean
from scenrun.program.loaded import Loaded
from scenrun.search.counterexample.stepper import TIME_IS_FREE, Game, schedule_of
from scenrun.search.counterexample.trace import TraceStep
from scenrun.search.finish import finish_from

FINISH_STATES, FINISH_S = 200_000, 20.0
"""The limits of a search from the middle of a schedule."""


def play(loaded: Loaded, wanted: Wanted, tell: Tell) -> None:
    """Tell what can be done after some steps, each the number of an option before it."""
    game, taken, steps = _taken(loaded, wanted["taken"])
    options = game.options()
    tell({
        "kind": "played", "steps": steps, "taken": taken, "over": [] if options else _over(game), "ended": not options,
        "options": [_step(one.step) for one in options],
        "note": TIME_IS_FREE if loaded.program.reads_clock is not None else "",
        "blocked": [clean(one) for one in game.blocked()] if options else [],
        "held": [{"thread": thread, "names": names} for thread, names in game.held()],
        "values": {name: clean(repr(value)) for name, value in game.values().items()},
    })  # fmt: skip


def finish(loaded: Loaded, wanted: Wanted, tell: Tell) -> None:
    """Tell whether it can still end badly after some steps, and the shortest way there: the numbers of the options to take."""
    loaded.program.refuse_clock("a search from the middle of a schedule")
    game, _, _ = _taken(loaded, wanted["taken"])
    found = finish_from(game.machine, game.state, FINISH_STATES, FINISH_S)
    steps = [_step(game.take(transition)) for transition in found.path]
    tell({
        "kind": "finished", "steps": steps, "numbers": list(found.numbers), "over": _over(game) if found.is_bad else [],
        "states": found.states, "closed": found.closed, "bad": found.is_bad,
    })  # fmt: skip


def keep(loaded: Loaded, wanted: Wanted, tell: Tell) -> None:
    """Tell the schedule of some steps, as the file that `scenrun replay` reads."""
    game, _, _ = _taken(loaded, wanted["taken"])
    schedule = schedule_of(game, loaded.program, wanted["file"])
    tell({"kind": "kept", "schedule": schedule.as_text()})


def follow(loaded: Loaded, wanted: Wanted, tell: Tell) -> None:
    """Tell the numbers of the options that a kept schedule takes."""
    schedule = parse(json_value(wanted["schedule"]), "the schedule")
    try:
        tell({"kind": "followed", "numbers": numbers_of(loaded, schedule.moves)})
    except Diverged as error:
        raise UsageError(f"the schedule does not fit this text: {error}") from None


def numbers_of(loaded: Loaded, moves: Iterable[Move]) -> list[int]:
    """The numbers of the options, from 0, that moves take; raises Diverged where one is none of them."""
    game, numbers = Game(loaded.program), []
    for at, transition in enumerate(choices_of(game.machine, moves)):
        options = [one for one, _ in game.machine.following(game.state)]
        if transition not in options:
            raise Diverged(at, f"move {at + 1:,} is none that a play has")
        numbers.append(options.index(transition))
        game.take(transition)
    return numbers


def _taken(loaded: Loaded, numbers: list[int]) -> tuple[Game, list[int], list[dict[str, Any]]]:
    """A game after some steps, as far as there are such options; the numbers that were taken, and the steps."""
    if loaded.program.objects:
        raise UsageError("a scenario with `objects` is played in the terminal: scenrun play FILE --allow-python")
    game, steps = Game(loaded.program), []
    for number in numbers:
        options = list(game.machine.following(game.state))
        if not 0 <= number < len(options):
            break
        steps.append(_step(game.take(options[number][0])))
    return game, numbers[: len(steps)], steps


def _step(step: TraceStep) -> dict[str, Any]:
    wrong = [f"breaks what is to hold always: {text}" for text in step.broke]
    wrong += [f"{step.thread} ends with {step.fault}"] if step.fault else []
    return {"thread": step.thread, "text": clean(step.text), "line": step.line, "wrong": [clean(one) for one in wrong]}


def _over(game: Game) -> list[str]:
    """What the end shows."""
    return [clean(f"{about.kind}: {text}") for about, text in game.reached()]
