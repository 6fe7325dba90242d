"""What the host tests share. The same suite serves a trial host and a real Pi (`make verify`).

pytest tests/host --confcutdir=tests/host --hosts=ansible://ocr_appliance --ansible-inventory=inventory.ini
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

CHECKOUT = Path(__file__).resolve().parents[2]
SELFTEST = CHECKOUT / "roles" / "ocr_service" / "files"
UNIT = "ziyan.service"
CGROUP = f"/sys/fs/cgroup/system.slice/{UNIT}"
MEASURED = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Budgets and how long to try: the defaults are the promises of the README."""
    group = parser.getgroup("appliance")
    group.addoption("--url", help="where the page is reached from here (default: port 5000 of the host's address)")
    group.addoption(
        "--soak", type=float, default=10, help="seconds of load while temperatures are watched (an hour: 3600)"
    )
    group.addoption("--pictures", type=int, default=50, help="pictures to read before memory is measured")
    group.addoption(
        "--patience", type=float, default=1, help="factor on every waiting time: 1 for a Pi, more if emulated"
    )
    group.addoption(
        "--memory-budget-mb", type=int, default=300, help="memory of all programs together (ocr_memory_budget_mb)"
    )
    group.addoption(
        "--temperature-limit-c", type=float, default=62, help="hottest sensor allowed (ocr_temperature_limit_c)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing measured."""
    config.stash[MEASURED] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured, whether the tests passed or not."""
    for name, value in sorted(config.stash[MEASURED].items()):
        terminalreporter.write_line(f"measured {name}: {value}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Add the host's own story to a failed test's report."""
    report = (yield).get_result()
    host = getattr(item, "funcargs", {}).get("host")
    if report.when == "call" and report.failed and host is not None:
        story = host.run(f"journalctl --no-pager -u {UNIT} -n 30 -o cat; tail -n 20 /var/log/ziyan/*.log").stdout
        report.sections.append(("the host's log", story))


@pytest.fixture(scope="session")
def patience(pytestconfig: pytest.Config) -> float:
    """The factor on every waiting time."""
    return pytestconfig.getoption("--patience")


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> dict[str, str]:
    """Measurements by name, printed at the end."""
    return pytestconfig.stash[MEASURED]


@pytest.fixture(scope="module")
def page_port(host) -> int:
    """The port of the page, by the settings on the host."""
    return int(host.check_output("sed -n 's/^OCR_PORT=//p' /etc/ziyan/ziyan.env"))


@pytest.fixture(scope="module")
def url(host, page_port: int, pytestconfig: pytest.Config) -> str:
    """The appliance's address as seen from the controller."""
    given = pytestconfig.getoption("--url")
    if given:
        return given
    known = host.ansible.get_variables()
    return f"http://{known.get('ansible_host', known['inventory_hostname'])}:{page_port}"


@pytest.fixture(scope="module")
def supervisorctl(host) -> Callable[[str], str]:
    """What supervisorctl prints on the host, whatever its exit status (`status` gives 3 when a program is down)."""
    command = "/opt/ziyan/current/venv/bin/supervisorctl -c /etc/ziyan/supervisord.conf"
    return lambda words: host.run(f"{command} {words}").stdout.strip()


@pytest.fixture(scope="module")
def read(url: str, patience: float) -> Callable[[bytes], requests.Response]:
    """The answer of the API to a picture, asked again while the box says that it is busy (503 with Retry-After).

    Where the box asks for a token, ZIYAN_TOKEN holds one.
    """
    token = os.environ.get("ZIYAN_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(picture: bytes) -> requests.Response:
        end = time.monotonic() + 60 * patience
        while True:
            files = {"image": ("picture.png", picture)}
            answer = requests.post(f"{url}/api/ocr", files=files, headers=headers, timeout=120 * patience)
            if answer.status_code != 503 or time.monotonic() > end:
                return answer
            time.sleep(float(answer.headers.get("Retry-After", 1)))

    return ask


@pytest.fixture(scope="session")
def selftest() -> tuple[bytes, str]:
    """A picture and the text in it, without spaces and line ends."""
    text = (SELFTEST / "selftest.txt").read_text(encoding="utf-8")
    return (SELFTEST / "selftest.png").read_bytes(), "".join(text.split())


def model_on(host) -> dict:
    """The manifest that lies on the host."""
    return json.loads(host.file("/opt/ziyan/models/current/manifest.json").content_string)


def eventually(true: Callable[[], bool], limit_s: float) -> bool:
    """Whether `true` holds before `limit_s` seconds have passed; asked twice a second."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.5)
    return False


def is_healthy(url: str) -> bool:
    """Whether /health says ok right now."""
    try:
        return requests.get(f"{url}/health", timeout=10).status_code == 200
    except requests.RequestException:
        return False
