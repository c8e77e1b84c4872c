"""`scenrun explore --self-test`: whether searches of code say what is so, on this Python and in this environment."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scenrun.own_code.searching import self_test_programs
from scenrun.own_code.searching.explore_code import explore_code
from scenrun.own_code.searching.self_test_programs import PROGRAMS

NAME = "scenrun_self_test_programs"


@dataclass(frozen=True, slots=True)
class SelfTested:
    """What the programs came to."""

    wrong: tuple[tuple[str, str, str], ...]
    """Programs with another verdict than they have: the name, the verdict that it has, and the one that was said."""
    seconds: float

    def __str__(self) -> str:
        right = len(PROGRAMS) - len(self.wrong)
        lines = [f"{right} of {len(PROGRAMS)} programs have the verdict that they should have "
                 f"(Python {platform.python_version()}, {self.seconds:.1f} s)"]  # fmt: skip
        lines += [f"  {name}: {said}, and it is {known}" for name, known, said in self.wrong]
        return "\n".join(lines)


def self_test() -> SelfTested:
    """Search the programs."""
    began, wrong = time.perf_counter(), []
    with _copied():
        for name, (threads, check, known) in PROGRAMS.items():
            found = explore_code(
                f"{NAME}:shared", [f"{NAME}:{one}" for one in threads], None if check is None else f"{NAME}:{check}"
            )
            if found.verdict != known or not all(one.is_reproduced for one in found.findings):
                wrong.append((name, known, found.verdict))
    return SelfTested(tuple(wrong), time.perf_counter() - began)


@contextmanager
def _copied() -> Iterator[None]:
    """Runs the body with a copy of the programs that can be imported: modules of scenrun itself are not searched."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(self_test_programs.__file__, Path(folder) / f"{NAME}.py")
        sys.path.insert(0, folder)
        try:
            yield
        finally:
            sys.path.remove(folder)
            sys.modules.pop(NAME, None)
