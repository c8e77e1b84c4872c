"""Compiles the code of the main thread: the file's `main`, or by default one that starts, stops and joins the groups."""

from __future__ import annotations

from scenrun.language.fields import Reference
from scenrun.language.model import Group, Scenario
from scenrun.program.compiler.scope import Object, Scope
from scenrun.program.compiler.threads import each, join_one, start_one
from scenrun.program.compiler.writer import Writer
from scenrun.program.ir import CellRef


def write_main(w: Writer, scenario: Scenario) -> None:
    """Emit the code of the main thread."""
    scope = Scope(w.names)
    w.code.prefix()
    if scenario.main is not None:
        _check_nothing_implicit(w, scenario)
        w.declare_locals(scenario.main, scope, own=True)
        with w.quiet_exit("None"):
            w.steps(scenario.main, scope, "main")
    else:
        _default_main(w, scenario, scope)


def _check_nothing_implicit(w: Writer, scenario: Scenario) -> None:
    if scenario.stop is not None:
        w.refuse(
            scenario.place_of_key("stop"),
            "with `main`, nothing is implicit: sleep and `set_event` there, without `stop`",
        )
    for group in scenario.threads.values():
        if group.join is not None and group.join != (not group.daemon):
            w.refuse(group.place_of_key("join"), "with `main`, nothing is implicit: write `- join: NAME` there")
        if group.start_after is not None:
            w.refuse(
                group.place_of_key("start_after"), "with `main`, nothing is implicit: sleep before `- start: NAME`"
            )


def _default_main(w: Writer, scenario: Scenario, scope: Scope) -> None:
    """Emit the default main: start each group at its time, sleep until `stop` and set its event, join the groups."""
    begun_ns = 0
    in_order = sorted(scenario.threads.items(), key=lambda item: _start_ns(item[1]))
    for name, group in in_order:
        with w.code.at(f"threads.{name}", w.names.places.get(name)):
            if (start_ns := _start_ns(group)) > begun_ns:
                w.code.emit("sleep", arguments=(str(start_ns - begun_ns),))
                begun_ns = start_ns
            _each(w, name, scope, "start")
    if scenario.stop:
        with w.code.at("stop", scenario.place_of_key("stop")):
            w.code.emit("sleep", arguments=(str(scenario.stop.after.numbers[0]),))
            event = w.names.stop_event()
            if event:
                w.code.emit("event.set", target=CellRef(event.number))
    for name, group in scenario.threads.items():
        if group.joined:
            with w.code.at(f"threads.{name}", w.names.places.get(name)):
                _each(w, name, scope, "join")


def _start_ns(group: Group) -> int:
    return group.start_after.numbers[0] if group.start_after else 0


def _each(w: Writer, name: str, scope: Scope, what: str) -> None:
    binding = w.names.find(name)
    if not isinstance(binding, Object) or binding.cell.kind not in ("thread", "task"):
        return
    reference = Reference(name, None, None)
    if what == "start":
        each(w, reference, scope, what, lambda cell, target: start_one(w, cell, target, scope))
    else:
        each(w, reference, scope, what, lambda cell, target: join_one(w, cell, target, "None"))
