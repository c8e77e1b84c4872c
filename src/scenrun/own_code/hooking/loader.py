"""Loads modules anew for each execution: the user's own compiled with hooks, the standard library's for threads as twins."""

from __future__ import annotations

import builtins
import importlib
import importlib.machinery
import importlib.util
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from scenrun.errors import UsageError
from scenrun.own_code.hooking.accounting import note
from scenrun.own_code.hooking.compiling import instrumented
from scenrun.own_code.hooking.hook_names import HOOKS
from scenrun.own_code.hooking.instrument import Instrumenter
from scenrun.own_code.hooking.sites import Site, number_of
from scenrun.own_code.hooking.standard_library import STATEFUL, renew, twins
from scenrun.own_code.hooking.switch_points import SwitchPoints
from scenrun.own_code.running import control
from scenrun.own_code.running.notes import quietly

_PLACES = ("stdlib", "platstdlib", "purelib", "platlib")


class Loader:
    """Finds and compiles modules, once for all executions."""

    def __init__(self, traced: Iterable[str] = (), *, with_gil: bool = False) -> None:
        """The modules of one search.

        - traced: top-level modules that are compiled with hooks beside those that are installed nowhere.
        - with_gil: whether the code notes where a Python with the GIL may change threads.
        """
        self.traced = frozenset(traced)
        for name in self.traced:
            if "." not in name and _spec_of(name, None) is None and name not in sys.modules:
                raise UsageError(
                    f"there is no module `{name}` with source to be searched; modules are looked for in the current folder"
                )
        self.with_gil = with_gil
        self.kind: type[Instrumenter] = SwitchPoints if with_gil else Instrumenter
        self.uncontrolled: dict[str, None] = {}
        """Modules that were imported as they are."""
        self.twins = twins(self.kind)
        self.files: set[str] = set()
        """The files of the user's own modules that were loaded."""
        self.has_finalizers = False
        """Whether some module of the user's own looks at when objects end."""
        self.has_pools = False
        """Whether some module uses pools."""
        self._codes: dict[str, tuple[CodeType, importlib.machinery.ModuleSpec]] = {}
        self._known: dict[str, bool] = {}
        self._installed = tuple(Path(sysconfig.get_path(place)).resolve() for place in _PLACES)

    def is_traced(self, name: str) -> bool:
        """Whether a module is compiled with hooks: one of the user's own, of which there is source."""
        top = name.partition(".")[0]
        if top not in self._known:
            self._known[top] = top != "scenrun" and (top in self.traced or self._is_own(top))
        return self._known[top]

    def _is_own(self, top: str) -> bool:
        spec = _spec_of(top, None)
        if spec is None or spec.origin is None:
            return False
        place = Path(spec.origin).resolve()
        return not any(place.is_relative_to(installed) for installed in self._installed)

    def module_of(self, file: str) -> str:
        """The name of the module that was loaded from a file; of one of Python's own, the name of the file."""
        names = (name for name, (_, spec) in self._codes.items() if spec.origin == file)
        return next(names, Path(file).stem)

    def code_of(self, name: str, path: Any) -> tuple[CodeType, importlib.machinery.ModuleSpec] | None:
        """The code and the specification of a module; None where there is no source."""
        if name not in self._codes:
            spec = _spec_of(name, path)
            if spec is None or spec.origin is None:
                return None
            source = importlib.util.decode_source(Path(spec.origin).read_bytes())
            self.has_finalizers |= "__del__" in source or "weakref" in source
            self._codes[name] = instrumented(source, spec.origin, self.kind), spec
            self.files.add(spec.origin)
        return self._codes[name]


def is_of_python(top: str) -> bool:
    """Whether a top-level module is of the standard library, or has no source: it is not compiled with hooks if it is named."""
    spec = _spec_of(top, None)
    return top in sys.stdlib_module_names or spec is None


def _spec_of(name: str, path: Any) -> importlib.machinery.ModuleSpec | None:
    """The specification of a module of which there is source; None where there is none.

    What is found along the path comes first: a loader that has loaded the module already, as pytest's, may change its source.
    """
    try:
        spec = importlib.machinery.PathFinder.find_spec(name, path) or importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return spec if spec is not None and spec.origin is not None and spec.origin.endswith(".py") else None


class World:
    """The modules of one execution."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.modules: dict[str, ModuleType] = {}
        control.loaded = self.modules
        self._replaced: dict[str, ModuleType | None] = {}
        """What `sys.modules` had under the names of this world's modules."""
        self._names = {**vars(builtins), **HOOKS, "__import__": self._import}
        if loader.has_pools:
            renew(loader.twins, loader.kind)

    def load(self, name: str) -> ModuleType:
        """A module of the user's own, compiled with hooks and run."""
        if name in self.modules:
            return self.modules[name]
        parent = self.load(name.rpartition(".")[0]) if "." in name else None
        found = self.loader.code_of(name, None if parent is None else parent.__path__)
        if found is None:
            raise ImportError(f"there is no module {name} with source")
        code, spec = found
        module = importlib.util.module_from_spec(spec)
        module.__dict__["__builtins__"] = self._names
        if control.here() is not None:
            note(f"import {name} by a thread", number_of(Site(str(spec.origin), 1, "<module>", "import")))
        self.modules[name] = module
        self._replaced[name] = sys.modules.get(name)
        sys.modules[name] = module  # pickle, dataclasses and others look a class's module up there
        with quietly():
            exec(code, module.__dict__)
        if parent is not None:
            setattr(parent, name.rpartition(".")[2], module)
        return module

    def leave(self) -> None:
        """Give `sys.modules` back what it had."""
        for name, module in self._replaced.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        self._replaced.clear()

    def _import(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> ModuleType:
        """What `import` does in a module of this world."""
        if level:
            name = importlib.util.resolve_name("." * level + name, (globals or {}).get("__package__") or "")
        if name in self.loader.twins:
            self.loader.has_pools |= STATEFUL.startswith(name)
            return self.loader.twins[name if fromlist else name.partition(".")[0]]
        if not self.loader.is_traced(name):
            self.loader.uncontrolled.setdefault(name.partition(".")[0])
            return builtins.__import__(name, globals, locals, fromlist, 0)
        module = self.load(name)
        if fromlist and control.here() is not None:
            note(f"from {name} import .. by a thread", number_of(Site(name, 0, "<module>", "import")))
        for part in fromlist or ():
            if part != "*" and not hasattr(module, part) and hasattr(module, "__path__"):
                self.load(f"{name}.{part}")
        return module if fromlist else self.load(name.partition(".")[0])


def named(value: Any) -> tuple[str, str]:
    """The module and the qualified name of a function or class, or of the text `package.module:name`."""
    if isinstance(value, str):
        module, _, name = value.partition(":")
        return module, name
    if getattr(value, "__self__", None) is not None:
        return "", ""
    module = getattr(value, "__module__", "")
    if module == "__main__":  # it is loaded under its own name, so that it does not begin to search as well
        main: Any = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        module = spec.name if spec is not None else Path(getattr(main, "__file__", "__main__.py")).stem
    return module, getattr(value, "__qualname__", "")
