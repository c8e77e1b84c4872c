"""The pipeline with lines made by msgspec by hand and written through a large buffer: no logger at all."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec
from pipeline import run


def speaker(thread: str, file: BinaryIO) -> Callable[[str], object]:
    """What writes a thread's lines."""

    def say(text: str) -> None:
        moment = datetime.fromtimestamp(time.time(), UTC)
        line = {"timestamp": moment, "level": "info", "event": "message", "thread": thread, "message": text}
        file.write(msgspec.json.encode(line) + b"\n")

    return say


def main(items: int, path: str) -> None:
    """Log to the file."""
    with open(path, "wb", buffering=1 << 18) as file:
        run(items, speaker("producer", file), speaker("consumer", file))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
