"""A headless Chromium that watches for what must never happen: script errors, CSP violations, requests elsewhere."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import made_page
import pytest
from drawn import Drawn

SCREENSHOTS = Path(__file__).parents[2] / "results" / "screenshots"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The name by which a box is reached at home: plain http, so not what browsers call a secure context.
    "--host-resolver-rules=MAP raspberrypi.local 127.0.0.1",
)
# Runs before the page's own scripts, anew at each navigation.
COLLECT_VIOLATIONS = """
  window.__violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.__violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser, service):
    """Opens `/` in a context of its own and waits until the box is ready; afterwards nothing forbidden has happened."""
    contexts, faults, hosts = [], [], set()

    def open_(*, host="127.0.0.1", **context_options):
        url = f"http://{host}:{urlsplit(service.url).port}"
        options = {"locale": "zh-CN", "viewport": {"width": 1280, "height": 800}} | context_options
        context = browser.new_context(base_url=url, **options)
        contexts.append(context)
        context.add_init_script(COLLECT_VIOLATIONS)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.goto("/")
        page.wait_for_selector("#box-button[data-state=stateOk]")
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            faults += page.evaluate("window.__violations ?? []")
        context.close()
    assert faults == []
    port = urlsplit(service.url).port
    assert hosts <= {f"127.0.0.1:{port}", f"raspberrypi.local:{port}", ""}  # "" is a blob: of the page itself


def _is_fault(message):
    # The browser reports every answer of 4xx and 5xx as an error; that the page says them in words is tested apart.
    path = urlsplit(message.location.get("url", "")).path
    return message.type in ("error", "warning") and not path.startswith(("/api/", "/health"))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Three lines of text, drawn at known places."""
    return Drawn.make(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def screenshot():
    """Writes what `page` shows to results/screenshots/NAME.png, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def write(page, name):
        page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    return write


@pytest.fixture
def many_lines():
    """A page that takes long enough to be watched and is in no cache."""
    return made_page.many_lines() + uuid4().bytes
