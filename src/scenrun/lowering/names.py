"""The names that a file declares, which cell each stands for, and whether anybody uses it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

from scenrun.errors import Place
from scenrun.lowering.complaints import Complaints
from scenrun.lowering.scope import Binding, Object, Shared
from scenrun.program import Cell
from scenrun.scenario import steps as verbs
from scenrun.scenario.expressions import Expression
from scenrun.scenario.fields import DurationName, Model, Reference
from scenrun.scenario.model import Behaviour, Group, Scenario
from scenrun.scenario.source import place_of
from scenrun.scenario.sync import Condition, Pool, Primitive, Queue, Timer
from scenrun.scenario.templates import Hole, Template
from scenrun.scenario.variables import Target

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


class Names:
    """The file's names. Cells are numbered in the order of declaration: state, sync, threads, then sections."""

    def __init__(self, scenario: Scenario, complaints: Complaints) -> None:
        self.scenario = scenario
        self.complaints = complaints
        self.cells: list[Cell] = []
        self.bindings: dict[str, Binding] = {}
        self.places: dict[str, Place | None] = {}
        self.own_lock: dict[int, int] = {}
        """The cell of a condition's lock, by the condition's cell."""
        self.sections: dict[str, Cell] = {}
        self.asked: dict[str, Place | None] = {}
        """The sections that `inside(..)` asks about, with the place of the first question."""
        self._declare()

    def find(self, name: str) -> Binding | None:
        """What the file declares under this name."""
        return self.bindings.get(name)

    def known(self) -> list[str]:
        """The names of variables and objects."""
        return list(self.bindings)

    def section(self, name: str) -> Cell:
        """The cell that counts the threads inside a section."""
        if name not in self.sections:
            self.sections[name] = self._cell(name, "section", None, {}, None)
        return self.sections[name]

    def stop_event(self) -> Cell | None:
        """The event of the `stop` key."""
        if self.scenario.stop is None:
            return None
        found = self.bindings.get(self.scenario.stop.event)
        return found.cell if isinstance(found, Object) else None

    def _cell(self, name: str, kind: str, count: int | None, options: dict[str, Any], place: Place | None) -> Cell:
        cell = Cell(len(self.cells), name, kind, count, options, place.line if place else 0)
        self.cells.append(cell)
        return cell

    def _bind(self, name: str, binding: Binding, place: Place | None) -> None:
        if name in self.places:
            self._clash(name, place)
            return
        self.bindings[name] = binding
        self.places[name] = place

    def _clash(self, name: str, place: Place | None) -> None:
        first = self.places[name]
        where = f", on line {first.line}" if first else ""
        self.complaints.refuse(place, f"the name `{name}` is already taken{where}; names differ within a file", about=name)

    def _declare(self) -> None:
        scenario = self.scenario
        for name, value in scenario.state.items():
            place = _key_place(scenario, "state", name)
            self._bind(name, Shared(self._cell(name, "variable", None, {"initial": value}, place)), place)
        for name, primitive in scenario.sync.items():
            self._declare_primitive(name, primitive)
        if scenario.stop:
            event = scenario.stop.event
            place = scenario.place_of_key("stop")
            if event in self.places:
                self.complaints.refuse(place, f"the event `{event}` is declared by `stop`; remove it elsewhere")
            else:
                self._bind(event, Object(self._cell(event, "event", None, {"initially": "clear"}, place)), place)
        for name, primitive in scenario.sync.items():
            if isinstance(primitive, Condition):
                self._lock_of_condition(name, primitive)
        for name, group in scenario.threads.items():
            self._declare_group(name, group)
        for name in scenario.behaviours:
            self._declare_behaviour(name)
        for behaviour in scenario.behaviours.values():
            for name, parameter in behaviour.params.items():
                if name in self.places:
                    self._clash(name, parameter.place)

    def _declare_primitive(self, name: str, primitive: Primitive) -> None:
        kind = primitive.kind_name
        skip = {"count", "target", "args", "after", "lock"}
        options = {k: getattr(primitive, k) for k in type(primitive).model_fields if k not in skip}
        if isinstance(primitive, Queue) and primitive.kind == "simple":
            kind, options = "simple_queue", {}
        place = _key_place(self.scenario, "sync", name)
        self._bind(name, Object(self._cell(name, kind, primitive.count, options, place)), place)

    def _lock_of_condition(self, name: str, condition: Condition) -> None:
        binding = self.bindings.get(name)
        if not isinstance(binding, Object):
            return
        if condition.lock is None:
            lock = self._cell(f"{name}.lock", "rlock", condition.count, {}, self.places[name])
            self.own_lock[binding.cell.number] = lock.number
            return
        place = condition.place_of_key("lock")
        shared = self.bindings.get(condition.lock)
        if not isinstance(shared, Object):
            known = [n for n, p in self.scenario.sync.items() if p.kind_name in ("lock", "rlock")]
            hint = self.complaints.hint(condition.lock, known)
            self.complaints.refuse(place, f"there is no lock `{condition.lock}`{hint}", about=condition.lock)
        elif shared.cell.kind not in ("lock", "rlock"):
            self.complaints.refuse(place, f"`{condition.lock}` is {a(shared.cell.kind)}; a condition needs a lock or rlock", about=condition.lock)
        elif shared.cell.count is not None or condition.count is not None:
            self.complaints.refuse(place, "a condition shares one lock: neither it nor the lock can be an array")
        else:
            self.own_lock[binding.cell.number] = shared.cell.number

    def _declare_group(self, name: str, group: Group) -> None:
        place = _key_place(self.scenario, "threads", name)
        kind = "task" if group.pool else "thread"
        options: dict[str, Any] = {"daemon": group.daemon, "endless": group.endless}
        if group.pool:
            options["pool"] = self._pool(group)
        count = group.count if group.count > 1 else None
        self._bind(name, Object(self._cell(name, kind, count, options, place)), place)

    def _pool(self, group: Group) -> int | None:
        assert group.pool is not None
        place = group.place_of_key("pool")
        found = self.bindings.get(group.pool)
        if not isinstance(found, Object):
            pools = [n for n, p in self.scenario.sync.items() if isinstance(p, Pool)]
            hint = self.complaints.hint(group.pool, pools)
            self.complaints.refuse(place, f"there is no pool `{group.pool}`{hint}", about=group.pool)
            return None
        if found.cell.kind != "pool" or found.cell.count is not None:
            self.complaints.refuse(place, f"`{group.pool}` is {a(found.cell.kind)}, not a single pool", about=group.pool)
            return None
        return found.cell.number

    def _declare_behaviour(self, name: str) -> None:
        place = _key_place(self.scenario, "behaviours", name)
        if name in self.places:
            self._clash(name, place)
        else:
            self.places[name] = place

    def check_used(self) -> None:
        """Complain of every declared name that nothing in the file mentions."""
        used = set(mentioned(self.scenario)) | {name for name, _ in assigned(all_steps(self.scenario))}
        if self.scenario.stop and self._default_stop_is_used():
            used.add(self.scenario.stop.event)
        for name, place in self.places.items():
            if name in self.scenario.threads or name in used or name.startswith("_"):
                continue
            if self.scenario.stop and name == self.scenario.stop.event:
                if self.scenario.main is not None:
                    continue
                message = f"nobody looks at the event `{name}`, so `stop` only makes main wait; use it, or remove `stop`"
                self.complaints.later(place, message, name)
            else:
                self.complaints.later(place, f"`{name}` is never used; use it, or remove it", name)
        self._check_sections()
        self.complaints.finish()

    def _check_sections(self) -> None:
        """Complain of a question about a section that no step enters."""
        entered = {step.section for step in all_steps(self.scenario) if isinstance(step, verbs.Section)}
        for name, place in self.asked.items():
            if name not in entered:
                hint = self.complaints.hint(name, entered)
                self.complaints.refuse(place, f"no step enters a section `{name[:60]}`{hint}", about=name)

    def _default_stop_is_used(self) -> bool:
        """Whether a behaviour that stops by the stop event unless told otherwise is in use, or may be in an unread part."""
        from scenrun.behaviours import shipped

        if self.scenario._unread is None or any(shipped(word) for word in self.scenario._unread):
            return True
        for target, args in targets(self.scenario):
            behaviour = None if target in self.scenario.behaviours else shipped(target)
            for name, parameter in behaviour.params.items() if behaviour else ():
                if parameter.type == "event" and parameter.default == "stop" and name not in args:
                    return True
        return False


def a(kind: str) -> str:
    """A kind with its article."""
    return f"{'an' if kind[0] in 'aeiou' or kind == 'rlock' else 'a'} {kind}"


def _key_place(scenario: Scenario, section: str, name: str) -> Place | None:
    node = scenario._node.get(section) if scenario._node else None
    places = getattr(node, "places", {})
    return places[name][0] if name in places else scenario.place


def targets(scenario: Scenario) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every behaviour that the file names as a target, with the arguments given there."""
    for group in scenario.threads.values():
        if group.target:
            yield group.target, group.args
    for primitive in scenario.sync.values():
        if isinstance(primitive, Timer):
            yield primitive.target, primitive.args
    for step in all_steps(scenario):
        if isinstance(step, verbs.Spawn | verbs.Submit | verbs.Map | verbs.Run):
            yield step.target, step.args


def all_steps(part: Any) -> Iterator[verbs.Step]:
    """Every step below a part of a scenario."""
    for child in _children(part):
        if isinstance(child, verbs.Step):
            yield child
        yield from all_steps(child)


def _children(part: Any) -> Iterable[Any]:
    if isinstance(part, Model):
        return [getattr(part, name) for name in type(part).model_fields]
    if isinstance(part, dict):
        return list(part.values())
    return part if isinstance(part, list | tuple) else ()


def mentioned(part: Any) -> Iterator[str]:
    """Every name that a part of a scenario mentions other than by declaring it."""
    if isinstance(part, Expression):
        yield from (node.id for node in ast.walk(part.tree) if isinstance(node, ast.Name))
    elif isinstance(part, Template):
        for hole in part.parts:
            if isinstance(hole, Hole):
                yield from mentioned(hole.expression)
    elif isinstance(part, Reference):
        yield part.name
        if part.index:
            yield from mentioned(part.index)
    elif isinstance(part, DurationName):
        yield part.name
    elif isinstance(part, Target):
        yield part.name
        for index in part.path:
            yield from mentioned(index)
    else:
        yield from _mentioned_in_model(part)
        for child in _children(part):
            yield from mentioned(child)


def _mentioned_in_model(part: Any) -> Iterator[str]:
    if isinstance(part, Condition) and part.lock:
        yield part.lock
    if isinstance(part, Group) and part.pool:
        yield part.pool
    if isinstance(part, Group | verbs.Run | verbs.Spawn | verbs.Submit | verbs.Map | Timer) and part.target:
        yield part.target
    args = getattr(part, "args", None)
    if isinstance(part, Model) and isinstance(args, dict):
        for value in args.values():
            yield from _words(value)
    if isinstance(part, Behaviour):
        for parameter in part.params.values():
            yield from _words(parameter.default)


def _words(value: Any) -> Iterator[str]:
    """The identifiers in an argument as written, which may be text, an expression or a reference."""
    if isinstance(value, str):
        yield from _IDENTIFIER.findall(value)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _words(item)


def assigned(steps: Iterable[verbs.Step]) -> Iterator[tuple[str, Place | None]]:
    """The names that steps assign to, with the place of each, in the order of the file."""
    for step in steps:
        yield from _assigned_by(step)
        for child in _children(step):
            if isinstance(child, tuple):
                yield from assigned(c for c in child if isinstance(c, verbs.Step))
            elif isinstance(child, dict):
                for value in child.values():
                    if isinstance(value, tuple):
                        yield from assigned(value)


def _assigned_by(step: verbs.Step) -> Iterator[tuple[str, Place | None]]:
    if isinstance(step, verbs.Set):
        for target, _ in step.assign:
            if not target.path:
                yield target.name, target.place
    elif isinstance(step, verbs.For):
        yield step.variable, step.place_of_key("variable")
    into = getattr(step, "into", None)
    if into:
        yield into, step.place_of_key("into")


def read_by(steps: Iterable[verbs.Step]) -> set[str]:
    """The names whose values steps use. A variable that is only assigned to is not among them."""
    names: set[str] = set()
    for step in steps:
        if isinstance(step, verbs.Set):
            for target, expression in step.assign:
                names.update(mentioned(expression))
                names.update(n for index in target.path for n in mentioned(index))
                names.update([target.name] if target.path else [])
        else:
            names.update(n for child in _children(step) if not _has_steps(child) for n in mentioned(child))
            names.update(_mentioned_in_model(step))
        names.update(read_by(all_steps_below(step)))
    return names


def _has_steps(child: Any) -> bool:
    values = child.values() if isinstance(child, dict) else child if isinstance(child, tuple) else ()
    return any(isinstance(v, verbs.Step) or (isinstance(v, tuple) and _has_steps(v)) for v in values)


def all_steps_below(step: verbs.Step) -> list[verbs.Step]:
    """The steps directly inside a flow step."""
    found: list[verbs.Step] = []
    for child in _children(step):
        parts = child.values() if isinstance(child, dict) else [child]
        for part in parts:
            if isinstance(part, tuple):
                found += [s for s in part if isinstance(s, verbs.Step)]
    return found


__all__ = ["Names", "a", "all_steps", "assigned", "mentioned", "place_of", "read_by", "targets"]
