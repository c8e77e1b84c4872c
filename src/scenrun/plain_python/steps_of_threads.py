"""Threads, timers, tasks and futures: what their steps become."""

from __future__ import annotations

import ast
from typing import Any

from scenrun.language.fields import Reference
from scenrun.language.verbs import threads as verbs
from scenrun.plain_python import expressions
from scenrun.plain_python.functions import LATER, THREAD, Use, as_target, bound, call, is_first
from scenrun.plain_python.layout import quoted, unparsed
from scenrun.plain_python.meanings import SHARED, Meaning, Scope
from scenrun.plain_python.starting import join_one, start_group
from scenrun.plain_python.steps import Body, writes
from scenrun.plain_python.steps_of_flow import exception


def _object(body: Body, reference: Reference, scope: Scope) -> Meaning:
    found = expressions.object_of(body.script, reference, scope)
    if found is None:
        return Meaning(ast.Constant(None), "none")
    if found.kind == SHARED:
        return Meaning(body.script.read(found, scope), SHARED, None, found.original)
    return found


@writes(verbs.Start)
def start(body: Body, step: verbs.Start, scope: Scope) -> None:
    """Starts threads, tasks or timers."""
    for one in step.thread:
        start_group(body, one.name, _object(body, one, scope))


@writes(verbs.Join)
def join(body: Body, step: verbs.Join, scope: Scope) -> None:
    """Waits for threads, tasks or timers."""
    for one in step.thread:
        join_one(body, _object(body, one, scope), body.seconds(step.timeout, scope))


@writes(verbs.Cancel)
def cancel(body: Body, step: verbs.Cancel, scope: Scope) -> None:
    """Cancels a timer or a future."""
    found = _object(body, step.object or step.future or step.timer, scope)
    if found.count is not None:
        body.each(unparsed(found.tree), "timer", "cancel()", is_many=True)
        return
    body.assign(step.into, f"{unparsed(found.tree)}.cancel()", scope)


def _numbered(body: Body, use: Use, of: str, owner: str) -> dict[str, str]:
    """Arguments for `name` and `index` of a thread or task that steps make: they are counted."""
    wanted = use.function.thread
    if not wanted:
        return {}
    following = f"next({body.script.counter(of)})"
    if wanted == {"index"}:
        return {"index": following}
    label = f"f{quoted(owner + '#{' + following + '}')}"
    if wanted == {"name"}:
        return {"name": label}
    number = body.function.identifiers.new("number")
    body.add(f"{number} = {following}")
    return {"index": number, "name": f"f{quoted(owner + '#{' + number + '}')}"}


@writes(verbs.Spawn)
def spawn(body: Body, step: verbs.Spawn, scope: Scope) -> None:
    """Makes a thread, or a timer, and starts it."""
    body.script.imports.add("threading")
    use = bound(body.script, step.target, step.args, scope, THREAD)
    use.is_read_late = False  # whoever spawns computes the arguments
    target = as_target(use, _numbered(body, use, step.target, step.target))
    if "a thread that is made while running" not in use.function.users:
        use.function.users.append("a thread that is made while running")
    after = body.seconds(step.after, scope)
    # Python's own default is that of the thread which makes it, and the file's is `false`.
    is_said = step.daemon or (body.script.program.has_daemons and not body.function.is_main)
    daemon = f", daemon={step.daemon}" if is_said and after is None else ""
    if after is not None:
        made = f"threading.Timer({after}, {target.function}{target.keywords})"
    else:
        made = f"threading.Thread(target={target.function}{target.keywords}{daemon})"
    is_plain = step.into is not None and body.variable(step.into, scope).kind != SHARED
    local = unparsed(body.variable(str(step.into), scope).tree) if is_plain else body.function.identifiers.new("thread")
    if step.into is None and not (is_said and after is not None):
        body.add(f"{made}.start()")
        return
    body.add(f"{local} = {made}")
    if is_said and after is not None:
        body.add(f"{local}.daemon = {step.daemon}")
    body.add(f"{local}.start()")
    if step.into is not None and not is_plain:
        body.assign(step.into, local, scope, reads=False)


def submitted(body: Body, pool: str, use: Use, extra: dict[str, str]) -> str:
    """The call that hands a function to a pool."""
    return f"{pool}.submit({', '.join([use.function.name, *use.given(extra)])})"


def _is_task(use: Use, pool: Meaning) -> None:
    """Note that the tasks of a pool run a function."""
    user = f"a task of `{unparsed(pool.tree)}`"
    if user not in use.function.users:
        use.function.users.append(user)


@writes(verbs.Submit)
def submit(body: Body, step: verbs.Submit, scope: Scope) -> None:
    """Hands a task to a pool."""
    pool = _object(body, step.pool, scope)
    use = bound(body.script, step.target, step.args, scope, THREAD)
    extra = _numbered(body, use, step.pool.name, step.pool.name)
    _is_task(use, pool)
    body.assign(step.into, submitted(body, unparsed(pool.tree), use, extra), scope, reads=False)


@writes(verbs.Map)
def map_(body: Body, step: verbs.Map, scope: Scope) -> None:
    """Hands a task to a pool for each item."""
    pool = unparsed(_object(body, step.pool, scope).tree)
    item = body.function.identifiers.new(step.as_)
    use = bound(body.script, step.target, step.args, scope, THREAD, {step.as_: item})
    over = body.value(step.over, scope)
    _is_task(use, Meaning(ast.parse(pool, mode="eval").body, "pool"))
    given = {**use.arguments}
    if use.function.thread:
        body.script.refuse(
            step.place, "a task of `map` that asks for `name` or `index`: `submit` it for each item in a loop instead"
        )
    function = use.function.name
    if len(given) > 1 or not is_first(use, next(iter(given))):
        kept = {key: text for key, text in given.items() if text != item and not _is_constant(text)}
        passed = ", ".join(f"{key}={key if key in kept else text}" for key, text in given.items())
        names = ", ".join([item, *(f"{key}={text}" for key, text in kept.items())])
        function = f"lambda {names}: {function}({passed})"
    if step.into is None:
        body.add(f"{pool}.map({function}, {over})")
        return
    body.assign(step.into, f"list({pool}.map({function}, {over}))", scope, reads=False)


@writes(verbs.Result)
def result(body: Body, step: verbs.Result, scope: Scope) -> None:
    """Waits for what a task returns."""
    timeout = body.seconds(step.timeout, scope)
    given = f"timeout={timeout}" if timeout is not None else ""
    value = f"{body.text(step.future, scope)}.result({given})"
    if step.into in body.script.uses.changed_in_place:
        value = body.script.copied(value)
    body.assign(step.into, value, scope)


@writes(verbs.SetResult)
def set_result(body: Body, step: verbs.SetResult, scope: Scope) -> None:
    """Completes a future."""
    value = body.value(step.value, scope) if step.value is not None else "None"
    body.add(f"{unparsed(_object(body, step.future, scope).tree)}.set_result({value})")


@writes(verbs.SetException)
def set_exception(body: Body, step: verbs.SetException, scope: Scope) -> None:
    """Completes a future with an exception."""
    made = exception(body, step, scope)
    body.add(f"{unparsed(_object(body, step.future, scope).tree)}.set_exception({made})")


@writes(verbs.OnDone)
def on_done(body: Body, step: verbs.OnDone, scope: Scope) -> None:
    """Adds a callback; its arguments are those of now."""
    use = bound(body.script, step.target, step.args, scope, LATER)
    future = body.text(step.future, scope)
    kept = {key: text for key, text in use.arguments.items() if not _is_constant(text)}
    use.arguments = {key: key if key in kept else text for key, text in use.arguments.items()}
    parameters = ", ".join(["_", *(f"{key}={text}" for key, text in kept.items())])
    extra = {one: unparsed(found.tree) for one in sorted(use.function.thread) if (found := scope.find(one))}
    body.add(f"{future}.add_done_callback(lambda {parameters}: {call(use, extra)})")


def _is_constant(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except ValueError:
        return False
    return True


@writes(verbs.Shutdown)
def shutdown(body: Body, step: verbs.Shutdown, scope: Scope) -> None:
    """Closes a pool or a queue."""
    found = _object(body, step.pool or step.queue or step.object, scope)
    if found.kind == "pool":
        flags: dict[str, Any] = {"wait": step.wait, "cancel_futures": step.cancel_futures}
        usual = {"wait": True, "cancel_futures": False}
    else:
        flags, usual = {"immediate": step.immediate}, {"immediate": False}
    given = ", ".join(f"{key}={value}" for key, value in flags.items() if value != usual[key])
    body.add(f"{unparsed(found.tree)}.shutdown({given})")
