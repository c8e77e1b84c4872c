"""The start of threads, timers and tasks, and waiting for them: of one, or of each of a group."""

from __future__ import annotations

import ast
from contextlib import ExitStack

from scenrun.plain_python.groups import count_of, extra_of, thread_use
from scenrun.plain_python.layout import unparsed
from scenrun.plain_python.meanings import Meaning
from scenrun.plain_python.steps import Body


def start_group(body: Body, text: str, found: Meaning) -> None:
    """Write the start of threads or timers, or hand tasks to their pool."""
    script = body.script
    if found.kind != "task":
        body.each(unparsed(found.tree), "thread", "start()", is_many=found.count is not None)
        return
    group = script.scenario.threads[text]
    pool = unparsed(script.meanings[str(group.pool)].tree)
    use = thread_use(script, text)
    index = unparsed(found.tree.slice) if isinstance(found.tree, ast.Subscript) else "index"
    arguments = use.given(extra_of(text, group, use, index))
    submitted = f"{pool}.submit({', '.join([use.function.name, *arguments])})"
    if found.count is not None:
        submitted = f"[{submitted} for index in range({count_of(script, text)})]"
    if isinstance(found.tree, ast.Name) and text in script.early:
        body.function.globals.add(found.tree.id)
    body.add(f"{unparsed(found.tree)} = {submitted}")


def join_one(body: Body, found: Meaning, timeout: str | None) -> None:
    """Write a join of one thread, task or timer, or of each of a group."""
    text = unparsed(found.tree)
    if found.kind == "task":
        body.script.imports.add("concurrent.futures")
        if timeout is None and body.script.drops_tasks:
            _join_what_may_be_dropped(body, text, is_many=found.count is not None)
            return
        given = text if found.count is not None else f"[{text}]"
        limit = f", timeout={timeout}" if timeout is not None else ""
        body.add(f"concurrent.futures.wait({given}{limit})")
        return
    limit = f"timeout={timeout}" if timeout is not None else ""
    body.each(text, "thread", f"join({limit})", is_many=found.count is not None)


def _join_what_may_be_dropped(body: Body, text: str, *, is_many: bool) -> None:
    """Write a join of tasks that a shutdown may drop: `concurrent.futures.wait` never counts these as done."""
    body.script.imports.add("contextlib")
    one = body.loop_name("task") if is_many else text
    with ExitStack() as inside:
        if is_many:
            inside.enter_context(body.block(f"for {one} in {text}:"))
        inside.enter_context(body.block("with contextlib.suppress(concurrent.futures.CancelledError):"))
        body.add(f"{one}.exception()")
