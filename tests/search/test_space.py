"""A breadth-first search that has to begin again: what it loses, and that it shows the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import scenrun
from scenrun.model.machine import FREE, Machine
from scenrun.search.space import breadth_first as spaces
from scenrun.search.space.breadth_first import Breadth, Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.visited import LinkedSpace

BUFFER = Path(__file__).parents[2] / "benchmarks/scenarios/explore_buffer.yaml"
EXPECTED = """
expect:
  always: ["held == 0"]
"""
"""So that there is something to be noticed."""


class Counted(Breadth):
    """A search that counts the states of each beginning."""

    def __init__(self, packed: Packed) -> None:
        super().__init__(packed, Limits())
        self.lost: list[int] = []

    def _search(self, space: LinkedSpace) -> None:
        try:
            super()._search(space)
        finally:
            self.lost.append(len(space))


def searched(tmp_path: Path) -> tuple[Counted, LinkedSpace]:
    """A space in which some values are reached late."""
    path = tmp_path / "late.yaml"
    path.write_text(BUFFER.read_text().replace("repeat: 4", "repeat: 3") + EXPECTED)
    search = Counted(Packed(Machine(scenrun.load(path).program, folded=FREE, forgets=True)))
    return search, search.run()


def shown(search: Counted, space: LinkedSpace) -> object:
    """All that is seen of a space, whatever the layout of its states."""
    unpack = search.packed.unpack
    noticed = [(one.kind, one.about, one.transition, unpack(one.state)) for one in search.packed.violations]
    return [unpack(state) for state in space], space.transitions, space.depth, len(space.terminal), noticed


def test_a_rehearsal_saves_beginning_again_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After random walks less is lost, and states, their order, transitions and what they show are the same."""
    with_walks = searched(tmp_path)
    monkeypatch.setattr(spaces, "MUCH", 10**9)
    without = searched(tmp_path)
    assert with_walks[1].bound == without[1].bound
    assert sum(with_walks[0].lost) < sum(without[0].lost)
    assert shown(*with_walks) == shown(*without)
    assert with_walks[0].packed.violations
    assert all(one.state in with_walks[1] for one in with_walks[0].packed.violations)
