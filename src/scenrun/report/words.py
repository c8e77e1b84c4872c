"""The wording of log events, with the thread as the subject: `wants guard`, `got 43 from pipeline (3 in it)`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from scenrun.program.primitives.registry import is_for_threads, waiting
from scenrun.report.amounts import counted, seconds
from scenrun.trace.analysis import operations
from scenrun.trace.events import author_fields

Event = dict[str, Any]
MAX_LISTED = 12
"""The most threads of a finding that are listed."""
_HEAD = frozenset(
    ("timestamp", "level", "event", "run", "seq", "elapsed_s", "thread", "group", "index", "step", "line", "message")
)


def event_in_words(event: Event) -> str:
    """An event in words; one of an operation without words of its own by its name, another unknown event as its fields."""
    name = event["event"]
    say = _WORDS.get(name)
    if isinstance(say, str):
        return say.format(_object(event)) + _times(event)
    if say is not None:
        return say(event)
    if name.endswith(".asked"):
        return f"sees {_object(event) or name.partition('.')[0]}.{event.get('question')} = {value(event.get('value'))}"
    if name in operations.ABOUT:
        return f"is about to {_doing(operations.ABOUT[name])} {_object(event)}"
    if name in operations.DONE:
        return f"did {_doing(operations.DONE[name])} {_object(event)}{_times(event)}"
    rest = " ".join(f"{k}={value(v)}" for k, v in event.items() if k not in _HEAD)
    return f"{name} {rest}".rstrip()


def _doing(op: str) -> str:
    return op.partition(".")[2].replace("_", " ")


def value(given: Any) -> str:
    """A value of the log: text as it is, numbers short, anything else as JSON."""
    if isinstance(given, str):
        return given
    if isinstance(given, float):
        return f"{given:.6g}"
    return json.dumps(given, default=str, ensure_ascii=False)


def finding_lines(event: Event) -> list[str]:
    """A finding, and each of its threads."""
    where = f" (line {event['line']})" if event.get("line") and not event.get("threads") else ""
    lines = [f"{event.get('kind', 'finding')}: {event.get('message', '')}{where}"]
    threads = threads_of(event)
    lines += [stuck(one) for one in threads[:MAX_LISTED]]
    if len(threads) > MAX_LISTED:
        lines.append(f"… and {counted(len(threads) - MAX_LISTED, 'more thread')}")
    return lines


def threads_of(finding: Event) -> list[Event]:
    """The well-formed threads of a finding."""
    threads = finding.get("threads")
    return [one for one in threads if isinstance(one, dict)] if isinstance(threads, list) else []


def stuck(one: dict[str, Any]) -> str:
    """A thread of a finding, with what it waits for."""
    name, what = one.get("thread", "?"), one.get("operation")
    doing = waiting(str(what), str(one.get("object", "?"))) if what else str(one.get("state", ""))
    if one.get("state") == "waiting":
        doing += " with a time-out"
    held = one.get("held_by") if isinstance(one.get("held_by"), list | tuple) else None
    if held and not is_for_threads(str(what)):
        doing += f", held by {_listed(held)}"
    elif held and what == "pool.shutdown":
        doing += f" ({_listed(held)})"
    where = f" (line {one['line']})" if one.get("line") else ""
    since = f", since t = {seconds(one['since_s'])}" if isinstance(one.get("since_s"), float) else ""
    return f"{name} {doing}{since}{where}"


def _listed(names: Iterable[str]) -> str:
    every = [str(name) for name in names]
    more = f" and {len(every) - 4:,} more" if len(every) > 4 else ""
    return ", ".join(every[:4]) + more


def _object(event: Event) -> str:
    return str(event.get("object", ""))


def _times(event: Event, *more: str) -> str:
    """The facts in brackets behind the words: further ones, and times waited, held and slept."""
    facts = list(more)
    for name, word in (("waited_s", "waited"), ("held_s", "held"), ("slept_s", "slept")):
        if event.get(name):
            facts.append(f"{word} {seconds(event[name])}")
    return f" ({', '.join(facts)})" if facts else ""


def _message(event: Event) -> str:
    fields = " ".join(f"{k}={value(v)}" for k, v in author_fields(event).items())
    return f"{event.get('message', '')}  {fields}".rstrip()


def _acquired(got: str) -> Callable[[Event], str]:
    def say(event: Event) -> str:
        words = "gives up on {}" if event.get("acquired") is False else got
        return words.format(_object(event)) + _times(event)

    return say


def _happened(yes: str, no: str) -> Callable[[Event], str]:
    """The wording of waits whose line has the outcome."""

    def say(event: Event) -> str:
        words = no if event.get("value") is False else yes
        return words.format(_object(event)) + _times(event)

    return say


def _put(event: Event) -> str:
    what = value(event["value"]) if "value" in event else "an item"
    return f"put {what} into {_object(event)}{_times(event, *_size(event))}"


def _got(event: Event) -> str:
    what = value(event["value"]) if "value" in event else "an item"
    return f"got {what} from {_object(event)}{_times(event, *_size(event))}"


def _size(event: Event) -> list[str]:
    return [f"{event['size']} in it"] if "size" in event else []


def _passed(event: Event) -> str:
    return f"passes {_object(event)}{_times(event)}"


def _answered(event: Event) -> str:
    whose = f" of {_object(event)}" if event.get("object") else ""
    return f"got the result{whose}: {value(event.get('value'))}{_times(event)}"


def _about_task(words: str, without: str) -> Callable[[Event], str]:
    """The wording of futures, whose task older logs do not name."""
    return lambda event: words.format(_object(event)) if event.get("object") else without


def _submitted(event: Event) -> str:
    what = f"{value(event['value'])} " if "value" in event else ""
    return f"submitted {what}to {_object(event)}"


def _reading(event: Event) -> str:
    return f"reads the clock: {value(event.get('value'))} s"


def _interrupted(event: Event) -> str:
    return f"is interrupted by {value(event.get('target'))}" if event.get("target") else "is interrupted"


def _callback_added(event: Event) -> str:
    whose = _object(event) if event.get("object") else "a future"
    return f"added a callback to {whose}" + (", which is done already" if event.get("value") else "")


def _cancel_asked(event: Event) -> str:
    whose = _object(event) or "a task"
    late = event.get("value") is False
    return f"could not cancel {whose}: too late" if late else f"cancelled {whose}"


def _item(words: str) -> Callable[[Event], str]:
    """The wording of changes of variables: `{value}`, `{}` and `{at}` stand for the fields of the line."""

    def say(event: Event) -> str:
        at = f"[{value(event['at'])}]" if "at" in event else ""
        given = value(event["value"]) if "value" in event else "a value"
        return words.format(_object(event), at=at, value=given)

    return say


def _called(words: str) -> Callable[[Event], str]:
    """The wording of a call of one of several behaviours."""
    return lambda event: words.format(operation=value(event["operation"]) if "operation" in event else _object(event))


def _n(words: str) -> Callable[[Event], str]:
    """The wording of operations with a count."""

    def say(event: Event) -> str:
        often = f" x {event['n']}" if event.get("n", 1) != 1 else ""
        return words.format(_object(event)) + often + _times(event)

    return say


def _fault(event: Event) -> str:
    text = f": {event['text']}" if event.get("text") else ""
    return f"{event.get('type', 'a fault')}{text}{_times(event)}"


def _started(event: Event) -> str:
    facts = [f"in {event.get('pool')}"] * bool(event.get("pool")) + ["daemon"] * bool(event.get("daemon"))
    return "begins" + _times(event, *facts)


def run_started(event: Event) -> str:
    """The scenario of a run and the way of running it."""
    words = [f"{'run' if event.get('way') == 'run' else 'simulated'} with seed {event.get('seed', 0)}"]
    words += ["replayed from a schedule"] * (event.get("scheduler") == "moves")
    return f"{event.get('scenario', 'a run')}: {', '.join(words)}"


def run_finished(event: Event) -> str:
    """The verdict of a run."""
    expected = " or ".join(map(str, event["expected"])) if isinstance(event.get("expected"), list) else "something else"
    verdict, figures = event.get("verdict", "?"), event.get("figures")
    if verdict == "incomplete":
        said = f"incomplete: the file expects {expected},"
    elif event.get("ok"):
        said = f"ok: {verdict}" + (", as expected," if verdict != "holds" else "")
    else:
        said = f"not ok: {verdict}, but the file expects {expected},"
    messages = figures.get("messages") if isinstance(figures, dict) else 0
    after = f" after {seconds(event.get('elapsed_s', 0.0))}"
    return f"{said}{after}" + (f", {counted(messages, 'message')}" if isinstance(messages, int) and messages else "")


def tally_finished(event: Event) -> str:
    """The verdicts of several runs."""
    verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted((event.get("verdicts") or {}).items()))
    return f"{'ok' if event.get('ok') else 'not ok'}: {counted(event.get('runs', 0), 'run')}: {verdicts or 'none'}"


_WORDS: dict[str, str | Callable[[Event], str]] = {
    "run.started": run_started,
    "run.finished": run_finished,
    "tally.finished": tally_finished,
    "message": _message,
    "finding": lambda event: "; ".join(finding_lines(event)),
    "thread.started": _started,
    "thread.ended": "ends",
    "thread.interrupted": _interrupted,
    "thread.resumed": "goes on",
    "thread.cut_off": "is cut off, as the run is over",
    "thread.failed": lambda event: f"fails with {_fault(event)}",
    "fault.raised": lambda event: f"meets {_fault(event)}",
    "sleep.began": "sleeps",
    "sleep.ended": "wakes up",
    "work.began": "works",
    "work.ended": "has worked",
    "call.began": lambda event: f"calls {event.get('function', 'a function')}",
    "call.ended": lambda event: f"returns from {event.get('function', 'a function')}",
    "lock.acquiring": "wants {}",
    "lock.acquired": _acquired("has {}"),
    "lock.releasing": "gives {} back",
    "lock.released": "gave {} back",
    "semaphore.acquiring": "wants a permit of {}",
    "semaphore.acquired": _acquired("has a permit of {}"),
    "semaphore.releasing": _n("gives a permit of {} back"),
    "semaphore.released": _n("gave a permit of {} back"),
    "condition.waiting": "waits to be notified on {}",
    "condition.woken": _happened("was notified on {}", "gives up waiting on {}"),
    "condition.notifying": _n("notifies {}"),
    "condition.notified": _n("notified {}"),
    "condition.notifying_all": "notifies all on {}",
    "condition.notified_all": "notified all on {}",
    "event.waiting": "waits for {} to be set",
    "event.waited": _happened("goes on, as {} is set", "gives up waiting for {}"),
    "event.setting": "sets {}",
    "event.set": "set {}",
    "event.clearing": "clears {}",
    "event.cleared": "cleared {}",
    "barrier.waiting": "waits at {}",
    "barrier.passed": _passed,
    "barrier.aborting": "breaks {}",
    "barrier.aborted": "broke {}",
    "barrier.resetting": "resets {}",
    "barrier.reset": "has reset {}",
    "queue.putting": "puts into {}",
    "queue.put": _put,
    "queue.getting": "gets from {}",
    "queue.got": _got,
    "queue.finishing_task": "tells {} that an item is done",
    "queue.task_done": "told {} that an item is done",
    "queue.joining": "waits until all items of {} are done",
    "queue.joined": "goes on, as all items of {} are done",
    "pool.submitting": "submits to {}",
    "pool.submitted": _submitted,
    "pool.shutting_down": "shuts {} down",
    "queue.shutting_down": "shuts {} down",
    "queue.shut_down": "has shut {} down",
    "pool.shut_down": "has shut {} down",
    "future.awaiting": _about_task("waits for the result of {}", "waits for a result"),
    "future.answered": _answered,
    "future.cancelling": _about_task("cancels {}", "cancels a task"),
    "future.callback_added": _callback_added,
    "clock.asked": _reading,
    "future.cancel_asked": _cancel_asked,
    "thread.starting": "starts {}",
    "thread.joining": "waits for {} to end",
    "thread.joined": "goes on after {}",
    "thread.spawning": "spawns {}",
    "timer.starting": "starts {}",
    "timer.started": "started {}",
    "timer.cancelling": "cancels {}",
    "timer.cancelled": "cancelled {}",
    "variable.read": _item("reads {}: {value}"),
    "variable.written": _item("sets {} to {value}"),
    "variable.appended": _item("appends {value} to {}"),
    "variable.popped": _item("takes {value} out of {}"),
    "variable.item_written": _item("sets {}{at} to {value}"),
    "variable.item_popped": _item("takes {value} out of {}{at}"),
    "variable.item_appended": _item("appends {value} to {}{at}"),
    "section.entered": "enters {}",
    "section.left": "leaves {}",
    "calls.began": _called("calls {operation}"),
    "calls.ended": _called("comes back from {operation}"),
}
ABOUT = frozenset((*operations.ABOUT, "sleep.began", "work.began", "call.began"))
"""The events that announce an operation."""
