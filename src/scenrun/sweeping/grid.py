"""Which cells a sweep has, and in which order: every combination of values, and each with every seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a sweep."""

    number: int
    """Its place in the order of the sweep, from 0."""
    parameters: Mapping[str, Any]
    """Values by dotted path."""
    seed: int
    repetition: int = 0

    @property
    def key(self) -> str:
        """The same for the same cell, whichever sweep it belongs to."""
        return key_of(self.parameters, self.seed, self.repetition)


def key_of(parameters: Mapping[str, Any], seed: int, repetition: int) -> str:
    """A short name of a cell: equal parameters, seed and repetition give equal names."""
    text = json.dumps([sorted(parameters.items()), seed, repetition], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells of a sweep, not made before they are asked for."""

    over: Mapping[str, tuple[Any, ...]]
    seeds: tuple[int, ...] | range
    include: tuple[Mapping[str, Any], ...] = ()
    exclude: tuple[Mapping[str, Any], ...] = ()
    repeat: int = 1

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything that varies, in the order of writing."""
        return tuple(dict.fromkeys([*self.over, *(path for one in self.include for path in one)]))

    @property
    def most(self) -> int:
        """How many cells there are at most: what is excluded is counted as well."""
        combinations = 1 if self.over or not self.include else 0
        for values in self.over.values():
            combinations *= len(values)
        return (combinations + len(self.include)) * len(self.seeds) * self.repeat

    def combinations(self) -> Iterator[dict[str, Any]]:
        """The parameters of the cells: each combination once, the last parameter changing first."""
        seen = set()
        for parameters in chain(self._grid(), map(dict, self.include)):
            key = key_of(parameters, 0, 0)
            if key not in seen:
                seen.add(key)
                yield parameters

    def _grid(self) -> Iterator[dict[str, Any]]:
        if not self.over and self.include:
            return
        for values in product(*self.over.values()):
            parameters = dict(zip(self.over, values, strict=True))
            if not any(_agrees(parameters, one) for one in self.exclude):
                yield parameters

    def cells(self) -> Iterator[Cell]:
        """Every cell: all seeds and repetitions of a combination after one another."""
        number = 0
        for parameters in self.combinations():
            for seed in self.seeds:
                for repetition in range(self.repeat):
                    yield Cell(number, parameters, seed, repetition)
                    number += 1

    def with_over(self, over: Mapping[str, tuple[Any, ...]]) -> Grid:
        """The grid with other values for some parameters, or with more parameters."""
        return replace(self, over={**self.over, **over})


def _agrees(parameters: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(path in parameters and _same(parameters[path], value) for path, value in wanted.items())


def _same(one: Any, other: Any) -> bool:
    """Equal, and not merely as True equals 1."""
    return type(one) is type(other) and bool(one == other)
