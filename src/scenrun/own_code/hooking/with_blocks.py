"""How this Python enters a `with` block."""

from __future__ import annotations

import dis
from functools import cache


@cache
def calls_to_enter() -> bool:
    """Whether this Python enters a `with` block by a call as others, and so may change threads after it."""
    made: dict[str, object] = {}
    exec("def enters(s):\n    with s:\n        pass\n", made)
    return all(one.opname != "BEFORE_WITH" for one in dis.get_instructions(made["enters"]))  # type: ignore[arg-type]
