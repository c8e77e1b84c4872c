"""What a file does with its names: how behaviours are used, which values are changed in place, what is done atomically."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from scenrun.language.behaviours import shipped
from scenrun.language.model import Behaviour, Scenario
from scenrun.language.verbs import flow, variables
from scenrun.language.verbs.step import Step
from scenrun.program.compiler.mentions import all_steps, assigned, mentioned, targets

_WORD = re.compile(r"[A-Za-z_]\w*")
THREAD_NAMES = ("name", "index")


class Uses:
    """What is asked of one scenario before it is written."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.declared = frozenset((*scenario.sync, *scenario.state, *scenario.let, *scenario.threads, *self._stop()))

    def _stop(self) -> tuple[str, ...]:
        return (self.scenario.stop.event,) if self.scenario.stop else ()

    def behaviour(self, target: str) -> Behaviour:
        """The behaviour of that name, the file's own or a shipped one."""
        found = self.scenario.behaviours.get(target) or shipped(target)
        assert found is not None, target
        return found

    @cached_property
    def behaviours(self) -> dict[str, Behaviour]:
        """Every behaviour that the file uses."""
        return {name: self.behaviour(name) for name, _ in targets(self.scenario)}

    @cached_property
    def arguments(self) -> dict[tuple[str, str], list[Any]]:
        """The arguments of each parameter of each behaviour, in every use; the default where a use gives none."""
        found: dict[tuple[str, str], list[Any]] = {}
        for target, args in targets(self.scenario):
            for key, parameter in self.behaviour(target).params.items():
                found.setdefault((target, key), []).append(args.get(key, parameter.default))
        return found

    def is_always(self, target: str, key: str) -> bool:
        """Whether every use gives a parameter the same argument, which is made of names of the file."""
        raws = self.arguments.get((target, key), [])
        words = set(_WORD.findall(str(raws[0]))) if raws else set()
        return bool(raws) and all(raw == raws[0] for raw in raws) and words <= self.declared

    @cached_property
    def _given(self) -> frozenset[tuple[str, str]]:
        return frozenset((target, key) for target, args in targets(self.scenario) for key in args)

    def is_never_given(self, target: str, key: str) -> bool:
        """Whether every use leaves a parameter at its default."""
        return (target, key) not in self._given

    def asks(self, target: str) -> set[str]:
        """Of `name` and `index`, what the steps of a behaviour ask, also in the behaviours that they run."""
        return self.asked_by(self.behaviour(target).do)

    def asked_by(self, steps: Iterable[Step]) -> set[str]:
        """Of `name` and `index`, what steps ask, also in the behaviours that they run."""
        steps = tuple(steps)
        found = {word for word in mentioned(steps) if word in THREAD_NAMES}
        for step in all_steps(steps):
            if isinstance(step, flow.Run):
                found |= self.asks(step.target)
        return found

    @cached_property
    def changed_in_place(self) -> frozenset[str]:
        """The variables whose values steps change in place, by `append`, `pop`, or by writing one item."""
        names = {
            target.name
            for part in (self.scenario, *self.behaviours.values())
            for step in all_steps(part)
            for target in _changed_by(step)
        }
        return frozenset(self._resolved(names))

    @cached_property
    def is_nested(self) -> bool:
        """Whether something inside an item is changed in place, so that a copy has to be one of all of it."""
        return any(
            len(target.path) > (0 if isinstance(step, variables.Append | variables.Pop) else 1)
            for part in (self.scenario, *self.behaviours.values())
            for step in all_steps(part)
            for target in _changed_by(step)
        )

    def _resolved(self, names: Iterable[str]) -> set[str]:
        """Names, with what stands for those that are parameters of type `variable`."""
        found: set[str] = set()
        left = set(names)
        while left:
            found |= left
            raws = {
                word
                for (target, key), values in self.arguments.items()
                if key in left and self.behaviour(target).params[key].type == "variable"
                for value in values
                for word in _WORD.findall(str(value))
            }
            left = raws - found
        return found

    # --- what is done as one step

    @cached_property
    def _atomic_bodies(self) -> list[tuple[Step, ...]]:
        parts = (self.scenario, *self.behaviours.values())
        return [step.body for part in parts for step in all_steps(part) if isinstance(step, flow.Atomic)]

    def _inside(self, steps: tuple[Step, ...]) -> Iterator[Step]:
        for step in all_steps(steps):
            yield step
            if isinstance(step, flow.Run):
                yield from self._inside(self.behaviour(step.target).do)

    def _writes(self, body: tuple[Step, ...]) -> list[str]:
        steps = [one for step in self._inside(body) for one in _written_by(step)]
        return [name for given in steps for name in self._resolved([given]) if name in self.scenario.state]

    @cached_property
    def atomic_names(self) -> frozenset[str]:
        """The shared variables that steps inside `atomic` use: every other write to them waits for these steps."""
        names = {name for body in self._atomic_bodies for step in self._inside(body) for name in _used_by(step)}
        return frozenset(self._resolved(names) & set(self.scenario.state))

    @cached_property
    def half_done(self) -> frozenset[str]:
        """The shared variables of which a read could see an `atomic` half done: it writes several times."""
        found: set[str] = set()
        for body in self._atomic_bodies:
            writes = self._writes(body)
            loops = any(isinstance(step, flow.While | flow.Repeat | flow.For) for step in self._inside(body))
            if len(writes) > 1 or (writes and loops):
                found |= set(writes)
        return frozenset(found)

    @cached_property
    def is_atomic_used(self) -> bool:
        """Whether any step is atomic."""
        return bool(self._atomic_bodies)


def _changed_by(step: Step) -> Iterator[Any]:
    if isinstance(step, variables.Append):
        yield step.to
    elif isinstance(step, variables.Pop):
        yield step.from_
    elif isinstance(step, variables.Set):
        yield from (target for target, _ in step.assign if target.path)


def _written_by(step: Step) -> Iterator[str]:
    yield from (target.name for target in _changed_by(step))
    yield from (name for name, _ in assigned([step]))


def _used_by(step: Step) -> Iterator[str]:
    yield from mentioned((step,))
    yield from _written_by(step)
