"""Names steps of code, and the places of accesses that are steps, so that they are found again in another process and Python."""

from __future__ import annotations

from typing import Any

from scenrun.model.moves import Move
from scenrun.own_code.hooking.loader import Loader
from scenrun.own_code.hooking.sites import SITES
from scenrun.own_code.running.execution import Execution, Mark
from scenrun.own_code.running.steps import Controlled


class Labels:
    """The names of the steps and places of the modules that a loader has loaded."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def of_step(self, execution: Execution, one: Controlled) -> Move:
        """The name of a thread's next step; the execution must record places."""
        step, place = one.next, execution.place_of(one)
        assert step is not None
        name, late = thread_name(execution, one.number), step.has_timeout and not step.is_ready()
        if place is None:
            return Move(name, step.text, expires=late)
        function = f"{self._loader.module_of(place.file)}:{place.function}"
        return Move(
            name, step.text, expires=late, function=function, source=place.source, inner=place.is_inner,
        )  # fmt: skip

    def of_mark(self, mark: Mark) -> dict[str, str]:
        """The name of an access that is a step, or of an attribute that is written on a class."""
        if isinstance(mark, str):
            return {"attribute": mark}
        site = SITES[mark]
        return {
            "function": f"{self._loader.module_of(site.file)}:{site.function}",
            "source": site.text,
            "what": site.what,
        }


class LabelledMarks:
    """The marks that have given names, among all that there are or will be."""

    def __init__(self, labels: Labels, named: tuple[dict[str, str], ...]) -> None:
        self.attributes = frozenset(one["attribute"] for one in named if "attribute" in one)
        self.named = named
        self._labels = labels
        self._named = {tuple(sorted(one.items())) for one in named}
        self._known: dict[Mark, bool] = {}

    def __contains__(self, mark: Any) -> bool:
        found = self._known.get(mark)
        if found is None:
            found = self._known[mark] = tuple(sorted(self._labels.of_mark(mark).items())) in self._named
        return found


def thread_name(execution: Execution, number: int) -> str:
    """The name of a thread; with its position among those that have the same name, unless it is the first one."""
    name = execution.threads[number].name
    before = sum(1 for one in execution.threads[:number] if one.name == name)
    return f"{name}#{before + 1}" if before else name
