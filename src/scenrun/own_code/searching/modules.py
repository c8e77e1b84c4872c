"""The modules that code of one execution is found in, by their names."""

from __future__ import annotations

import importlib
from typing import Any

from scenrun.own_code.hooking.loader import World


def module_in(world: World, name: str) -> Any:
    """A module by its name: compiled with hooks, a twin, or as it is."""
    if world.loader.is_traced(name):
        return world.load(name)
    twin = world.loader.twins.get(name)
    if twin is None:
        world.loader.uncontrolled.setdefault(name.partition(".")[0])
    return importlib.import_module(name) if twin is None else twin
