"""The documents, the code blocks in them, and a shell that runs what they show."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def shell(command: str, desk: Path) -> str:
    """What a command says, on stdout and stderr."""
    environment = {**os.environ, "PATH": f"{desk / 'bin'}:{os.environ['PATH']}", "COLUMNS": "120"}
    done = subprocess.run(
        ["bash", "-c", command.replace(".venv/bin/", "")], cwd=desk, env=environment, text=True, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


def sessions(page: Path, desk: Path) -> Iterator[tuple[str, str]]:
    """The commands of a page in their order, each with what is shown of it; the scenario before one is `try.yaml`."""
    for language, block in re.findall(r"^```(yaml|console)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        if language == "yaml" and block.startswith("scenario:"):
            (desk / "try.yaml").write_text(block)
        elif language == "console":
            for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = session.partition("\n")
                yield command, output
