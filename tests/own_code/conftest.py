"""What all tests of the user's own Python share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scenrun.own_code.running import control


@pytest.fixture(autouse=True)
def leaves_no_execution() -> Iterator[None]:
    """No test leaves an execution open: each search would refuse to begin after it."""
    yield
    left, control.current = control.current, None
    assert left is None
