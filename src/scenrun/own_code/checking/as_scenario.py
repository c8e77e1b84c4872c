"""Writes a program of calls that fails as a scenario file, which is explored, replayed, and a test."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from scenrun.errors import UsageError
from scenrun.own_code.checking.result import Failing
from scenrun.own_code.checking.subject import Subject
from scenrun.own_code.histories.operations import Operation

OBJECT = "o"
"""The name of the object in the scenario."""
MARK = "# Written by scenrun check"
"""The first line of such a file."""


class CannotSay(Exception):
    """Something that a scenario cannot say, with the reason."""


def scenario_of(
    failing: Failing, subject: Subject, spec: str | None = None, verdicts: Sequence[str] = ("violated",)
) -> str:
    """A scenario file with the calls of a program that fails. Raises CannotSay.

    - spec: the class that says what is right; None: the object's own.
    - verdicts: what a search of the file shows.
    """
    program = failing.program
    threads = {
        name: {"do": list(map(_step, calls))} for name, calls in zip(program.names, program.threads, strict=True)
    }
    names = list(threads)
    expected = {"object": OBJECT, "spec": spec} if spec is not None else OBJECT
    whole: dict[str, Any] = {
        "scenario": _word(f"{subject.what.name}_{'_and_'.join(dict.fromkeys(one.name for one in failing.calls))}"),
        "description": f"Calls of {subject.what} at the same time that no order of them explains.",
        "objects": {OBJECT: _object(subject)},
        "threads": threads,
    }
    if program.setup or program.finals:
        begun, ended = [{"start": name} for name in names], [{"join": name} for name in names]
        whole["main"] = [*map(_step, program.setup), *begun, *ended, *map(_step, program.finals)]
    whole["expect"] = {
        "linearizable": [expected],
        "verdict": {"explore": list(verdicts) if len(verdicts) > 1 else verdicts[0]},
    }
    return _header(failing, subject) + yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=120)


def _header(failing: Failing, subject: Subject) -> str:
    lines = [MARK + f" {subject.what}: no order of these calls explains what they return.", "#"]
    lines += [f"#   seen     {one}" for one in failing.seen]
    lines += [f"#   allowed  {one}" for one in failing.allowed]
    lines += ["#", "# See it:            scenrun explore THIS_FILE --allow-python",
              "# Keep it as a test:  expect `verdict: holds` once it is mended, and run pytest with --allow-python"]  # fmt: skip
    return "\n".join(line if len(line) <= 120 else f"{line[:119]}…" for line in lines) + "\n"


def _object(subject: Subject) -> dict[str, Any]:
    out: dict[str, Any] = {"python": str(subject.make_by)}
    if subject.arguments:
        names = list(inspect.signature(subject.cls).parameters)
        out["args"] = dict(zip(names, map(ast.literal_eval, subject.arguments), strict=False))
    return out


def _step(one: Operation) -> dict[str, Any]:
    """A call whose exception is a result, and no end of its thread."""
    if one.is_expression:
        raise CannotSay(f"`{one}` is an expression of the object, and not a call")
    function: Any
    if one.is_property and one.arguments:
        function = {"function": f"{OBJECT}.__setattr__", "args": [repr(one.name), _value(one.arguments[0])]}
    elif one.is_property:
        function = {"function": f"{OBJECT}.__getattribute__", "args": [repr(one.name)]}
    elif one.by_name and one.arguments:
        raise CannotSay(f"`{one}` has arguments by position and by name, and a scenario has one or the other")
    elif one.by_name:
        function = {"function": f"{OBJECT}.{one.name}", "args": {name: _value(value) for name, value in one.by_name}}
    elif one.arguments:
        function = {"function": f"{OBJECT}.{one.name}", "args": list(map(_value, one.arguments))}
    else:
        function = f"{OBJECT}.{one.name}"
    return {"try": [{"call": function}], "except": {"Exception": []}}


def _value(written: str) -> Any:
    """An argument as an expression of a scenario."""
    value = ast.literal_eval(written)
    if isinstance(value, int | float | bool) or value is None:
        return value
    if isinstance(value, str | list | dict):
        return repr(value)
    raise CannotSay(f"a scenario has no values of the type {type(value).__name__}")


def _word(text: str) -> str:
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)).strip("_").lower()


def check_place(path: Path) -> None:
    """Raises UsageError where something is there that no check has written."""
    try:
        is_own = not path.exists() or path.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; give another name with -o") from None
    if not is_own:
        raise UsageError(f"{path} is there, and was not written by a check; give another name with -o")
