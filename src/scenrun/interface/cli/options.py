"""Options and arguments that several commands share: scenario files, standard input, overrides, expectations."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from scenrun.errors import Problem, ScenarioError, Source, UsageError
from scenrun.interface.cli.startup import without_collecting
from scenrun.interface.cli.streams import say
from scenrun.language import source as yaml_source
from scenrun.language.source import read_file
from scenrun.program.loaded import Loaded, load_source

_PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*\Z")


def source_of(file: str) -> Source:
    """The scenario text of a file, or of standard input for `-`."""
    if file == "-":
        return yaml_source.decode("<stdin>", sys.stdin.buffer.read(yaml_source.MAX_BYTES + 1))
    if Path(file).is_dir():
        raise ScenarioError([Problem(None, f"{file} is a folder; `scenrun list {file}` lists its scenarios")])
    return read_file(Path(file))


def load(file: str, overrides: dict[str, Any], expect: str | None = None, *, strict: bool = False) -> Loaded:
    """The scenario of a file or of standard input, parsed, checked and compiled.

    expect: a teacher's file. strict: whether to refuse what is only warned of otherwise.
    """
    source = source_of(file)
    teacher = None if expect is None else source_of(expect)
    with without_collecting():
        return load_source(source, overrides, teacher, strict=strict)


def warn(loaded: Loaded) -> None:
    """Say on stderr what may be a mistake of a file."""
    for warning in loaded.program.warnings:
        say(f"warning: {warning}")


def overrides_of(sets: tuple[str, ...]) -> dict[str, Any]:
    """`--set PATH=VALUE` options as a mapping; a value is read like an unquoted one in a file."""
    out: dict[str, Any] = {}
    for text in sets:
        path, equals, value = text.partition("=")
        if not equals or not _PATH.match(path):
            raise UsageError(
                f"--set {text}: written PATH=VALUE, where PATH is names joined by dots (items of lists have none), "
                "such as --set threads.consumer.count=3"
            )
        if path in out:
            raise UsageError(f"--set {path} is given twice")
        out[path] = yaml_source.scalar(value)
    return out
