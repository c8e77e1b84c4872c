"""Finds the Python function of the user's that a `call` step names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from scenrun.errors import Fault


def import_function(name: str) -> Callable[..., Any]:
    """The user's function `package.module:function`; a Fault says what is wrong with it."""
    module, _, attribute = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise Fault("ImportError", f"`{name}`: {error}") from None
    if not callable(found):
        raise Fault("TypeError", f"`{name}` is nothing that can be called")
    function: Callable[..., Any] = found
    return function
