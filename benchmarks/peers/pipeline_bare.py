"""A producer, a consumer and a queue of ten as one writes them by hand, without a log."""

from __future__ import annotations

import random
import sys
from queue import Queue
from threading import Thread


def produce(items: int, pipeline: Queue[int | None]) -> None:
    """Put so many messages, and a sentinel."""
    for _ in range(items):
        pipeline.put(random.randint(1, 101))
    pipeline.put(None)


def consume(pipeline: Queue[int | None]) -> None:
    """Take messages until the sentinel."""
    while pipeline.get() is not None:
        pass


def main(items: int) -> None:
    """Run both to their end."""
    pipeline: Queue[int | None] = Queue(maxsize=10)
    threads = [Thread(target=produce, args=(items, pipeline)), Thread(target=consume, args=(pipeline,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
