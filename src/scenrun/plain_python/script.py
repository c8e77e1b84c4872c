"""The script as it is written: what it imports, its names, its functions and helpers, and what cannot be said in it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from scenrun.errors import Place, Problem, Source
from scenrun.language.expressions import Expression
from scenrun.language.model import Scenario
from scenrun.language.verbs.flow import Call
from scenrun.language.verbs.step import Step
from scenrun.language.verbs.threads import Shutdown
from scenrun.plain_python.comments import Comments
from scenrun.plain_python.identifiers import Identifiers
from scenrun.plain_python.meanings import CONSTANT, DURATION, EXPRESSION, SHARED, Function, Meaning, Scope, name
from scenrun.plain_python.uses import Uses
from scenrun.program.compiler.mentions import all_steps
from scenrun.program.ir import Program

WriteSteps = Callable[["Script", Function, Iterable[Step], Scope], None]


class Script:
    """Everything that the parts of one script share while it is written."""

    def __init__(self, scenario: Scenario, program: Program, write: WriteSteps) -> None:
        self.scenario = scenario
        self.program = program
        self.write = write
        """Writes the steps of a function."""
        self.uses = Uses(scenario)
        self.imports: set[str] = set()
        self.logs = scenario.expect.outcomes is not None or bool(scenario.interrupts)
        """Whether the script has lines for the log."""
        self.identifiers = Identifiers(["main", "check", "outcome", *_modules(scenario)])
        self.meanings: dict[str, Meaning] = {}
        """The names of the file."""
        self.functions: dict[Hashable, Function] = {}
        self.helpers: dict[str, str] = {}
        """What the script needs beside its functions: by kind, the name that it has."""
        self.sections: dict[str, str] = {}
        self.counters: dict[str, str] = {}
        """The counters of threads and tasks that steps make, by the behaviour or the pool."""
        self.exceptions: dict[str, str] = {}
        self.readers: dict[str, str] = {}
        """Functions that read a variable between the steps of `atomic`, by the variable."""
        self.early: set[str] = set()
        """The thread groups whose threads are made before main begins."""
        self.watched: set[str] = set()
        """The variables, objects and sections that must always be as `asked` says."""
        self.asked: list[Expression] = []
        self.left_out: list[tuple[Place | None, str]] = []
        """What no run can show, with its places."""
        self.problems: list[Problem] = []
        self._comments: dict[str, Comments] = {}
        self.drops_tasks = any(isinstance(step, Shutdown) and step.cancel_futures for step in all_steps(scenario))
        """Whether a step shuts a pool down and drops the tasks that have not begun."""

    def refuse(self, place: Place | None, message: str) -> None:
        """Note what cannot be said in plain Python, at its place."""
        problem = Problem(place, message)
        if problem not in self.problems:
            self.problems.append(problem)

    # --- names

    def names(self) -> set[str]:
        """What the names of the file are called in the script."""
        return {ast.unparse(found.tree) for found in self.meanings.values()}

    def free(self, *words: str) -> str:
        """The first of these words that nothing in the file is called; the last one with an underscore where all are taken."""
        return next((word for word in words if word not in self.names()), f"{words[-1]}_")

    def read(self, found: Meaning, scope: Scope) -> ast.expr:
        """The expression for one use of a name."""
        tree = copy.deepcopy(found.tree)
        if found.kind == SHARED and found.original in self.uses.half_done and not scope.function.in_atomic:
            return self._read_between(found)
        if found.kind == EXPRESSION:
            for node in ast.walk(tree):
                if isinstance(node, ast.Name) and node.id in ("name", "index"):
                    scope.function.thread.add(node.id)
        if found.is_object or found.kind in (DURATION, EXPRESSION, CONSTANT):
            tree.is_given = True  # type: ignore[attr-defined]
        return tree

    def _read_between(self, found: Meaning) -> ast.expr:
        """A call of the function that reads a variable while no atomic steps are half done."""
        root = found.tree
        while isinstance(root, ast.Subscript):
            root = root.value
        assert isinstance(root, ast.Name)
        self.atomically()
        if root.id not in self.readers:
            self.readers[root.id] = self.identifiers.new(f"current_{root.id}")
        call = ast.Call(name(self.readers[root.id]), [], [])
        tree = copy.deepcopy(found.tree)
        if isinstance(tree, ast.Name):
            return call
        inner = tree
        while isinstance(inner, ast.Subscript):
            if isinstance(inner.value, ast.Name):
                inner.value = call
                break
            inner = inner.value
        return tree

    def declare(self, text: str, kind: str, *, count: int | None = None, wanted: str = "") -> Meaning:
        """Give a name of the file its meaning in the script."""
        made = Meaning(name(self.identifiers.new(wanted or text)), kind, count, text if kind == SHARED else "")
        self.meanings[text] = made
        return made

    def constant(self, text: str) -> Meaning:
        """Give a constant of the file a name in capitals."""
        return self.declare(text, CONSTANT, wanted=text.upper())

    def helper(self, kind: str, wanted: str) -> str:
        """The name of a helper, which the script then has."""
        if kind not in self.helpers:
            self.helpers[kind] = self.identifiers.new(wanted)
        return self.helpers[kind]

    def watcher(self) -> str:
        """The name of the function that asks what must always hold."""
        return self.helper("watcher", "check_always")

    def atomically(self) -> str:
        """The name of the lock that atomic steps hold."""
        self.imports.add("threading")
        return self.helper("atomic", "one_step")

    def section(self, text: str) -> str:
        """The name of the object that counts the threads in a section."""
        if text not in self.sections:
            self.imports.add("threading")
            self.helper("section", "Section")
            self.sections[text] = self.identifiers.new(text)
        return self.sections[text]

    def clock(self) -> ast.expr:
        """The seconds since the script began."""
        self.imports.add("time")
        self.helper("begun", "BEGUN")
        return ast.Call(name(self.helper("clock", "now")), [], [])

    def counter(self, of: str) -> str:
        """The name of the counter of the threads or tasks that steps make of something."""
        if of not in self.counters:
            self.imports.add("itertools")
            self.counters[of] = self.identifiers.new(f"{of}_numbers")
        return self.counters[of]

    def copied(self, text: str, *, deep: bool = False) -> str:
        """A copy of a value; `deep`: also of what is in it."""
        self.imports.add("copy")
        return f"copy.{'deepcopy' if deep or self.uses.is_nested else 'copy'}({text})"

    # --- comments

    def comments_at(self, place: Place | None) -> tuple[tuple[str, ...], str]:
        """The comments of the part of a file that begins at a place."""
        if place is None:
            return (), ""
        source = place.source
        if source.name not in self._comments:
            is_own = source.name == self.scenario.source.name
            self._comments[source.name] = Comments(source, self._lines_of(source), self._heads() if is_own else set())
        return self._comments[source.name].of(place.line)

    def _lines_of(self, source: Source) -> set[int]:
        lines = set()
        for part in (self.scenario, *self.uses.behaviours.values()):
            for step in all_steps(part):
                if step.place and step.place.source.name == source.name:
                    lines.add(step.place.line)
        for behaviour in self.uses.behaviours.values():
            is_shipped = source.name != self.scenario.source.name
            if is_shipped and behaviour.place and behaviour.place.source.name == source.name:
                lines.add(behaviour.place.line)
        if source.name == self.scenario.source.name:
            lines |= set(self._parts())
        return lines

    def comments_left(self) -> list[str]:
        """The comments of the file's parts that were not written."""
        found = self._comments.get(self.scenario.source.name)
        return found.left() if found is not None else []

    def _heads(self) -> set[int]:
        """The lines of the sections whose entries are written, but not they themselves."""
        node: Any = self.scenario._node
        places = getattr(node, "places", {})
        sections = ("sync", "state", "let", "threads", "behaviours")
        own = {places[section][0].line for section in sections if section in places}
        inner = {
            key.line
            for section in sections
            for key, _ in getattr(node.get(section) if node else None, "places", {}).values()
        }
        return own - inner

    def _parts(self) -> list[int]:
        node: Any = self.scenario._node
        places = getattr(node, "places", {})
        found = [key.line for key, _ in places.values()]
        for expression in (*self.scenario.expect.final, *self.scenario.expect.always):
            found += [expression.place.line] if expression.place else []
        for section in ("sync", "state", "let", "threads", "behaviours", "expect"):
            inner = getattr(node.get(section) if node else None, "places", {})
            found += [key.line for key, _ in inner.values()]
        return found

    def place_of(self, section: str, key: str) -> Place | None:
        """The place of a name that a section of the file declares."""
        node: Any = self.scenario._node
        places = getattr(node.get(section) if node else None, "places", {})
        return places[key][0] if key in places else None


def _modules(scenario: Scenario) -> set[str]:
    """The author's own modules, which the script imports."""
    named = [step.function for step in all_steps(scenario) if isinstance(step, Call) and ":" in step.function]
    named += [declared.python for declared in scenario.objects.values()]
    return {one.partition(":")[0].partition(".")[0] for one in named}
