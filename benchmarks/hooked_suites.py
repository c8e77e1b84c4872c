"""Whether code with hooks means what it meant: tests of Python's own modules, and random programs, with hooks and without.

python benchmarks/hooked_suites.py [--quick] [MODULE ..]      the tests of these modules
python benchmarks/hooked_suites.py --programs 1000 2000       random programs by number
"""

from __future__ import annotations

import argparse
import builtins
import importlib
import importlib.machinery
import importlib.util
import io
import json
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from scenrun.own_code.hooking.compiling import instrumented
from scenrun.own_code.hooking.hook_names import HOOKS
from scenrun.own_code.hooking.instrument import Instrumenter
from scenrun.own_code.hooking.switch_points import SwitchPoints

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

KINDS: dict[str, type[Instrumenter] | None] = {"plain": None, "hooked": Instrumenter, "switches": SwitchPoints}
"""How a module is compiled: as it is, with hooks, and with those for the places where threads are changed."""
QUICK = ("heapq", "textwrap", "dataclasses", "contextlib", "functools", "enum", "collections")
MODULES = (
    *QUICK, "queue", "bisect", "calendar", "configparser", "copy", "difflib", "fractions", "ipaddress", "json", "operator",
    "pprint", "random", "reprlib", "shlex", "statistics", "string", "typing", "concurrent.futures",
)  # fmt: skip
NAMES = {**vars(builtins), **HOOKS}


class Hooked(importlib.machinery.SourceFileLoader):
    """Loads modules with hooks."""

    codes: dict[str, CodeType] = {}
    kind: type[Instrumenter] | None = None

    def exec_module(self, module: ModuleType) -> None:
        """Run the module."""
        module.__dict__["__builtins__"] = NAMES
        exec(self.compiled(self.path), module.__dict__)

    @classmethod
    def compiled(cls, path: str) -> CodeType:
        """The code of a file, compiled once: what is hooked may be needed for compiling."""
        if path not in cls.codes:
            cls.codes[path] = instrumented(importlib.util.decode_source(Path(path).read_bytes()), path, cls.kind)
        return cls.codes[path]


class Finder:
    """Finds the modules that are to have hooks."""

    def __init__(self, top: str) -> None:
        self.top = top

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """The specification, with the loader."""
        if name != self.top and not name.startswith(f"{self.top}."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
            spec.loader = Hooked(name, spec.origin)
            return spec
        return None


def results_of(module: str, kind: str) -> dict[str, Any]:
    """How many of a module's tests ran, and which failed, in this process."""
    if kind != "plain":
        Hooked.kind = KINDS[kind]
        origin = importlib.util.find_spec(module)
        assert origin is not None
        if str(origin.origin).endswith(".py"):
            Hooked.compiled(str(origin.origin))
        sys.meta_path.insert(0, Finder(module))  # type: ignore[arg-type]
        for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
            del sys.modules[name]
        importlib.import_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromName(f"test.test_{module.replace('.', '_')}")
    found = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
    return {"ran": found.testsRun, "failed": sorted(test.id() for test, _ in (*found.failures, *found.errors))}


def compared(module: str) -> tuple[int, list[str]]:
    """How many tests ran, and what is different with hooks; each in a process of its own."""
    command = [sys.executable, __file__, "--one", module]
    told = {}
    for kind in KINDS:
        done = subprocess.run([*command, kind], capture_output=True, text=True, timeout=600, check=False)
        failed = {"ran": 0, "failed": [done.stderr[-200:]]}
        told[kind] = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else failed
    plain = told.pop("plain")
    wrong = {kind: found["failed"] or ["other tests"] for kind, found in told.items() if found != plain}
    return plain["ran"], [f"{kind}: {one}" for kind, tests in wrong.items() for one in tests]


def programs(first: int, end: int) -> list[str]:
    """The random programs that end in another way with hooks; each runs its threads one after the other."""
    from code_at_random import Author

    wrong = []
    for number in range(first, end):
        source = Author(number, locks=bool(number % 2)).source()
        plain = _in_time(source, "plain", PATIENCE_S)
        if plain == ENDLESS:
            continue
        ended = [plain, *(_in_time(source, kind, HOOKED_PATIENCE_S) for kind in KINDS if kind != "plain")]
        if len(set(ended)) > 1 and ENDLESS not in ended:
            wrong.append(f"program {number}: {ended}")
    return wrong


ENDLESS = "it does not end"
PATIENCE_S, HOOKED_PATIENCE_S = 0.25, 4.0


def _in_time(source: str, kind: str, patience_s: float) -> str:
    """How a program ends: some put into what they go through, and so do not."""

    def give_up(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, give_up)
    try:
        signal.setitimer(signal.ITIMER_REAL, patience_s)
        try:
            return _ended(source, kind)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:  # also where it comes while the timer is set or taken back
        return ENDLESS
    finally:
        signal.signal(signal.SIGALRM, before)


def _ended(source: str, kind: str) -> str:
    code = compile(source, "<program>", "exec") if kind == "plain" else instrumented(source, "<program>", KINDS[kind])
    module: dict[str, Any] = {"__builtins__": NAMES, "__name__": "program", "__file__": "<program>"}
    sys.modules["program"] = ModuleType("program")
    exec(code, module)
    shared, out = module["setup"](), []
    for at in range(module["THREADS"]):
        try:
            if "while not s." in source or "while s.x" in source:  # it may wait for another thread
                return "waits"
            module[f"thread_{at}"](shared)
        except Exception as error:  # what ends it is part of the result
            out.append(f"{type(error).__name__}: {error}")
    try:
        return f"{out} {module['final'](shared)}"
    except Exception as error:
        return f"{out} {type(error).__name__}: {error}"


def main() -> int:
    """The command."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("modules", nargs="*")
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--one", action="store_true", help="MODULE KIND: in this process, as JSON")
    asked.add_argument("--programs", action="store_true", help="FIRST END")
    given = asked.parse_args()
    if given.one:
        print(json.dumps(results_of(*given.modules)))
        return 0
    if given.programs:
        wrong = programs(*map(int, given.modules))
        print(*wrong, f"{len(wrong)} programs are different with hooks", sep="\n")
        return bool(wrong)
    different = 0
    for module in given.modules or (QUICK if given.quick else MODULES):
        ran, wrong = compared(module)
        different += len(wrong)
        print(f"{module}: {ran:,} tests, {len(wrong)} different with hooks", *wrong[:5], sep="\n  ", flush=True)
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
