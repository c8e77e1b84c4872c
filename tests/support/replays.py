"""Schedules that are replayed, and what is asked of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from shown import Wanted, every_end

from scenrun.model.machine import Machine

FOLDER = Path(__file__).parents[2] / "scenarios"
ON = pytest.mark.parametrize("on", ["simulator", "threads"])
CROSSED = """
sync: {a: lock, b: lock}
threads:
  left: {do: [{acquire: a}, {acquire: b}, {release: b}, {release: a}]}
  right: {do: [{acquire: b}, {acquire: a}, {release: a}, {release: b}]}
"""


def deadlocked(machine: Machine) -> Wanted:
    """A path to a deadlock."""
    return next(one for one in every_end(machine, 10_000) if "deadlock" in dict(one.end.findings))
