"""What a program writes to stdout: one JSON line an event. Run in a process of its own, as the supervisor does."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[2] / "service"
PROGRAM = """
import logging
from ziyan import log
log.configure()
{body}
"""


@pytest.fixture
def logged():
    """The events that a program with `body` writes, each parsed from one line."""

    def run(body):
        code = PROGRAM.format(body=body)
        command = [sys.executable, "-c", code]
        elsewhere = {**os.environ, "TZ": "Asia/Shanghai"}
        done = subprocess.run(command, cwd=SERVICE, env=elsewhere, capture_output=True, encoding="utf-8", check=True)
        assert done.stderr == ""
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_an_event_is_one_line_with_time_level_program_and_its_fields(logged):
    (line,) = logged('log.event("ocr-web", "page_read", request_id="abc", seconds={"detect": 0.5}, lines=3)')
    written = datetime.strptime(line.pop("time"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - written) < timedelta(hours=1)  # universal time, although the clock shows Shanghai's
    assert line == {
        "level": "info",
        "program": "ocr-web",
        "event": "page_read",
        "request_id": "abc",
        "seconds": {"detect": 0.5},
        "lines": 3,
    }


def test_line_feeds_and_quotes_stay_inside_the_line(logged):
    (line,) = logged('log.event("ocr-web", "odd", value="one\\n\\"two\\" 三")')
    assert line["value"] == 'one\n"two" 三'


def test_a_traceback_is_inside_the_line(logged):
    lines = logged(
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n"
        "    log.event('ocr-reader', 'failed', level=logging.ERROR, exc_info=True)\n"
        "log.event('ocr-reader', 'next')"
    )
    assert [(line["level"], line["event"]) for line in lines] == [("error", "failed"), ("info", "next")]
    assert "ZeroDivisionError: division by zero" in lines[0]["traceback"]
    assert "traceback" not in lines[1]


def test_what_json_does_not_know_is_written_as_text(logged):
    (line,) = logged("from pathlib import Path; log.event('ocr-web', 'listening', socket=Path('/run/x.sock'))")
    assert line["socket"] == "/run/x.sock"


def test_libraries_log_in_the_same_form_from_info_up(logged):
    lines = logged("logging.getLogger('waitress').warning('slow %d', 3); logging.getLogger('other').debug('detail')")
    assert [(line["program"], line["level"], line["event"]) for line in lines] == [("waitress", "warning", "slow 3")]


def test_the_depth_of_waitress_queue_is_no_news(logged):
    assert logged("logging.getLogger('waitress.queue').warning('Task queue depth is 1')") == []
