"""`scenrun explore --main`: searches the schedules of a program that starts threads itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.exit_status import EXIT_INCOMPLETE
from scenrun.interface.cli.streams import say, tell
from scenrun.program.user_python import import_from_here

if TYPE_CHECKING:
    from scenrun.own_code.telling.result import CodeExplored

ASKED = ("strategy", "seed", "schedules", "time_limit", "depth", "bound", "build")
"""Options that are those of `scenrun.explore_main`."""
ALLOWED = (*ASKED, "main", "trace", "save", "as_json", "quiet", "allow_python", "times")
"""Options that have an effect."""


def explore_main_of(options: dict[str, Any]) -> int:
    """Search a program, and report what was found; returns the exit status."""
    from scenrun.own_code.searching.explore_code import explore_main

    _refuse(options["time_mode"])
    import_from_here(True)
    argv, sys.argv = sys.argv, [options["main"]]
    try:
        given = {name: options[name] for name in ASKED}
        given["seed"] = given["seed"] or 0
        given["time_limit"] = None if given["time_limit"] == "none" else given["time_limit"]
        found = explore_main(options["main"], trace=options["trace"], **given)
    finally:
        sys.argv = argv
    return _report(found, options)


def self_test_of(files: tuple[str, ...]) -> int:
    """Search programs whose verdict is known, and say whether it was found; returns the exit status."""
    from scenrun.own_code.searching.self_test import self_test

    if files or _given() != ["self_test"]:
        raise UsageError("--self-test goes without files and other options")
    found = self_test()
    say(str(found))
    return 1 if found.wrong else 0


def _refuse(time_mode: str | None) -> None:
    """Raises UsageError for options that have no effect."""
    for name in _given():
        if name not in ALLOWED:
            option = next(one for one in click.get_current_context().command.params if one.name == name)
            raise UsageError(f"{option.opts[0]} is for scenarios, and has no effect with --main")
    if time_mode == "virtual":
        raise UsageError("--time virtual is for models; the time of code is free")


def _given() -> list[str]:
    """The options that the command line gives."""
    context = click.get_current_context()
    return [
        name for name in context.params if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]


def _report(found: CodeExplored, options: dict[str, Any]) -> int:
    path = options["save"]
    if path and found.findings:
        found.save(path)
    if options["as_json"]:
        tell(
            json.dumps({**found.as_dict(), "saved": path if found.findings else None}, ensure_ascii=False), form="json"
        )
    if not (options["quiet"] and found.verdict == "holds"):
        say(str(found))
    if path and not found.findings:
        say(f"nothing was found, so {Path(path)} was not written")
    elif path:
        say(f"  see it again: scenrun replay {path} --allow-python")
    if found.verdict == "incomplete":
        return EXIT_INCOMPLETE
    return 0 if found.verdict == "holds" else 1
