"""The versions that the gate tests with are those that `pyproject.toml` promises, and the lock names all that tests need."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(name: str) -> dict[str, str]:
    """The versions of a file of constraints, by package, as they are for this Python."""
    out = {}
    for line in (ROOT / "tests" / name).read_text(encoding="utf-8").splitlines():
        pin, _, marker = line.partition(";")
        found = re.fullmatch(r"([\w.-]+)==([\w.]+)\s*", pin)
        if found and _is_meant(marker.strip()):
            out[found[1].lower().replace("_", "-")] = found[2]
    return out


def _is_meant(marker: str) -> bool:
    newer = sys.version_info >= (3, 12)
    return {"": True, 'python_version < "3.12"': not newer, 'python_version >= "3.12"': newer}[marker]


def lowest(requirements: list[str]) -> dict[str, str]:
    """The lowest version of each requirement."""
    pairs = (re.fullmatch(r"([\w.-]+)>=([\w.]+)", one) for one in requirements)
    return {found[1].lower(): found[2] for found in pairs if found}


def test_the_lowest_versions_are_the_promised_ones() -> None:
    """A version that is no longer tested is no longer promised."""
    promised = lowest(PROJECT["dependencies"])
    tested = pins("lowest.txt")
    assert promised.keys() == tested.keys()
    assert all(version == tested[name] or tested[name] == f"{version}.0" for name, version in promised.items())


def test_the_lock_names_everything_that_tests_need() -> None:
    """So that what passed yesterday passes tomorrow, whatever is released meanwhile."""
    needed = lowest([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]])
    assert needed.keys() <= pins("constraints.txt").keys()


def test_the_classifiers_are_the_pythons_that_are_tested() -> None:
    """From the lowest that is allowed on, without a gap."""
    named = [int(c.rpartition(".")[2]) for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert PROJECT["requires-python"] == f">=3.{named[0]}"
    assert named == list(range(named[0], named[-1] + 1))
