"""Everything works where a system has none of POSIX's own: no fork, no alarm, no locks of files, no terminal settings."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import scenrun

ROOT = Path(__file__).parents[2]
PACKAGE = Path(scenrun.__file__).parent
WITHOUT = """
import multiprocessing, multiprocessing.context, os, signal, sys
for module in ("fcntl", "termios", "tty", "pty", "resource", "grp", "pwd"):
    sys.modules[module] = None
for name in ("fork", "forkpty", "sched_getaffinity", "getuid", "geteuid", "register_at_fork"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGALRM", "setitimer", "ITIMER_REAL", "SIGHUP", "SIGUSR1", "pthread_sigmask"):
    if hasattr(signal, name):
        delattr(signal, name)
multiprocessing.get_all_start_methods = lambda: ["spawn"]
del multiprocessing.context._concrete_contexts["fork"], multiprocessing.context._concrete_contexts["forkserver"]
if __name__ == "__main__":
    from scenrun.interface.cli.main import run_cli
    sys.exit(run_cli(sys.argv[1:]))
"""
PIPELINE, LOST = str(ROOT / "scenarios/queue_pipeline_fixed.yaml"), str(ROOT / "scenarios/lost_update.yaml")
COMMANDS: dict[str, list[str]] = {
    "run": ["run", LOST, "--log", "run.jsonl"],
    "simulate": ["simulate", PIPELINE, "--level", "debug", "--log", "log.jsonl"],
    "explore": ["explore", LOST, "--save", "lost.json"],
    "explore in processes": ["explore", LOST, "--strategy", "random", "--schedules", "50", "--jobs", "2"],
    "replay": ["replay", "lost.json", "--on", "threads", "--log", "replayed.jsonl"],
    "sweep": ["sweep", PIPELINE, "--seeds", "3", "--jobs", "2", "-o", "cells.csv"],
    "test": ["test", LOST, "--jobs", "2"],
    "stats": ["stats", "log.jsonl"],
    "report": ["report", "log.jsonl", "-o", "page.html"],
    "list": ["list"],
}
"""In this order, each in the folder in which those before it have left their files."""


def test_commands_need_nothing_of_posix_alone(tmp_path: Path) -> None:
    """Each as a process of its own, in which all of that is hidden."""
    script = tmp_path / "without_posix.py"
    script.write_text(WITHOUT, encoding="utf-8")
    for name, command in COMMANDS.items():
        done = subprocess.run(
            [sys.executable, str(script), *command], cwd=tmp_path, capture_output=True, timeout=240, check=False
        )
        said = done.stderr.decode("utf-8", "replace")
        assert "Traceback" not in said, (name, said)
        assert done.returncode in ((0, 3) if name == "explore in processes" else (0, 1) if name == "run" else (0,)), (
            name,
            said,
        )
    assert json.loads((tmp_path / "lost.json").read_text(encoding="utf-8"))["moves"]
    assert (tmp_path / "page.html").stat().st_size > 10_000


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_texts_are_read_and_written_as_utf_8(path: Path) -> None:
    """Whatever a system takes for its own encoding: `open` and its like say which is meant, or are of bytes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        of_os = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in (
            "os",
            "gzip",
            "webbrowser",
        )
        if name not in ("open", "read_text", "write_text", "fdopen") or of_os:
            continue
        given = {keyword.arg for keyword in node.keywords}
        modes = [
            a.value
            for a in (*node.args, *(k.value for k in node.keywords if k.arg == "mode"))
            if isinstance(a, ast.Constant)
        ]
        is_of_bytes = any(isinstance(mode, str) and "b" in mode and len(mode) <= 3 for mode in modes)
        is_dynamic = name == "open" and any(isinstance(a, ast.Starred) for a in node.args)
        assert "encoding" in given or is_of_bytes or is_dynamic, f"{path}:{node.lineno}"
