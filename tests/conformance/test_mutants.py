"""The comparisons of the model with reality can fail: a model with a mistake in one line is told from the real thing."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from mutants import MUTANTS, SUBJECTS, Mutant, broken, caught

SOME = [mutant for _, group in groupby(MUTANTS, lambda mutant: mutant.what) for mutant in list(group)[:2]]
"""Two of each kind; the script benchmarks/mutants.py tries all."""


def test_every_kind_has_three_mutants_or_more() -> None:
    """And each of them is a line that the model has."""
    for what in SUBJECTS:
        of_kind = [mutant for mutant in MUTANTS if mutant.what == what]
        assert len(of_kind) >= 3
        assert all(broken(mutant).name == mutant.kind for mutant in of_kind)


@pytest.mark.parametrize("mutant", [*SOME, *(mutant for mutant in MUTANTS if mutant.scenario)], ids=str)
def test_a_broken_model_is_caught(mutant: Mutant) -> None:
    """Random commands, or the log of a scenario, cannot be explained by it."""
    assert caught(mutant) is not None
