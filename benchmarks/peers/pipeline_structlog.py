"""The pipeline with structlog as its documentation advises for speed: msgspec and the BytesLogger."""

from __future__ import annotations

import sys

import msgspec
import structlog
from pipeline import run


def main(items: int, path: str) -> None:
    """Log to the file."""
    with open(path, "wb") as file:
        structlog.configure(
            cache_logger_on_first_use=True,
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(serializer=lambda event, **_: msgspec.json.encode(event)),
            ],
            logger_factory=structlog.BytesLoggerFactory(file),
        )
        producer = structlog.get_logger().bind(thread="producer")
        consumer = structlog.get_logger().bind(thread="consumer")
        run(
            items,
            lambda text: producer.info("message", message=text),
            lambda text: consumer.info("message", message=text),
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
