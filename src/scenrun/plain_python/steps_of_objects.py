"""Locks, semaphores, conditions, events, barriers and queues: what their steps become."""

from __future__ import annotations

from typing import Any

from scenrun.language.fields import Reference
from scenrun.language.verbs import objects as verbs
from scenrun.plain_python import expressions
from scenrun.plain_python.layout import unparsed
from scenrun.plain_python.meanings import Scope
from scenrun.plain_python.steps import Body, writes


def _object(body: Body, reference: Reference, scope: Scope) -> str:
    found = expressions.object_of(body.script, reference, scope)
    return "None" if found is None else unparsed(found.tree)


def _waiting(body: Body, step: Any, scope: Scope, flag: str, *, blocks: bool, first: str = "") -> str:
    """The arguments of an operation that may wait."""
    timeout = body.seconds(step.timeout, scope)
    given = [first] if first else []
    given += [] if blocks else [f"{flag}=False"]
    given += [f"timeout={timeout}"] if timeout is not None else []
    return ", ".join(given)


def _happened(body: Body, reference: Reference) -> None:
    body.happened(reference.name)


@writes(verbs.Acquire)
def acquire(body: Body, step: verbs.Acquire, scope: Scope) -> None:
    """Takes a lock."""
    given = _waiting(body, step, scope, "blocking", blocks=step.blocking)
    body.assign(step.into, f"{_object(body, step.lock, scope)}.acquire({given})", scope)
    _happened(body, step.lock)


@writes(verbs.Release)
def release(body: Body, step: verbs.Release, scope: Scope) -> None:
    """Gives a lock back."""
    times = body.text(step.n, scope) if step.n else ""
    body.add(f"{_object(body, step.lock, scope)}.release({times})")
    _happened(body, step.lock)


@writes(verbs.With)
def with_(body: Body, step: verbs.With, scope: Scope) -> None:
    """Holds one or several; a parameter that is none takes no lock."""
    held = [
        unparsed(found.tree) for one in step.object or () if (found := expressions.object_of(body.script, one, scope))
    ]
    if not held:
        body.steps(step.do, scope)
        return
    with body.block(f"with {', '.join(held)}:"):
        body.steps(step.do, scope)


@writes(verbs.Wait)
def wait(body: Body, step: verbs.Wait, scope: Scope) -> None:
    """Waits for an event, at a barrier, on a condition, or for futures."""
    timeout = body.seconds(step.timeout, scope)
    if step.futures is not None:
        _wait_for_futures(body, step, scope, timeout)
        return
    reference = step.object or step.event or step.condition or step.barrier
    given = f"timeout={timeout}" if timeout is not None else ""
    body.assign(step.into, f"{_object(body, reference, scope)}.wait({given})", scope)
    _happened(body, reference)


def _wait_for_futures(body: Body, step: verbs.Wait, scope: Scope, timeout: str | None) -> None:
    body.script.imports.add("concurrent.futures")
    assert step.futures is not None
    futures = body.text(step.futures, scope)
    given = [futures, *([f"timeout={timeout}"] if timeout is not None else [])]
    if step.return_when != "all_completed":
        given.append(f"return_when=concurrent.futures.{step.return_when.upper()}")
    waited = f"concurrent.futures.wait({', '.join(given)})"
    if step.into is None:
        body.add(waited)
        return
    done, one = body.loop_name("finished"), body.loop_name("future")
    body.add(f"{done} = {waited}.done")
    body.assign(step.into, f"[{one} for {one} in {futures} if {one} in {done}]", scope)


@writes(verbs.WaitFor)
def wait_for(body: Body, step: verbs.WaitFor, scope: Scope) -> None:
    """Waits on a condition until something holds."""
    timeout = body.seconds(step.timeout, scope)
    given = [f"lambda: {body.text(step.until, scope)}", *([f"timeout={timeout}"] if timeout is not None else [])]
    body.assign(step.into, f"{_object(body, step.condition, scope)}.wait_for({', '.join(given)})", scope)


@writes(verbs.Notify)
def notify(body: Body, step: verbs.Notify, scope: Scope) -> None:
    """Wakes some of those who wait."""
    body.add(f"{_object(body, step.condition, scope)}.notify({body.text(step.n, scope) if step.n else ''})")


@writes(verbs.NotifyAll)
def notify_all(body: Body, step: verbs.NotifyAll, scope: Scope) -> None:
    """Wakes all of those who wait."""
    body.add(f"{_object(body, step.condition, scope)}.notify_all()")


@writes(verbs.SetEvent, verbs.ClearEvent)
def set_event(body: Body, step: verbs.SetEvent, scope: Scope) -> None:
    """Sets an event, or clears it."""
    what = "set" if isinstance(step, verbs.SetEvent) else "clear"
    body.add(f"{_object(body, step.event, scope)}.{what}()")
    _happened(body, step.event)


@writes(verbs.Abort, verbs.Reset)
def abort(body: Body, step: verbs.Abort, scope: Scope) -> None:
    """Breaks a barrier, or makes it whole again."""
    body.add(f"{_object(body, step.barrier, scope)}.{step.verb}()")
    _happened(body, step.barrier)


@writes(verbs.Put)
def put(body: Body, step: verbs.Put, scope: Scope) -> None:
    """Puts an item into a queue."""
    given = _waiting(body, step, scope, "block", blocks=step.block, first=body.value(step.item, scope))
    body.add(f"{_object(body, step.queue, scope)}.put({given})")
    _happened(body, step.queue)


@writes(verbs.Get)
def get(body: Body, step: verbs.Get, scope: Scope) -> None:
    """Takes an item out of a queue."""
    given = _waiting(body, step, scope, "block", blocks=step.block)
    taken = f"{_object(body, step.queue, scope)}.get({given})"
    if step.into in body.script.uses.changed_in_place:
        taken = body.script.copied(taken)
    body.assign(step.into, taken, scope)
    _happened(body, step.queue)


@writes(verbs.TaskDone)
def task_done(body: Body, step: verbs.TaskDone, scope: Scope) -> None:
    """Tells a queue that an item has been dealt with."""
    body.add(f"{_object(body, step.queue, scope)}.task_done()")


@writes(verbs.JoinQueue)
def join_queue(body: Body, step: verbs.JoinQueue, scope: Scope) -> None:
    """Waits until every item has been dealt with."""
    body.add(f"{_object(body, step.queue, scope)}.join()")
