"""Runs that end in a deadlock, with nobody left behind."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import scenrun
from scenrun.language.source import decode
from scenrun.program.loaded import load_source
from scenrun.report.results import RunResult


def run(text: str, **options: Any) -> RunResult:
    """Run a scenario given as text; far more time than any of them needs."""
    return scenrun.run(load_source(decode("scenario.yaml", text.encode())), time_limit=30, **options)


def line_of(text: str, thread: str) -> int:
    """The line that ends in `# thread`."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.endswith(f"# {thread}"))


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Iterator[None]:
    """Every real thread is gone when a run has ended."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.fixture(params=[0.005, 1e-6], ids=["calm", "hasty"])
def _interval(request: pytest.FixtureRequest) -> Iterator[None]:
    """CPython's switch interval: its own, and the shortest."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(request.param)
    yield
    sys.setswitchinterval(before)
