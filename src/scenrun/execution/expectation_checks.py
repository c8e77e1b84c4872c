"""Evaluates expectations on an executor's objects: `always` after each step that changed what it names, the rest at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from scenrun.execution.site import Site
from scenrun.program import expectations
from scenrun.program.expectations import Failed, complaint_of, holds, value_of
from scenrun.program.findings import LINEARIZABLE, REACH, Checked, Finding
from scenrun.program.ir import Liveness, Observation, Probe, Program
from scenrun.program.primitives.registry import is_attribute


class NamedThread(Protocol):
    """The part of a thread that a finding needs."""

    @property
    def name(self) -> str:
        """The thread's name."""


Found = Callable[[Finding, Any, Site], None]
_STATE = ("variable.read", "section.inside", "calls.explained")


class InvariantMonitor:
    """Checks the `always` expectations of a run, and reports each at most once; notes what of `reach` has held.

    On real threads, checks are made under the hidden lock. `everything`: also check those that query primitives; possible if
    one thread moves at a time, as in a simulation.
    """

    def __init__(self, program: Program, found: Found, everything: bool = False) -> None:
        self._found = found
        self._violated: set[int] = set()
        self._objects: list[Any] = []
        self.program = program
        watched = (*program.expectations.always, *program.expectations.reach)
        self.checked = [o for o in watched if everything or self.is_checked(o)]
        self._owed = {
            one: one.when is None
            for one in program.expectations.liveness
            if everything or all(self.is_checked(part) for part in one.parts)
        }
        """For each of `eventually` and `leads_to`, whether it is still to come to hold."""
        parts = [part for one in self._owed for part in one.parts]
        self.cells = frozenset(cell for observation in (*self.checked, *parts) for cell in observation.cells)
        self._functions: dict[int, Callable[[], Any]] = {}

    @staticmethod
    def is_checked(observation: Observation) -> bool:
        """Whether an `always` can be checked on real threads: primitives cannot be queried at the same moment as variables."""
        return all(probe.op in _STATE for probe in observation.probes)

    def bind(self, objects: list[Any]) -> None:
        """Sets the objects on which the expectations are evaluated, once they are made."""
        self._objects = objects
        parts = [part for one in self._owed for part in one.parts]
        self._functions = {id(o): compiled(o, objects) for o in (*self.checked, *parts)}

    def check_of(self, cell: int) -> Callable[[Any, Site], None] | None:
        """Returns the function to call after a step that changed this cell; None if no property names it."""
        watching = [o for o in self.checked if cell in o.cells]
        if cell not in self.cells:
            return None
        return lambda me, site: self._check(watching, me, site)

    def check_beginning(self, me: NamedThread, site: Site) -> None:
        """Checks every `always` in the initial state."""
        self._check(self.checked, me, site, "the initial state")

    def check_all(self, me: NamedThread, site: Site) -> None:
        """Checks every `always`, after an atomic step, which may have changed any cell."""
        self._check(self.checked, me, site)

    def _look_at_owed(self) -> None:
        """Notes what has come to hold, and what is to come to hold from now on."""
        for one, is_owed in self._owed.items():
            if holds(self._functions[id(one.then)]):
                self._owed[one] = False
            elif not is_owed and one.when is not None:
                self._owed[one] = holds(self._functions[id(one.when)])

    def _check(self, observations: list[Observation], me: NamedThread, site: Site, culprit: str | None = None) -> None:
        self._look_at_owed()
        for observation in observations:
            if id(observation) in self._violated:
                continue
            if holds(self._functions[id(observation)]):
                continue
            self._violated.add(id(observation))
            if observation.is_reached:
                continue
            seen = _named_values(self.program, observation, self._objects)
            message = f"always {with_place(observation)}: broken by {culprit or me.name}{_where(seen)}"
            if observation.probes and observation.probes[0].op == "calls.explained":
                message = f"{observation.text}: no order of the calls explains what {me.name}'s came to"
            details = {"expectation": observation.text, "values": seen}
            self._found(
                Finding("violated", message, me.name, site.line, site.instruction.step, details=details), me, site
            )

    def results(self, reached: bool) -> list[Checked]:
        """Returns the result of each expectation that is about moments. reached: whether the run has come to its end."""
        expect = self.program.expectations
        return [
            *(self._result("always", o, "violated", "holds") for o in expect.always),
            *(self._result(REACH, o, "holds", "not_reached") for o in expect.reach),
            *(self._result_of_liveness(one, reached) for one in expect.liveness),
        ]

    def never_came(self) -> list[Finding]:
        """Returns as findings what a run that has come to its end still owes."""
        return [_never_came(one) for one, is_owed in self._owed.items() if is_owed]

    def _result_of_liveness(self, one: Liveness, reached: bool) -> Checked:
        found = "not_checked"
        if one in self._owed and (self._owed[one] or one.when is not None) and not reached:
            found = "not_reached"
        elif one in self._owed:
            found = "violated" if self._owed[one] else "holds"
        return Checked(
            one.what, one.then.text if one.when is None else one.text, found, None, one.then.line, one.then.elsewhere
        )

    def _result(self, what: str, observation: Observation, noticed: str, otherwise: str) -> Checked:
        found = noticed if id(observation) in self._violated else otherwise
        if observation not in self.checked:
            found = "not_checked"
        return Checked(what, observation.text, found, None, observation.line, observation.elsewhere)


def _never_came(one: Liveness) -> Finding:
    told = "never held" if one.when is None else f"has not held since {one.when.text} did"
    message = f"{one.what}: {with_place(one.then)} {told}"
    return Finding("violated", message, line=one.then.line, details={"expectation": one.text})


def compiled(observation: Observation, objects: list[Any]) -> Callable[[], Any]:
    """An observation as a function that looks at the real or simulated objects now."""
    scope = {f"__o{number}": made for number, made in enumerate(objects)}
    return expectations.compiled(observation, "", _looked_at, scope)


def _looked_at(number: int, probe: Probe) -> str:
    """What a probe looks at: an attribute or a method of an object."""
    target = f"__o{probe.target.cell}" + (f"[{probe.target.index}]" if probe.target.index else "")
    return f"{target}.{_asked(probe.op)}"


def _asked(op: str) -> str:
    name = op.partition(".")[2]
    if op == "variable.read":
        return "value"
    return name if is_attribute(op) else f"{name}()"


def at_the_end(
    program: Program, objects: list[Any], watch: InvariantMonitor, reached: bool
) -> tuple[list[Checked], list[Finding], list[Any] | None]:
    """Evaluates `final` and `outcomes`; returns all results, the violations as findings, and the outcome observed.

    `reached`: whether the run reached its end, without which they are not evaluated.
    """
    checked = watch.results(reached)
    findings = watch.never_came() if reached else []
    for observation in program.expectations.final:
        if not reached:
            checked.append(_checked(observation, "not_reached"))
            continue
        value = value_of(compiled(observation, objects))
        is_kept = bool(value) and not isinstance(value, Failed)
        names = _named_values(program, observation, objects)
        checked.append(_checked(observation, "holds" if is_kept else "violated", names or None))
        if not is_kept:
            failed = f", as it failed with {value}" if isinstance(value, Failed) else ""
            message = f"final {with_place(observation)}: does not hold{failed}{_where(names)}"
            details = {"expectation": observation.text, "values": names}
            findings.append(Finding("violated", message, line=observation.line, details=details))
    checked += _for_a_search(program)
    outcome = _outcome(program, objects) if reached and program.expectations.observe else None
    if program.expectations.observe:
        found, broken = _judge(program, outcome)
        checked.append(found)
        findings += broken
    return checked, findings, outcome


def with_place(observation: Observation) -> str:
    """Returns an expectation for a message: with its place, if that is in another file than the scenario's."""
    return f"{observation.text} ({observation.elsewhere})" if observation.elsewhere else observation.text


def _checked(observation: Observation, found: str, value: Any = None) -> Checked:
    return Checked("final", observation.text, found, value, observation.line, observation.elsewhere)


def _where(names: dict[str, Any]) -> str:
    return f" ({', '.join(f'{name} is {value!r}' for name, value in names.items())})" if names else ""


def _for_a_search(program: Program) -> list[Checked]:
    """Returns the expectations that one run can neither confirm nor refute."""
    expect = program.expectations
    out = [Checked("race", "never", "not_checked")] if expect.race_never else []
    out += [Checked(LINEARIZABLE, one.object, "not_checked", None, one.line) for one in expect.linearizable]
    if expect.required is not None:
        text, first = ", ".join(o.text for o in expect.observe), expect.observe[0]
        out.append(Checked("outcomes required", text, "not_checked", None, first.line, first.elsewhere))
    return out


def _named_values(program: Program, observation: Observation, objects: list[Any]) -> dict[str, Any]:
    """The variables that an expression names with their values, and the questions that it asks with the answers."""
    named = value_of(compiled(observation.of_parts(program.cells), objects))
    return named if isinstance(named, dict) else {}


def _outcome(program: Program, objects: list[Any]) -> list[Any]:
    return [value_of(compiled(observation, objects)) for observation in program.expectations.observe]


def _judge(program: Program, outcome: list[Any] | None) -> tuple[Checked, list[Finding]]:
    expect = program.expectations
    text, first = ", ".join(o.text for o in expect.observe), expect.observe[0]
    line, elsewhere = first.line, first.elsewhere
    if outcome is None:
        return Checked("outcomes", text, "not_reached", None, line, elsewhere), []
    what = complaint_of(expect, outcome)
    if what is None:
        judged = expect.allowed is not None or expect.forbidden is not None
        return Checked("outcomes", text, "holds" if judged else "not_checked", outcome, line, elsewhere), []
    where = f" ({elsewhere})" if elsewhere else ""
    message = f"the outcome ({text}) = {outcome} {what}{where}"
    finding = Finding("violated", message, line=line, details={"outcome": outcome})
    return Checked("outcomes", text, "violated", outcome, line, elsewhere), [finding]
