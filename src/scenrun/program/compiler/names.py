"""The table of the names that a file declares: their bindings and cells, and the check that each is used."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from scenrun.errors import Place
from scenrun.language.behaviours import shipped
from scenrun.language.expect import LinearizableCalls
from scenrun.language.model import ANY_NUMBER, Group, Scenario
from scenrun.language.primitives import Barrier, Condition, Future, Pool, Primitive, Queue
from scenrun.language.verbs.flow import For, Run, Section
from scenrun.language.verbs.objects import Wait
from scenrun.program.compiler.complaints import Complaints
from scenrun.program.compiler.mentions import all_steps, assigned, mentioned, targets
from scenrun.program.compiler.scope import Binding, Constant, Object, Shared
from scenrun.program.compiler.wording import a
from scenrun.program.ir import Cell
from scenrun.program.primitives.future import STAYS


class Names:
    """The names of a file; their cells are numbered in the order state, sync, threads, sections."""

    def __init__(self, scenario: Scenario, complaints: Complaints) -> None:
        self.scenario = scenario
        self.complaints = complaints
        self.cells: list[Cell] = []
        self.bindings: dict[str, Binding] = {}
        self.places: dict[str, Place | None] = {}
        self.own_lock: dict[int, int] = {}
        """The cell of a condition's lock, by the condition's cell."""
        self.sections: dict[str, Cell] = {}
        self.calls: dict[str, Cell] = {}
        """For each behaviour whose calls an order must explain, the cell of these calls."""
        self.asked: dict[str, Place | None] = {}
        """The sections that `inside(..)` is used with, and the place of the first use."""
        self._clock: Cell | None = None
        self._declare()

    def find(self, name: str) -> Binding | None:
        """The binding of a declared name."""
        return self.bindings.get(name)

    def known(self) -> list[str]:
        """The names of variables, objects and thread groups."""
        return list(self.bindings)

    def is_any_number(self, name: str) -> bool:
        """Whether a group is of `any` number of threads."""
        group = self.scenario.threads.get(name)
        return group is not None and group.count == ANY_NUMBER

    def section(self, name: str) -> Cell:
        """The cell that counts the threads inside a section, created at its first use."""
        if name not in self.sections:
            self.sections[name] = self._cell(name, "section", None, {}, None)
        return self.sections[name]

    def clock(self) -> Cell:
        """The cell of the clock, created at its first use."""
        if self._clock is None:
            self._clock = self._cell("clock", "clock", None, {}, None)
        return self._clock

    def stop_event(self) -> Cell | None:
        """The event of the `stop` key."""
        if self.scenario.stop is None:
            return None
        found = self.bindings.get(self.scenario.stop.event)
        return found.cell if isinstance(found, Object) else None

    def default_stop(self) -> Cell | None:
        """The event that an event parameter with the default `stop` is bound to: the `stop` key's, or one named `stop`."""
        found = self.bindings.get("stop")
        is_event = isinstance(found, Object) and found.cell.kind == "event" and found.cell.count is None
        return self.stop_event() or (found.cell if is_event and isinstance(found, Object) else None)

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
        self.complaints.refuse(
            place, f"the name `{name}` is already taken{where}; names differ within a file", about=name
        )

    def _declare(self) -> None:
        scenario = self.scenario
        for name, value in scenario.state.items():
            place = _key_place(scenario, "state", name)
            self._bind(name, Shared(self._cell(name, "variable", None, {"initial": value}, place)), place)
        for name, value in scenario.let.items():
            self._bind(name, Constant(value), _key_place(scenario, "let", name))
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
        for name in scenario.objects:
            self._declare_unbound("objects", name)
        for name, group in scenario.threads.items():
            self._declare_group(name, group)
        for name in scenario.behaviours:
            self._declare_unbound("behaviours", name)
        for one in scenario.expect.linearizable:
            if isinstance(one, LinearizableCalls):
                self._declare_calls(one)
        for behaviour in scenario.behaviours.values():
            for name, parameter in behaviour.params.items():
                if name in self.places:
                    self._clash(name, parameter.place)

    def _declare_calls(self, about: LinearizableCalls) -> None:
        kind, options = self._kind_of(about.spec)
        name = ", ".join(about.behaviours)
        cell_place = about.place_of_key("behaviours")
        cell = self._cell(name, "calls", None, {"spec": kind, "options": options}, cell_place)
        for behaviour in about.behaviours:
            if message := self._why_not_called(behaviour):
                self.complaints.refuse(cell_place, message, about=behaviour)
        self.calls |= dict.fromkeys(about.behaviours, cell)

    def _why_not_called(self, behaviour: str) -> str:
        """Why what runs of a behaviour are not its calls, in words; empty where they are."""
        if behaviour not in self.scenario.behaviours and shipped(behaviour) is None:
            hint = self.complaints.hint(behaviour, list(self.scenario.behaviours))
            return f"there is no behaviour `{behaviour[:60]}`{hint}"
        if behaviour in self.calls:
            return f"`{behaviour}` is compared with something already; its calls are those of one object"
        runs = [step for step in all_steps(self.scenario) if isinstance(step, Run) and step.target == behaviour]
        if not runs:
            return f"no step runs `{behaviour}`, so that there are no calls of it: `run: {behaviour}`"
        if sum(name == behaviour for name, _ in targets(self.scenario)) > len(runs):
            return (
                f"a thread, task or timer has `{behaviour}` for its target, which is no call of it: "
                f"let its steps run it, `- run: {behaviour}`"
            )
        return ""

    def _declare_primitive(self, name: str, primitive: Primitive) -> None:
        kind, options = self._kind_of(primitive)
        place = _key_place(self.scenario, "sync", name)
        self._bind(name, Object(self._cell(name, kind, primitive.count, options, place)), place)

    @cached_property
    def _seen_by_pools(self) -> dict[str, Any]:
        """What pools must see of their tasks, for steps that wait for several futures at once."""
        steps = tuple(all_steps(self.scenario))
        if any(isinstance(step, For) and step.as_completed is not None for step in steps):
            return {"seen": ()}
        return {"seen": STAYS} if any(isinstance(step, Wait) and step.futures is not None for step in steps) else {}

    def _kind_of(self, primitive: Primitive) -> tuple[str, dict[str, Any]]:
        """The kind of a primitive's cell, and the options that its initial value depends on."""
        if isinstance(primitive, Queue) and primitive.kind == "simple":
            return "simple_queue", {}
        if isinstance(primitive, Barrier) and primitive.action is not None:
            return "acting_barrier", {"parties": primitive.parties}
        if isinstance(primitive, Future):
            return "own_future", {}
        skip = {"count", "target", "args", "after", "lock", "action"}
        if isinstance(primitive, Pool):
            return "pool", {"max_workers": primitive.max_workers, **self._seen_by_pools}
        return primitive.kind_name, {k: getattr(primitive, k) for k in type(primitive).model_fields if k not in skip}

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
            self.complaints.refuse(
                place,
                f"`{condition.lock}` is {a(shared.cell.kind)}; a condition needs a lock or rlock",
                about=condition.lock,
            )
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
            self.complaints.refuse(
                place, f"`{group.pool}` is {a(found.cell.kind)}, not a single pool", about=group.pool
            )
            return None
        return found.cell.number

    def _declare_unbound(self, section: str, name: str) -> None:
        """Declare a name that no expression can use; it only clashes with others."""
        place = _key_place(self.scenario, section, name)
        if name in self.places:
            self._clash(name, place)
        else:
            self.places[name] = place

    def check_used(self) -> None:
        """Refuse declared names that the file does not mention, and questions about sections that no step enters.

        Thread groups and names that begin with `_` need not be mentioned.
        """
        used = set(mentioned(self.scenario)) | {name for name, _ in assigned(all_steps(self.scenario))}
        used |= self.scenario._replaced | self.scenario._constants_used
        if self._default_stop_is_used():
            used.add(self.scenario.stop.event if self.scenario.stop else "stop")
        for name, place in self.places.items():
            if name in self.scenario.threads or name in used or name.startswith("_"):
                continue
            if self.scenario.stop and name == self.scenario.stop.event:
                if self.scenario.main is not None:
                    continue
                message = (
                    f"nobody looks at the event `{name}`, so `stop` only makes main wait; use it, or remove `stop`"
                )
                self.complaints.later(place, message, name)
            else:
                self.complaints.later(place, f"`{name}` is never used; use it, or remove it", name)
        self._check_sections()
        self.complaints.finish()

    def _check_sections(self) -> None:
        """Refuse a question about a section that no step enters."""
        entered = {step.section for step in all_steps(self.scenario) if isinstance(step, Section)}
        for name, place in self.asked.items():
            if name not in entered:
                hint = self.complaints.hint(name, entered)
                self.complaints.refuse(place, f"no step enters a section `{name[:60]}`{hint}", about=name)

    def _default_stop_is_used(self) -> bool:
        """Whether a use of a built-in behaviour takes the default stop event, or may do so in an unread part of the file."""

        if self.scenario._unread is None or any(shipped(word) for word in self.scenario._unread):
            return True
        for target, args in targets(self.scenario):
            behaviour = None if target in self.scenario.behaviours else shipped(target)
            for name, parameter in behaviour.params.items() if behaviour else ():
                if parameter.type == "event" and parameter.default == "stop" and name not in args:
                    return True
        return False


def _key_place(scenario: Scenario, section: str, name: str) -> Place | None:
    node = scenario._node.get(section) if scenario._node else None
    places = getattr(node, "places", {})
    return places[name][0] if name in places else scenario.place
