"""Where code does what its model cannot do: what they did alike until then, side by side, and the first step that differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scenrun.model.state import BEGINNING, ENDED, State, Thread
from scenrun.own_code.conforming.events import ANYTHING, Began, Call, Came, End, Event, Returned, plain, short_name
from scenrun.own_code.conforming.model_runs import ModelRuns, Run, Seen
from scenrun.search.counterexample.trace import step_between

MOST_WAYS = 4
"""Things that the model could do instead that are told."""
NOT_YET, WAITS = "has not", "waits"


@dataclass(frozen=True, slots=True)
class Row:
    """One step of both, or of one of them."""

    thread: str
    code: str
    model: str
    is_different: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"thread": self.thread, "code": self.code, "model": self.model, "different": self.is_different}


def rows_of(
    runs: ModelRuns, events: Sequence[Event], places: Sequence[str], end: End | None, waiting: Mapping[str, str]
) -> list[Row]:
    """What both did, up to the first step that differs.

    - places: for each event, where it is in the code.
    - end: how the execution ended.
    - waiting: what threads of the code wait for, and where.
    """
    seen, count = runs.explain(events)
    if count < len(events):
        event = events[count]
        assert isinstance(event, Returned)  # that a call begins rules out no run
        return _before_and(runs, seen, events, places, event)
    assert end is not None
    run = _most_alike(runs, seen, end)
    out = [*_alike(runs, events, places, run), *_pending(runs, seen, events, places, [])]
    different = list(_different_ends(runs, seen, run, end, waiting))
    return [*out, *(different or [_all_at_once(runs, seen, end)])]


def _before_and(
    runs: ModelRuns, seen: Seen, events: Sequence[Event], places: Sequence[str], event: Returned
) -> list[Row]:
    """What both did until a call that returns what it cannot in the model, and that call."""
    caller, count = event.thread, seen.number
    out = [*_alike(runs, events[:count], places, seen.runs[0]), *_pending(runs, seen, events, places, [caller])]
    text = _call_text(seen.calls[caller], places[_begun_at(events[:count], caller)], event.came)
    return [*out, Row(caller, text, _instead(runs, seen.runs, caller), is_different=True)]


def _alike(runs: ModelRuns, events: Sequence[Event], places: Sequence[str], run: Run) -> Iterator[Row]:
    """The calls of the code, each beside the step of the model that it is, in the order of these."""
    machine = runs.machine
    callers = {model: code for code, model in run.bound}
    for number, (before, transition, after, at) in enumerate(run.steps(), 1):
        thread = before.threads[transition.thread]
        now = after.threads[transition.thread]
        if (
            runs.compared_step(thread) is None or now.phase > thread.phase
        ):  # of a step in several parts, the last is told
            continue
        told = step_between(machine, number, before, transition, after)
        caller = callers.get(thread.who.name, thread.who.name)
        begun_at = _begun_at(events[:at], caller)
        came = next((one.came for one in events[begun_at:] if isinstance(one, Returned) and one.thread == caller), None)
        call = events[begun_at]
        assert isinstance(call, Began)
        yield Row(caller, _call_text(call.call, places[begun_at], came), f"{told.text}{_line(told.line)}")


def _pending(
    runs: ModelRuns, seen: Seen, events: Sequence[Event], places: Sequence[str], skip: Sequence[str]
) -> Iterator[Row]:
    """Calls that have begun, that have not returned, and that the model has not made in all runs."""
    for thread, call in seen.calls.items():
        if thread not in skip and any(thread not in dict(run.done) for run in seen.runs):
            place = places[_begun_at(events[: seen.number], thread)]
            yield Row(thread, f"is in {_call_text(call, place, None)}", _instead(runs, seen.runs, thread))


def _begun_at(events: Sequence[Event], thread: str) -> int:
    """The number of the event with which the last call of a thread begins."""
    return max(at for at, event in enumerate(events) if _is_call(event, thread))


def _is_call(event: Event, thread: str) -> bool:
    return isinstance(event, Began) and event.call.thread == thread


def _call_text(call: Call, place: str, came: Came | None) -> str:
    given = ", ".join(_shown(value) for name, value in call.arguments if (name, value) != ("n", 1))
    text = f"{call.object}.{call.operation}({given})"
    if came is not None and came.error is not None:
        text += f" raises {came.error}"
    elif came is not None and (came.result is not None or call.operation == "get"):
        text += f" -> {_shown(came.result)}"
    return f"{text}{place}"


def _shown(value: Any) -> str:
    """A value as it is compared, as text."""
    if value is ANYTHING:
        return ".."
    if not isinstance(value, tuple):
        return repr(value)
    kind, *parts = value
    if kind is list:
        return f"[{', '.join(map(_shown, parts))}]"
    if kind is dict:
        return "{" + ", ".join(f"{_shown(name)}: {_shown(one)}" for _, name, one in parts) + "}"
    return repr(float.fromhex(parts[0]) if kind is float else parts[0])


def _instead(runs: ModelRuns, some: Sequence[Run], caller: str) -> str:
    """What the model's thread comes to in some runs, in place of what the code did: results, or as far as it gets."""
    came = dict.fromkeys(_came(one) for run in some if (one := dict(run.done).get(caller)) is not None)
    if came:
        return _one_of(list(came))
    furthest = max(some, key=lambda run: (_steps_of(runs, run, caller), len(run.steps())))
    return _instead_in(runs, furthest, caller)


def _steps_of(runs: ModelRuns, run: Run, caller: str) -> int:
    """How many steps the model's thread has made in a run."""
    names = _names_of(runs, run, caller)
    return sum(1 for before, transition, *_ in run.steps() if before.threads[transition.thread].who.name in names)


def _names_of(runs: ModelRuns, run: Run, caller: str) -> Sequence[str]:
    """The model's thread that a thread of the code is in a run; none where that is not known."""
    return [caller] if caller in runs.compared.threads else [model for code, model in run.bound if code == caller]


def _came(came: Came) -> str:
    return f"raises {came.error}" if came.error is not None else f"-> {_shown(came.result)}"


def _one_of(ways: Sequence[str]) -> str:
    more = f", or {len(ways) - MOST_WAYS} more" if len(ways) > MOST_WAYS else ""
    return f"{', or '.join(ways[:MOST_WAYS])}{more}"


def _instead_in(runs: ModelRuns, run: Run, caller: str) -> str:
    came = dict(run.done).get(caller)
    if came is not None:
        return _came(came)
    return ", or ".join(_at(runs, run.state, name) for name in _names_of(runs, run, caller)) or "no thread does that"


def _at(runs: ModelRuns, state: State, name: str) -> str:
    """Where a thread of the model is, in words."""
    number = next((at for at, one in enumerate(state.threads) if one.who.name == name), None)
    if number is None:
        return f"{NOT_YET} been started"
    thread = state.threads[number]
    if thread.pc == ENDED:
        return _ended(None if thread.fault is None else short_name(thread.fault.type))
    return _about_to(runs, state, number, thread)


def _about_to(runs: ModelRuns, state: State, number: int, thread: Thread) -> str:
    instruction = runs.machine.instruction_of(thread)
    line = _line(None if instruction is None else instruction.line)
    if thread.pc == BEGINNING or instruction is None:
        return f"{NOT_YET} begun{line}"
    verb = instruction.op.partition(".")[2] or instruction.op
    name = runs.machine.slots.label(thread.slots[0]) if thread.slots else ""
    waits = next(runs.machine.following_of(state, number), None) is None
    operation = runs.machine.operation_of(thread)
    item = ""
    if operation is not None and "item" in operation.parameters and "item" in runs.compared.arguments:
        item = f" <- {_shown(plain(thread.arguments[operation.parameters.index('item')]))}"
    return f"{WAITS if waits else 'comes'} to {verb} {name}".rstrip() + item + line


def _line(line: int | None) -> str:
    return f" (line {line})" if line else ""


def _all_at_once(runs: ModelRuns, seen: Seen, end: End) -> Row:
    """The ends where each part of the code's is one of the model's, but not all of them together."""
    over = [run for run in seen.runs if runs.machine.is_over(run.state)]
    ways = dict.fromkeys(
        ", ".join(f"{name} is {_shown(runs.value(run, name))}" for name, _ in end.values) for run in over
    )
    said = ", ".join(f"{name} is {_shown(value)}" for name, value in end.values)
    others = "ends in another way, or goes on"
    return Row("", f"{said} at the end".strip(), _one_of([way for way in ways if way]) or others, is_different=True)


def _most_alike(runs: ModelRuns, seen: Seen, end: End) -> Run:
    """The run whose end is most like the code's: over where that is over, with few threads that can go on where it is stuck."""

    def unlike(run: Run) -> int:
        going_on = sum(1 for _ in runs.machine.following(run.state))
        return going_on if end.waiting else 1_000 * (not runs.machine.is_over(run.state)) + going_on

    return min(seen.runs, key=unlike)


def _different_ends(runs: ModelRuns, seen: Seen, run: Run, end: End, waiting: Mapping[str, str]) -> Iterator[Row]:
    """What is different at the end. run: the one that is most alike."""
    ended = dict(end.faults)
    over = [one for one in seen.runs if runs.machine.is_over(one.state)] or seen.runs
    for name in (*ended, *end.waiting):
        says = _instead_in(runs, run, name)
        said = waiting.get(name, "waits for ever") if name in end.waiting else _ended(ended[name])
        if not _names_of(runs, run, name):
            if name in end.waiting or ended[name] is not None:
                yield Row(name, said, "no thread that is left does that", is_different=True)
        elif not (says.startswith(WAITS) if name in end.waiting else says == said):
            yield Row(name, said, _instead(runs, over, name), is_different=True)
    if end.waiting:
        return
    for name, value in end.values:
        values = dict.fromkeys(_shown(runs.value(one, name)) for one in over)
        if value is not ANYTHING and _shown(value) not in values:
            yield Row(
                "", f"{name} is {_shown(value)} at the end", f"{name} is {_one_of(list(values))}", is_different=True
            )


def _ended(fault: str | None) -> str:
    return "has ended" if fault is None else f"has ended with {fault}"
