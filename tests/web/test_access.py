"""For everybody: keyboard, screen reader, both languages, small and dark screens, less motion, slow links."""

import re

import pytest
import requests
import stack
from hand import PHONE, choose, lit, read, rectangle

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev").expect
Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: make .venv-dev").Axe

FIRST_USE_BYTES = 200_000
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page):
    """What axe-core has against the page as it is now: [(rule, the nodes' HTML)]."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_in_any_state(open_page, drawn, service, scheme, device):
    page = open_page(color_scheme=scheme, reduced_motion="reduce", **device)
    assert violations(page) == []
    page.locator("#options-button").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.set_input_files("#file", [drawn.file("blurred.png"), drawn.file("notes.jpg")])
    expect(page.locator("#sheets .standing")).to_have_text([re.compile("行"), "没有读成"])
    assert violations(page) == []
    page.locator("#lines .text").first.dblclick()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#box-button").click()
    page.locator("#feelings h3").first.wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#how-text").click()
    page.locator("#download-button").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#sheets .opener").nth(1).click()
    assert violations(page) == []
    with stack.frozen(service.pids["ocr-reader"]):
        choose(page, drawn.unseen())
        page.locator("#steps [data-step=done]").first.wait_for()
        assert violations(page) == []
        page.locator("#cancel").click()


def test_everything_can_be_done_with_the_keyboard_alone(open_page, drawn, screenshot):
    page = open_page(locale="en-GB")
    page.on("filechooser", lambda chooser: chooser.set_files(drawn.file("lines.png")))
    tab_to(page, "Choose pictures")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-show=done]")
    assert page.evaluate("document.activeElement.id") == "result-title"  # the place is kept though the button is gone
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "copy-all"
    tab_to(page, f"Edit line 1: {drawn.texts[0]}")
    page.keyboard.press("ArrowDown")
    assert lit(page) == [1]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    screenshot(page, "result-keyboard")
    page.keyboard.press("Enter")
    page.keyboard.type("typed by hand")
    page.keyboard.press("Enter")
    assert page.locator("#lines .text").nth(1).inner_text() == "typed by hand"
    page.keyboard.press("End")
    tab_to(page, f"Copy line 3: {drawn.texts[2]}")
    page.keyboard.press("Enter")
    expect(page.locator("#announcement")).to_have_text("Copied")


def tab_to(page, name, *, within=25):
    """Presses Tab until the element of this name has the focus."""
    for _ in range(within):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText") == name:
            return
    pytest.fail(f"{within} presses of Tab did not reach {name!r}")


def test_the_language_follows_the_browser_and_the_switch_is_remembered(open_page, drawn):
    page = open_page(locale="en-GB")
    assert page.locator("#headline").inner_text() == "From picture to words."
    assert page.evaluate("document.documentElement.lang") == "en"
    read(page, drawn.file("lines.png"))
    assert page.locator("#result-title").inner_text() == "3 lines of text"
    page.get_by_role("button", name="中文", exact=True).click()
    assert page.locator("#result-title").inner_text() == "共 3 行文字"  # the result is translated where it stands
    page.reload()
    assert page.locator("#choose").inner_text() == "选择图片"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.get_by_role("button", name="中文", exact=True).get_attribute("aria-pressed") == "true"


def test_both_languages_say_the_same_things(open_page):
    page = open_page()
    english, chinese, used = page.evaluate(
        """async () => {
          const { strings } = await import(document.querySelector("[href$='strings.js']").href);
          const kinds = (language) => Object.entries(strings[language]).map(([key, value]) => [key, typeof value]);
          const nodes = [...document.querySelectorAll("[data-text], [data-label]")];
          const keys = nodes.flatMap(({ dataset }) => [dataset.text, dataset.label]);
          return [kinds("en"), kinds("zh"), keys.filter(Boolean)];
        }"""
    )
    assert english == chinese
    assert set(used) <= {key for key, _ in english}


@pytest.mark.parametrize("width", [320, 390, 768, 1024])
def test_nothing_is_cut_off_on_a_screen_of_any_width(open_page, drawn, width):
    page = open_page(viewport={"width": width, "height": 800}, locale="en-GB")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    read(page, drawn.file("lines.png"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.locator("button:visible").all():
        left, _, right, _ = rectangle(button)
        inside_row = button.evaluate("(node) => Boolean(node.closest('.strip'))")  # a row that scrolls by itself
        assert inside_row or 0 <= left < right <= width, button.evaluate("(node) => node.outerHTML")


def test_fits_a_phone(open_page, drawn, screenshot):
    page = open_page(**PHONE)
    read(page, drawn.file("lines.png"))
    page.locator("#words span").nth(1).tap()
    assert page.locator("#lines .lit .text").all_inner_texts() == [drawn.texts[1]]
    screenshot(page, "result-phone")
    page.set_input_files("#file", drawn.file("notes.jpg"))
    page.wait_for_selector("[data-show=failed]")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    screenshot(page, "error-phone")


def test_is_dark_where_the_device_is_dark(open_page, drawn, screenshot):
    page = open_page(color_scheme="dark", locale="en-GB")
    assert brightness(page, "document.documentElement", "backgroundColor") < 40
    assert brightness(page, "document.body", "color") > 200
    screenshot(page, "empty-desktop-dark-en")
    read(page, drawn.file("lines.png"))
    page.locator("#lines li").first.hover()
    screenshot(page, "result-desktop-dark-en")


def brightness(page, node, property_):
    """Mean of red, green and blue of a colour, 0 to 255."""
    colour = page.evaluate(f"getComputedStyle({node}).{property_}")
    return sum(int(value) for value in re.findall(r"\d+", colour)[:3]) / 3


def test_nothing_moves_for_who_asked_for_less_motion(open_page, drawn, service):
    page = open_page(reduced_motion="reduce")
    with stack.frozen(service.pids["ocr-reader"]):
        choose(page, drawn.unseen())
        page.locator("#steps [data-step=done]").first.wait_for()
        running = page.evaluate("document.getAnimations().filter((a) => a.playState === 'running').length")
        page.get_by_role("button", name="取消").click()
    assert running == 0


def test_every_target_is_large_enough_for_a_finger(open_page, drawn):
    page = open_page(**PHONE)
    read(page, drawn.file("lines.png"))
    for button in page.locator("button:visible").all():
        left, top, right, bottom = rectangle(button)
        assert min(right - left, bottom - top) >= 24, button.evaluate("(node) => node.outerHTML")  # WCAG 2.5.8


def test_the_whole_page_stays_within_its_budget_and_forbids_inline_code(open_page, service):
    page = open_page()
    total = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .filter((entry) => entry.name.endsWith("/") || entry.name.includes("/static/"))
          .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
    )
    assert 60_000 < total < FIRST_USE_BYTES
    policy = requests.get(service.url, timeout=10).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
