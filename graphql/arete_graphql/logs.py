"""How the service's log is written: lines for people, or one JSON object a line for machines.

No line holds a document, its variables, a header or a password: a request is named by its id.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


def fields(**values: Any) -> dict[str, Any]:
    """Returns what a log call takes as `extra`, so that a JSON line has these members of its own."""
    return {"fields": values}


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class TextFormatter(logging.Formatter):
    """Writes a record as one line, a traceback below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Returns the line; whatever a caller wrote cannot begin another one."""
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")


def set_up_logging(format_: LogFormat, *, requests: bool, stream: TextIO | None = None) -> None:
    """Sends log lines to stderr.

    Args:
        format_: How.
        requests: One line for each request and each error that was answered on purpose, too.
        stream: Where to; stderr when None.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format_ is LogFormat.JSON else TextFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("arete").setLevel(logging.INFO if requests else logging.WARNING)
