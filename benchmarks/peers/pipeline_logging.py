"""The pipeline with the standard library's `logging` and a formatter that writes JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from pipeline import run


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        return json.dumps(
            {
                "timestamp": moment,
                "level": record.levelname.lower(),
                "event": "message",
                "thread": record.threadName,
                "message": record.getMessage(),
            }
        )


def main(items: int, path: str) -> None:
    """Log to the file."""
    handler = logging.FileHandler(path, mode="w")
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("pipeline")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    run(items, logger.info, logger.info)
    handler.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
