"""A studio as a process of its own, and a client that talks with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest


@dataclass(frozen=True)
class Running:
    """A studio that is running."""

    address: str
    pid: int

    @property
    def origin(self) -> str:
        """What the studio's own pages say that they are from."""
        return self.address[: self.address.index("/", 8)]

    def ask(
        self, path: str, *, method: str = "GET", body: str | None = None, address: str | None = None, **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        """Ask for a path: the status, the text and the headers of the answer."""
        request = urllib.request.Request((address or self.address) + path, method=method)
        request.data = None if body is None else body.encode()
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), dict(error.headers)
        except (urllib.error.URLError, ConnectionResetError, BrokenPipeError) as error:
            if isinstance(getattr(error, "reason", error), BrokenPipeError | ConnectionResetError):
                return 413, "refused before all of it was sent", {}
            raise

    @contextmanager
    def tab(self, origin: str | None = None) -> Iterator[Tab]:
        """A connection, as a tab of the browser has one."""
        client = pytest.importorskip("websockets.sync.client", reason="needs websockets, of the extra [test]")
        address = self.address.replace("http", "ws") + "talk"
        with client.connect(address, origin=origin or self.origin, max_size=None, open_timeout=30) as socket:
            yield Tab(socket)

    def processes(self) -> set[int]:
        """The processes that the studio began, however deep."""
        return _below(self.pid)


class Tab:
    """One connection."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0

    def ask(self, what: str, text: str, **more: Any) -> int:
        """Ask for a job, and do not wait."""
        self._number += 1
        self.send({"do": what, "slot": what, "number": self._number, "text": text, **more})
        return self._number

    def send(self, message: Any) -> None:
        """Send whatever it is."""
        self.send_text(json.dumps(message))

    def send_text(self, text: str) -> None:
        """Send a text that may be no JSON."""
        self._socket.send(text)

    def told(self, what: str, text: str, **more: Any) -> list[dict[str, Any]]:
        """Ask for a job, and all that is told of it."""
        self.ask(what, text, **more)
        return list(self.until(lambda message: message["kind"] == "done"))

    def last(self) -> dict[str, Any]:
        """The last message of the job that was asked for last."""
        *_, message = self.until(lambda message: message["kind"] == "done")
        return message

    def until(self, is_last: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
        """What is told of the job that was asked for last, to a message and with it."""
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message["number"] == self._number:
                yield message
                if is_last(message):
                    return


def _below(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, left = set[int](), [pid]
    while left:
        one = left.pop()
        children = [child for child, parent in parents.items() if parent == one]
        found |= set(children)
        left += children
    return found


@contextmanager
def studio(folder: Path, *options: str) -> Iterator[Running]:
    """A studio on a folder, which ends with the block."""
    for needed in ("starlette", "uvicorn", "websockets"):
        pytest.importorskip(needed, reason=f"needs {needed}, of the extra [studio]")
    command = [sys.executable, "-m", "scenrun", "studio", str(folder), "--no-browser", *options]
    began = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        assert began.stderr is not None
        line = began.stderr.readline()
        assert "http://" in line, line + began.stderr.read()
        address = line.split()[-1]
        assert urlsplit(address).hostname == "127.0.0.1"
        yield Running(address, began.pid)
    finally:
        began.terminate()
        began.wait(30)
        if began.stderr is not None:
            began.stderr.close()
