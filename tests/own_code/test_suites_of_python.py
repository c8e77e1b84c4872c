"""Code with hooks means what it meant: Python's own tests of its modules pass, and random programs end alike."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "hooked_suites.py"


def compared(*arguments: str) -> str:
    """What the comparison says; fails where something is different."""
    command = [sys.executable, str(SCRIPT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(
    importlib.util.find_spec("test.test_heapq") is None,
    reason="this Python was installed without the tests of its own modules",
)
@pytest.mark.parametrize("module", ["heapq", "functools", "contextlib", "enum"])
def test_the_tests_of_a_module_pass_with_hooks(module: str) -> None:
    """As many as without; more modules by hand."""
    assert "0 different with hooks" in compared(module)


def test_random_programs_end_alike_with_hooks() -> None:
    """With every kind of access and statement; more programs by hand."""
    assert "0 programs are different" in compared("--programs", "0", "60")
