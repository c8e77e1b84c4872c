"""The same program as a scenario and as Python: both searches find the same outcomes and deadlocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from code_compared import TooLarge
from programs_twice import Twice, by_code, by_model

PARTS, EACH = 2, 5


@pytest.mark.parametrize("part", range(PARTS))
def test_a_model_and_its_code_end_alike(part: int, tmp_path: Path) -> None:
    """Whatever the model can end with, the code can, and the other way round; more programs by hand (docs/contributing.md)."""
    several, stuck = 0, 0
    for number in range(part * EACH, part * EACH + EACH):
        twice = Twice(number)
        try:
            model, code = by_model(twice), by_code(twice, tmp_path, f"twice_{number}", 150)
        except TooLarge:
            continue
        assert model == code, f"program {number}:\n{twice.module()}"
        several += len(model.outcomes) > 1
        stuck += model.deadlocks != 0
    assert several
    assert stuck
