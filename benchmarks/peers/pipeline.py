"""The loops of the hand-written scripts that log: two lines a message."""

from __future__ import annotations

import random
from collections.abc import Callable
from queue import Queue
from threading import Thread

Say = Callable[[str], object]


def produce(items: int, pipeline: Queue[int | None], say: Say) -> None:
    """Put so many messages, and a sentinel."""
    for _ in range(items):
        message = random.randint(1, 101)
        say(f"produced {message}")
        pipeline.put(message)
    pipeline.put(None)


def consume(pipeline: Queue[int | None], say: Say) -> None:
    """Take messages until the sentinel."""
    while (message := pipeline.get()) is not None:
        say(f"consumed {message} (size {pipeline.qsize()})")


def run(items: int, producer: Say, consumer: Say) -> None:
    """Run both to their end."""
    pipeline: Queue[int | None] = Queue(maxsize=10)
    threads = [
        Thread(target=produce, args=(items, pipeline, producer), name="producer"),
        Thread(target=consume, args=(pipeline, consumer), name="consumer"),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
