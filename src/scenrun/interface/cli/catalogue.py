"""`scenrun list`, `behaviours` and `new`: lists scenarios and behaviours, and writes new scenario files."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from pathlib import Path

import click
from pydantic_core import PydanticCustomError

from scenrun.errors import ScenarioError, UsageError
from scenrun.interface.cli.streams import tell
from scenrun.language import behaviours, catalogue
from scenrun.language.fields import check_name
from scenrun.language.source import read_file
from scenrun.language.suggestions import did_you_mean
from scenrun.program.loaded import load_source

_FILE = re.compile(r"\b(\w+)\.yaml\b")
"""A file that a comment names."""


@click.command("list")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
def list_command(folder: Path | None) -> int:
    """List scenarios with what they teach and the verdicts that they expect; without DIR, the shipped ones."""
    root = folder or catalogue.shipped("scenarios")
    if not root.is_dir():
        raise UsageError(f"{root} is no folder")
    found = catalogue.files(root)
    if not found:
        raise UsageError(f"there are no .yaml files in {root}")
    wide = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for path in found:
        tell(_entry(path, root, wide))
    return 0


def _entry(path: Path, root: Path, wide: int | None) -> str:
    """A scenario in a line; what it teaches is cut only where the line would not fit a terminal `wide` columns wide."""
    name = str(path.relative_to(root).with_suffix(""))
    try:
        loaded = load_source(read_file(path))
    except ScenarioError as error:
        count = len(error.problems)
        return f"{name:<30} not a valid scenario ({count} problem{'s' * (count != 1)}; `scenrun validate {path}`)"
    expected = " or ".join(loaded.program.expectations.verdict("run"))
    begin, what = f"{name:<30} {expected:<20} ", " ".join(loaded.program.description.split())
    if wide is not None:
        what = textwrap.shorten(what, max(20, wide - len(begin)), placeholder=" …")
    return f"{begin}{what}".rstrip()


@click.command("behaviours")
@click.argument("name", required=False)
def behaviours_command(name: str | None) -> int:
    """List the built-in behaviours, or print one as a file to start from."""
    if name is None:
        for each in behaviours.names():
            found = behaviours.shipped(each)
            assert found is not None
            params = ", ".join(found.params)
            tell(f"{each} {{{params}}}\n    {found.description}")
        return 0
    if name not in behaviours.names():
        hint = did_you_mean(name, behaviours.names())
        raise UsageError(f"there is no built-in behaviour `{name}`{hint}; there are {', '.join(behaviours.names())}")
    tell(behaviours.text(name), newline=False)
    return 0


@click.command("new")
@click.argument("name")
@click.option("--from", "origin", default="queue_pipeline", show_default=True, metavar="SCENARIO",
              help="The shipped scenario, of the gallery too, or behaviour to begin with.")  # fmt: skip
def new_command(name: str, origin: str) -> int:
    """Write NAME.yaml, a commented scenario to start from, that editors can complete and check."""
    path = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    try:
        check_name(path.stem)
    except PydanticCustomError as error:
        raise UsageError(f"`{path.stem}` cannot name a scenario: {error.message()}") from None
    origin = origin.removeprefix("gallery/").removesuffix(".yaml")
    text = _renamed(catalogue.scenario_text(origin), origin, path.stem)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise UsageError(f"{path} exists; choose another name") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    tell(f"wrote {path}; run it with: scenrun {path}")
    return 0


def _renamed(text: str, origin: str, name: str) -> str:
    """The text of a scenario under another name, with the modeline that gives editors its schema.

    Other files that its comments name are not beside it: they are named without `.yaml`, and with the command that writes them.
    """
    lines = [line for line in text.splitlines() if not line.startswith("# yaml-language-server:")]
    body = re.sub(r"^scenario: .*$", f"scenario: {name}", "\n".join(lines), count=1, flags=re.MULTILINE)
    body = re.sub(rf"\b{re.escape(origin)}\.yaml\b", f"{name}.yaml", body)
    others = [other for other in dict.fromkeys(_FILE.findall(body)) if other != name]
    body = _FILE.sub(lambda found: found[1] if found[1] in others else found[0], body)
    if others:
        written = f"# `scenrun new NAME --from {others[0]}` writes the scenario of that name" + ", and so on." * (
            len(others) > 1
        )
        body = re.sub(r"^scenario: ", f"{written.removesuffix('.')}.\nscenario: ", body, count=1, flags=re.MULTILINE)
    schema = catalogue.shipped("schemas") / "scenario.schema.json"
    return f"# yaml-language-server: $schema={schema}\n{body}\n"
