"""What the modules of one execution have: modules, functions and classes, found by their names."""

from __future__ import annotations

import importlib
from functools import reduce
from typing import Any, NamedTuple

from scenrun.errors import UsageError
from scenrun.own_code.hooking.loader import World
from scenrun.own_code.running.execution import Uncontrolled


def module_in(world: World, name: str) -> Any:
    """A module by its name: compiled with hooks, a twin, or as it is."""
    if world.loader.is_traced(name):
        return world.load(name)
    twin = world.loader.twins.get(name)
    if twin is None:
        world.loader.uncontrolled.setdefault(name.partition(".")[0])
    return importlib.import_module(name) if twin is None else twin


class Named(NamedTuple):
    """A function or class of a module, by its name."""

    module: str
    name: str

    @classmethod
    def of(cls, text: str, which: str) -> Named:
        """`package.module:name`. which: what it is for, for UsageError."""
        module, _, name = text.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise UsageError(f"{which} is given as `package.module:Name`, not `{text}`")
        return cls(module, name)

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"

    @property
    def top(self) -> str:
        """The top-level package or module."""
        return self.module.partition(".")[0]

    def found_in(self, world: World) -> Any:
        """It, in the modules of one execution; raises UsageError."""
        try:
            return reduce(getattr, self.name.split("."), module_in(world, self.module))
        except (UsageError, Uncontrolled):
            raise
        except SyntaxError as error:
            raise UsageError(
                f"`{self.module}` cannot be loaded: {error.msg} ({error.filename}, line {error.lineno})"
            ) from None
        except (ImportError, AttributeError) as error:
            is_there = isinstance(error, ImportError) and error.name not in (None, self.module)
            what = f"`{self.module}` cannot be loaded" if is_there else f"`{self}` cannot be found"
            raise UsageError(f"{what}: {error}; modules are looked for in the current folder") from None
        except Exception as error:
            raise UsageError(f"`{self.module}` cannot be loaded: {type(error).__name__}: {error}") from error
