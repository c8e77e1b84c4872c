"""Lowers waits for several futures of tasks at once: `wait` with `futures`, and loops over them as they are done."""

from __future__ import annotations

from msgspec import Struct

from scenrun.language.expressions import Expression
from scenrun.language.variables import Target
from scenrun.language.verbs.flow import For
from scenrun.language.verbs.objects import Wait
from scenrun.program.compiler.assembler import Assembler, Label
from scenrun.program.compiler.flow import for_items
from scenrun.program.compiler.scope import Scope
from scenrun.program.compiler.writer import Writer, lowers
from scenrun.program.primitives.future import NOW


def wait_for_futures(w: Writer, step: Wait, scope: Scope) -> None:
    """Emit a wait for several futures, whose result is the list of those that are done."""
    assert step.futures is not None
    futures, done = _several(w, step.futures, scope), w.code.temporary("done")
    arguments = (futures, repr(step.return_when), w.operands.timing(step.timeout, scope))
    _wait(w.code, futures, done, arguments)
    register = w.into(step.into, scope, step.place_of_key("into"))
    if register:
        w.code.emit("let", arguments=(done,), into=register)
    w.done_into(step.into, register, scope)


def _wait(code: Assembler, futures: str, done: str, arguments: tuple[str, ...]) -> None:
    """Emit a wait for futures; for none there is nothing that could be waited for."""
    none = Label()
    code.emit("let", arguments=("[]",), into=done)
    code.emit("branch", arguments=(f"len({futures}) > 0",), to=none)
    code.emit("future.wait", arguments=arguments, into=done)
    code.mark(none)


def _several(w: Writer, expression: Expression, scope: Scope) -> str:
    """The register of a list of futures."""
    futures = w.code.temporary("futures")
    items = w.expressions.value(expression, scope)
    w.code.emit("let", arguments=(f"__futures_in({items})",), into=futures)
    return futures


@lowers(For)
def for_(w: Writer, step: For, scope: Scope, path: str) -> None:
    """A loop over items, or over futures as they are done."""
    if step.as_completed is None:
        for_items(w, step, scope, path)
    elif w.code.atomic:
        w.refuse(step.place, "`as_completed` waits, which cannot stand inside `atomic`")
    elif _is_one_pool(w, step):
        _as_completed(w, step, step.as_completed, scope, path)


def _is_one_pool(w: Writer, step: For) -> bool:
    """Whether all futures are of one pool, which knows their order; refuses the loop otherwise."""
    pools = [cell for cell in w.names.cells if cell.kind == "pool"]
    if len(pools) == 1 and pools[0].count is None:
        return True
    message = "`as_completed` is for futures of a pool; there is none in this file"
    if pools:
        message = (
            "`as_completed` is for the futures of one pool, and this file has several; "
            "`wait: {futures: .., return_when: first_completed}` takes those of any"
        )
    w.refuse(step.place_of_key("as_completed"), message)
    return False


def _as_completed(w: Writer, step: For, futures: Expression, scope: Scope, path: str) -> None:
    """Emit a loop over futures in the order in which they are done.

    As in CPython, those that are done when the loop begins come first, in any order, as they are kept in a set; then, each
    time that it waits, all that have been done since, in the order in which they were; and only there the time is looked at.
    """
    batches, one, again, end = _Batches(w.code, _several(w, futures, scope)), w.code.temporary("one"), Label(), Label()
    if step.timeout is not None:
        batches.end_by(w.operands.timing(step.timeout, scope))
    batches.begin()
    w.code.mark(again)
    batches.refill(end)
    batches.take(one)
    w.assign(Target(step.variable, (), step.place_of_key("variable")), one, scope)
    with w.code.loop(end, again):
        w.steps(step.do, scope, f"{path}.do")
    w.code.emit("jump", to=again)
    w.code.mark(end)


class _Batches(Struct, dict=True):
    """The registers of a loop over futures: those that are left, and those that are done and not taken yet."""

    code: Assembler
    left: str
    deadline: str | None = None

    def __post_init__(self) -> None:
        self.total, self.batch, self.is_first = (self.code.temporary(kind) for kind in ("total", "batch", "first"))

    def end_by(self, timeout: str) -> None:
        """Emit the beginning of a time-out."""
        self.deadline = self.code.temporary("deadline")
        self.code.emit("deadline", arguments=(timeout,), into=self.deadline)

    def begin(self) -> None:
        """Emit the taking of those that are done already."""
        self.code.emit("let", arguments=(f"len({self.left})",), into=self.total)
        _wait(self.code, self.left, self.batch, (self.left, repr(NOW), "None"))
        self._note_batch(is_first=True)

    def _note_batch(self, *, is_first: bool) -> None:
        self.code.emit("let", arguments=(f"__without({self.left}, {self.batch})",), into=self.left)
        self.code.emit("let", arguments=(str(is_first),), into=self.is_first)

    def refill(self, end: Label) -> None:
        """Emit the wait for more where the batch is empty, or a jump to `end` where no future is left."""
        empty, full = Label(), Label()
        self.code.emit("branch", arguments=(f"len({self.batch}) > 0",), to=empty)
        self.code.emit("jump", to=full)
        self.code.mark(empty)
        self.code.emit("branch", arguments=(f"len({self.left}) > 0",), to=end)
        if self.deadline:
            self._refuse_if_late(self.deadline)
        remaining = f"__remaining({self.deadline})" if self.deadline else "None"
        self.code.emit("future.next", arguments=(self.left, remaining, self.total), into=self.batch)
        self._note_batch(is_first=False)
        self.code.mark(full)

    def _refuse_if_late(self, deadline: str) -> None:
        late, in_time = Label(), Label()
        self.code.emit("branch", arguments=(f"__remaining({deadline}) > 0",), to=late)
        self.code.emit("jump", to=in_time)
        self.code.mark(late)
        text = f"'%s (of %s) futures unfinished' % (len({self.left}), {self.total})"
        self.code.emit("raise", arguments=(f"__fault('TimeoutError', {text})",))
        self.code.mark(in_time)

    def take(self, into: str) -> None:
        """Emit the choice of a future: any of those that were done at the beginning, and then the first."""
        at, chosen, batch = self.code.temporary("at"), Label(), self.batch
        self.code.emit("let", arguments=("0",), into=at)
        self.code.emit("branch", arguments=(f"{self.is_first} and len({batch}) > 1",), to=chosen)
        self.code.emit("choose", arguments=(f"len({batch})",), into=at)
        self.code.mark(chosen)
        self.code.emit("let", arguments=(f"{batch}[{at}]",), into=into)
        self.code.emit("let", arguments=(f"{batch}[:{at}] + {batch}[{at} + 1:]",), into=batch)
