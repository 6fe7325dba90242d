"""Logs: one JSON line an event on stdout. Never a picture or its text."""

import json
import logging
import sys
import time


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """The record's message as `event`, with the fields given as extra={"fields": {…}}."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "program": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure() -> None:
    """Sends everything from INFO up to stdout, for supervisor to bound and rotate."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # "queue depth 1" is no news here


def event(program: str, name: str, *, level: int = logging.INFO, exc_info: bool = False, **fields: object) -> None:
    """Logs the event `name` of `program` with `fields`."""
    logging.getLogger(program).log(level, name, exc_info=exc_info, extra={"fields": fields})
