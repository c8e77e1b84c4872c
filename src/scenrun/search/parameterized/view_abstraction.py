"""View abstraction: over-approximates what any number of replicas can do together by what a few of them do (Abdulla, Haziza
and Holik, All for the Price of Few, VMCAI 2013).

A view is a base with at most `size` of the free replicas beside it. If a set of views has those of the beginning, and with
each configuration of `size` + 1 replicas whose views are all in it also the views of what every step makes of it, then it has
the views of every state that any number of replicas can come to: a step is one replica's, so its effect on the others is seen
with one more of them. What violates nothing in such a set violates nothing with any number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from scenrun.search.parameterized.configuration import Configurations, Effect, Violation

View = tuple[int, ...]
"""The free replicas of a view, as sorted numbers of local states."""


class Views:
    """The least set of views of one size that is closed under all steps."""

    def __init__(self, configurations: Configurations, size: int, alarm: Callable[[int], None]) -> None:
        """alarm: called now and then with the number of views; raises what ends the search."""
        self.of = configurations
        self.size = size
        self.alarm = alarm
        self.count = 0
        self._views: dict[int, set[View]] = {}
        self._single: dict[int, set[int]] = {}
        """The free replicas that may be beside a base."""
        self._waiting: list[tuple[int, View]] = []

    def find_violation(self) -> Violation | None:
        """A step that violates something in the closed set; None where none does, with any number of replicas."""
        self._add(self.of.initial(), ())
        while self._waiting and self.of.violation is None:
            base, view = self._waiting.pop()
            self.alarm(self.count)
            self._step_within(base, view)
            if len(view) == self.size:
                self._step_beside(base, view)
        return self.of.violation

    def all(self) -> Iterator[tuple[int, View]]:
        """Every base with free replicas that may be beside it."""
        for base, views in self._views.items():
            yield from ((base, view) for view in views)

    def _step_within(self, base: int, view: View) -> None:
        """Add the views after each step of a thread that is in the view."""
        for effect in self.of.of_fixed(base):
            if effect.without is None or all(self.of.locals[one].group != effect.without for one in view):
                self._take(effect, view)
        for one in dict.fromkeys(view):
            for effect in self.of.of_free(base, one):
                self._take(effect, _without(view, one))

    def _step_beside(self, base: int, view: View) -> None:
        """Add the views after each step of a replica beside the others, where a new view makes one more replica possible."""
        for other in sorted(self._single[base]):
            whole = tuple(sorted((*view, other)))
            if all(part in self._views[base] for part in combinations(whole, self.size)):
                for one in dict.fromkeys(whole):
                    for effect in self.of.of_free(base, one):
                        self._take(effect, _without(whole, one))

    def _take(self, effect: Effect, others: View) -> None:
        """Add the views after a step beside these others."""
        for beside in self._after_waking(effect, others):
            whole = tuple(sorted((*beside, *effect.added)))
            for part in {part for size in range(self.size + 1) for part in combinations(whole, size)}:
                self._add(effect.base, part)

    def _after_waking(self, effect: Effect, others: View) -> Iterator[View]:
        """The others after a step, which takes at most so many out of each line."""
        found = {others}
        for slot, most in effect.woken:
            found |= {woken for view in found for woken in self._woken(view, slot, most)}
        yield from found

    def _woken(self, view: View, slot: int, most: int) -> Iterator[View]:
        in_line = [at for at, one in enumerate(view) if slot in self.of.locals[one].lines]
        for number in range(1, min(most, len(in_line)) + 1):
            for chosen in combinations(in_line, number):
                yield tuple(sorted(self.of.woken(one, slot) if at in chosen else one for at, one in enumerate(view)))

    def _add(self, base: int, view: View) -> None:
        views = self._views.setdefault(base, set())
        if view not in views:
            views.add(view)
            self.count += 1
            self._single.setdefault(base, set()).update(view)
            self._waiting.append((base, view))


def _without(view: View, one: int) -> View:
    at = view.index(one)
    return view[:at] + view[at + 1 :]
