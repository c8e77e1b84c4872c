"""The commands that read logs, whatever they are given to read and wherever they are to write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scenarios"
COMMANDS = {
    "stats": (),
    "report": ("-o", "-"),
    "trace": ("-o", "-"),
    "export": ("-o", "{out}/out.csv"),
    "timeline": (),
}
"""Each with what it needs to write somewhere."""
ENDED_BY_PERSON = 130


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A debug log of some 10 kB."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    done = scenrun("simulate", str(FOLDER / "gallery/ab_ba.yaml"), "--level", "debug", "--log", str(path))
    assert path.stat().st_size > 2 * 4_096, done.stderr
    return path


def command(*arguments: str) -> list[str]:
    """The words of a command line."""
    return [sys.executable, "-m", "scenrun", *arguments]


def scenrun(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command line to its end."""
    return subprocess.run(command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def words_of(name: str, log: str, folder: Path) -> list[str]:
    """A command that reads `log` and writes to stdout or into a folder."""
    return [name, log, *(word.format(out=folder) for word in COMMANDS[name])]


def written(name: str, done: subprocess.CompletedProcess[bytes], folder: Path) -> bytes:
    """What a command has made."""
    return (folder / "out.csv").read_bytes() if name == "export" else done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_that_has_a_name_is_read_from_its_first_byte(name: str, log: Path, tmp_path: Path) -> None:
    """What a FIFO or a process substitution gives is read as a file is, nothing of it lost to a look ahead."""
    fifo, of_file, of_fifo = tmp_path / "fifo", tmp_path / "a", tmp_path / "b"
    for folder in (of_file, of_fifo):
        folder.mkdir()
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(log.read_bytes()), daemon=True)
    writer.start()
    piped = scenrun(*words_of(name, str(fifo), of_fifo))
    plain = scenrun(*words_of(name, str(log), of_file))
    assert (piped.returncode, plain.returncode) == (0, 0), piped.stderr
    assert b"missing" not in piped.stderr
    assert written(name, piped, of_fifo) == written(name, plain, of_file)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_interrupt_while_a_pipe_is_read_leaves_nothing_behind(name: str, log: Path, tmp_path: Path) -> None:
    """Control-C ends a command that waits for more lines with status 130, no traceback and no half-written file."""
    words = ["out.json" if word == "-" else word for word in words_of(name, "{log}", tmp_path)]
    words = [str(tmp_path / word) if word == "out.json" else word.replace("{log}", "-") for word in words]
    with subprocess.Popen(command(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stderr is not None
        lines = log.read_bytes()
        for _ in range(40):
            process.stdin.write(lines)
        process.stdin.flush()  # more than a pipe holds: what was read first, it has read
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        process.stdin.close()
        assert process.wait(60) == ENDED_BY_PERSON, said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize(("name", "suffix"), [("report", ".html"), ("trace", ".json"), ("export", ".csv")])
def test_what_is_no_file_is_never_replaced_by_one(
    name: str, suffix: str, force: tuple[str, ...], log: Path, tmp_path: Path
) -> None:
    """A pipe, and so a device, stays what it is, also with --force: status 2 and a sentence."""
    fifo = tmp_path / f"out{suffix}"
    os.mkfifo(fifo)
    done = scenrun(name, str(log), "-o", str(fifo), *force)
    assert done.returncode == 2
    assert b"is a device or a pipe" in done.stderr
    assert fifo.is_fifo()


@pytest.mark.parametrize("name", ["report", "trace"])
def test_an_output_without_a_name_is_refused(name: str, log: Path) -> None:
    """An empty name is neither stdout nor this folder."""
    done = scenrun(name, str(log), "-o", "")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"the name of the output is empty" in done.stderr
