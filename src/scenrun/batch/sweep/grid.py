"""The grid of a sweep: every combination of values with every seed and repetition, in a fixed order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from scenrun.language.sweep import same


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a sweep."""

    number: int
    """Its position in the order of the grid, from 0."""
    parameters: Mapping[str, Any]
    """Values by dotted path."""
    seed: int
    repetition: int = 0

    @property
    def key(self) -> str:
        """A name that is the same for the same cell in any sweep."""
        return key_of(self.parameters, self.seed, self.repetition)


def key_of(parameters: Mapping[str, Any], seed: int, repetition: int) -> str:
    """A short name of a cell: equal parameters, seed and repetition give equal names."""
    text = json.dumps([sorted(parameters.items()), seed, repetition], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells of a sweep, generated on demand. No parameter has a value twice."""

    over: Mapping[str, tuple[Any, ...]]
    seeds: tuple[int, ...] | range
    include: tuple[Mapping[str, Any], ...] = ()
    exclude: tuple[Mapping[str, Any], ...] = ()
    repeat: int = 1

    @property
    def paths(self) -> tuple[str, ...]:
        """The varied paths, in the order of writing."""
        return tuple(dict.fromkeys([*self.over, *(path for one in self.include for path in one)]))

    @property
    def runs(self) -> int:
        """The number of cells of each combination."""
        return len(self.seeds) * self.repeat

    @property
    def most(self) -> int:
        """An upper bound of the number of cells, which counts excluded ones as well."""
        combinations = 1 if self.over or not self.include else 0
        for values in self.over.values():
            combinations *= len(values)
        return (combinations + len(self.include)) * self.runs

    def values_of(self, path: str) -> tuple[Any, ...]:
        """All values of a parameter."""
        values = list(self.over.get(path, ()))
        for one in self.include:
            if path in one and not any(same(one[path], value) for value in values):
                values.append(one[path])
        return tuple(values)

    def combinations(self) -> Iterator[dict[str, Any]]:
        """The parameters of the cells: each combination once, the last parameter changing first."""
        if self.over or not self.include:
            for values in product(*self.over.values()):
                parameters = dict(zip(self.over, values, strict=True))
                if not self._is_excluded(parameters):
                    yield parameters
        seen = set()
        for one in self.include:
            key = key_of(one, 0, 0)
            if key not in seen and not self._has(one):
                seen.add(key)
                yield dict(one)

    def _is_excluded(self, parameters: Mapping[str, Any]) -> bool:
        return any(all(same(parameters[path], value) for path, value in one.items()) for one in self.exclude)

    def _has(self, parameters: Mapping[str, Any]) -> bool:
        """Whether `over` has this combination already."""
        if not self.over or set(parameters) != set(self.over) or self._is_excluded(parameters):
            return False
        return all(any(same(value, one) for one in self.over[path]) for path, value in parameters.items())

    def cells(self) -> Iterator[Cell]:
        """Every cell; the seeds and repetitions of a combination follow each other."""
        number = 0
        for parameters in self.combinations():
            for seed in self.seeds:
                for repetition in range(self.repeat):
                    yield Cell(number, parameters, seed, repetition)
                    number += 1
