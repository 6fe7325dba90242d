"""What a person does with the page, done by a real browser against the real programs."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest
import requests
import stack

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev").expect

PAGE_BUDGET_BYTES = 60_000


def choose(page, data):
    """Chooses a picture of these bytes."""
    page.set_input_files("#file", {"name": "lines.png", "mimeType": "image/png", "buffer": data})


def read(page, path):
    """Chooses the file at `path` and waits for its result."""
    page.set_input_files("#file", path)
    page.wait_for_selector("body[data-state=done]")


def texts(page):
    return page.locator("#lines .text").all_inner_texts()


def overlap(one, other):
    """Intersection over union of two (left, top, right, bottom)."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (area - width * height)


def rectangle(locator):
    """(left, top, right, bottom) on the screen; unlike bounding_box(), without scrolling or waiting."""
    return tuple(
        locator.evaluate("(node) => ((r) => [r.left, r.top, r.right, r.bottom])(node.getBoundingClientRect())")
    )


def assert_outlines_lie_on_the_ink(page, drawn, shown="#picture"):
    """Every drawn line has, on the screen, its own outline over its own ink."""
    left, top, right, bottom = rectangle(page.locator(shown))
    width, height = (900, 420)
    assert (right - left) / (bottom - top) == pytest.approx(width / height, rel=0.02)
    scale = (right - left) / width
    for index, ink in enumerate(drawn.ink):
        on_screen = tuple(origin + scale * value for origin, value in zip((left, top, left, top), ink, strict=True))
        edge = rectangle(page.locator("#outlines .edge").nth(index))
        assert overlap(on_screen, edge) > 0.7, f"line {index}: ink {on_screen}, outline {edge}"


def test_shows_what_the_box_is_and_how_it_feels(open_page, service, screenshot):
    page = open_page()
    health = requests.get(f"{service.url}/health", timeout=10).json()
    assert page.locator("#state").inner_text() == "可以识别"
    assert health["model"] in page.locator("#vitals").inner_text()
    assert page.locator("h1:visible").inner_text().startswith("图中有字")
    screenshot(page, "empty-desktop-light-zh")


def test_picking_a_file_shows_its_lines_and_outlines_at_their_places(open_page, drawn, screenshot):
    page = open_page()
    page.on("filechooser", lambda chooser: chooser.set_files(drawn.file("lines.png")))
    page.get_by_role("button", name="选择图片").click()
    page.wait_for_selector("body[data-state=done]")
    assert texts(page) == list(drawn.texts)
    assert page.locator("#result-title").inner_text() == "共 3 行文字"
    assert_outlines_lie_on_the_ink(page, drawn)
    screenshot(page, "result-desktop-light-zh")


def test_a_phone_photo_is_outlined_as_it_is_shown_turned_by_its_exif(open_page, drawn):
    page = open_page()
    read(page, drawn.file("turned.jpg"))
    assert texts(page) == list(drawn.texts)
    assert_outlines_lie_on_the_ink(page, drawn)


def test_a_picture_that_the_browser_cannot_show_is_read_onto_a_blank_sheet(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("lines.tiff"))
    assert not page.locator("#picture").is_visible()
    assert_outlines_lie_on_the_ink(page, drawn, shown="#outlines")
    assert page.locator("#outlines .words").all_text_contents() == list(drawn.texts)
    screenshot(page, "result-blank-sheet")


def test_a_picture_sent_again_is_said_to_be_known(open_page, drawn):
    page = open_page()
    data = drawn.unseen()
    choose(page, data)
    expect(page.locator("#facts")).to_have_text(re.compile(r"^用时 \d+\.\d\d 秒$"))
    choose(page, data)
    expect(page.locator("#facts")).to_have_text("之前识别过，直接给出")
    assert texts(page) == list(drawn.texts)


def test_a_dropped_file_is_read(open_page, drawn, screenshot):
    page = open_page()
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [drawn.file("lines.png")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
    page.wait_for_selector("body.dragging")
    screenshot(page, "dragging")
    devtools.send("Input.dispatchDragEvent", {"type": "drop", "x": 300, "y": 300, "data": data})
    page.wait_for_selector("body[data-state=done]")
    assert texts(page) == list(drawn.texts)
    assert not page.locator(".veil").is_visible()


def test_of_several_dropped_files_the_first_is_read_and_that_is_said(open_page, drawn):
    page = open_page()
    page.set_input_files("#file", [drawn.file("lines.png"), drawn.file("white.png")])
    page.wait_for_selector("body[data-state=done]")
    assert texts(page) == list(drawn.texts)
    assert "收到 2 个文件" in page.get_by_role("alert").inner_text()


def test_a_pasted_picture_is_read(open_page, drawn):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (bytes) => {
          const blob = new Blob([new Uint8Array(bytes)], { type: "image/png" });
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        list(Path(drawn.file("lines.png")).read_bytes()),
    )
    page.keyboard.press("Control+V")
    page.wait_for_selector("body[data-state=done]")
    assert texts(page) == list(drawn.texts)


def test_pointing_at_a_line_lights_its_outline_and_the_other_way_round(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.locator("#lines li").nth(1).hover()
    assert page.locator("#outlines .lit").evaluate_all("(all) => all.map((g) => g.dataset.index)") == ["1"]
    assert page.locator("#caption").inner_text() == drawn.texts[1]
    screenshot(page, "result-pointing")
    page.locator("#outlines .edge").nth(2).hover()
    assert page.locator("#lines .lit .text").all_inner_texts() == [drawn.texts[2]]
    page.locator("header .name").hover()
    assert page.locator(".lit").count() == 0


def test_a_press_on_an_outline_leads_to_its_line(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.locator("#outlines .edge").nth(2).click()
    page.locator("header .name").hover()
    assert page.locator("#lines .lit .text").all_inner_texts() == [drawn.texts[2]]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"复制第 3 行：{drawn.texts[2]}"


def test_uncertain_lines_are_marked_in_words_and_by_a_dashed_outline(open_page, drawn, screenshot):
    page = open_page()
    with page.expect_response("**/api/ocr") as answer:
        read(page, drawn.file("blurred.png"))
    scores = [line["score"] for line in answer.value.json()["lines"]]
    doubtful = [score for score in scores if score < 0.8]
    assert scores[0] >= 0.8
    assert len(doubtful) > 0
    marks = page.locator("#lines .uncertain .score").all_inner_texts()
    assert marks == [f"待核对 · {int(100 * score)}%" for score in doubtful]
    dashed = page.locator("#outlines .edge").evaluate_all(
        "(edges) => edges.map((edge) => getComputedStyle(edge).strokeDasharray !== 'none')"
    )
    assert dashed == [score < 0.8 for score in scores]
    screenshot(page, "result-uncertain")


def test_a_picture_without_text_is_said_to_hold_none(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("white.png"))
    assert page.locator("#result-title").inner_text() == "没有找到文字"
    assert page.locator("#nothing").is_visible()
    assert not page.locator("#copy-all").is_visible()
    screenshot(page, "result-nothing")


def test_a_bad_picture_shows_the_message_of_the_box(open_page, drawn, service, screenshot):
    page = open_page()
    with Path(drawn.file("notes.jpg")).open("rb") as file:
        message = requests.post(f"{service.url}/api/ocr", files={"image": file}, timeout=30).json()["error"]["message"]
    page.set_input_files("#file", drawn.file("notes.jpg"))
    alert = page.get_by_role("alert").locator(".failure")
    alert.wait_for()
    assert message in alert.inner_text()
    assert "notes.jpg 没有读成" in alert.inner_text()
    assert re.search(r"请求编号 \S+", alert.inner_text())
    assert page.get_by_role("button", name="重试").count() == 0  # the same bytes would fail again
    screenshot(page, "error-desktop-light-zh")
    page.get_by_role("button", name="关闭").click()
    assert page.get_by_role("alert").inner_text() == ""


def test_a_file_above_the_limit_is_refused_before_it_is_sent(open_page, service, tmp_path):
    page = open_page()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    limit = page.evaluate("JSON.parse(document.body.dataset.options).limits.body_bytes")
    large = tmp_path / "large.bmp"
    with large.open("wb") as file:
        file.truncate(limit + 1)
    page.set_input_files("#file", large)
    page.wait_for_selector(".failure")
    assert f"{limit // 1024 // 1024} MB" in page.get_by_role("alert").inner_text()
    assert not any(url.endswith("/api/ocr") for url in sent)


def test_reading_shows_progress_and_can_be_cancelled(open_page, drawn, service, screenshot):
    page = open_page()
    with stack.frozen(service.pids["ocr-reader"]):
        choose(page, drawn.unseen())
        page.get_by_role("heading", name="正在识别").wait_for()
        assert page.locator("#bar").evaluate("(bar) => bar.position") == -1  # all sent: how much is read, nobody knows
        assert "图片已全部送达" in page.locator("#detail").inner_text()
        screenshot(page, "reading-desktop-light-zh")
        page.get_by_role("button", name="取消").click()
        page.wait_for_selector("body[data-state=empty]")
        assert page.locator("#announcement").inner_text() == "已取消，没有留下任何内容。"


def test_a_slow_network_shows_the_bytes_that_are_sent(open_page, drawn, tmp_path):
    page = open_page()
    devtools = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    padded = tmp_path / "padded.png"
    padded.write_bytes(Path(drawn.file("lines.png")).read_bytes() + bytes(600_000))  # after the last chunk: no harm
    page.set_input_files("#file", padded)
    expect(page.locator("#detail")).to_have_text(re.compile(r"^已发送 \d+ kB，共 \d+ kB（[1-9]\d%）$"))
    assert 0 < page.locator("#bar").evaluate("(bar) => bar.position") < 1
    devtools.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    page.wait_for_selector("body[data-state=done]")
    assert texts(page) == list(drawn.texts)


def test_a_full_box_counts_down_and_then_reads_by_itself(open_page, drawn, service, screenshot):
    page = open_page()
    waiting = []
    with stack.frozen(service.pids["ocr-reader"]):
        queue = _queue(service)
        for _ in range(queue["capacity"]):
            waiting.append(_send_apart(service.url, drawn.unseen()))
        while queue["in_use"] < queue["capacity"]:
            queue = _queue(service)
        choose(page, drawn.unseen())
        page.locator(".countdown").wait_for()
        assert page.get_by_role("button", name="重试").is_visible()
        screenshot(page, "busy-desktop-light-zh")
    for thread in waiting:
        thread.join()
    page.wait_for_selector("body[data-state=done]")
    assert texts(page) == list(drawn.texts)


def _queue(service):
    return requests.get(f"{service.url}/health", timeout=10).json()["queue"]


def _send_apart(url, data):
    thread = threading.Thread(target=lambda: requests.post(f"{url}/api/ocr", files={"image": data}, timeout=120))
    thread.start()
    return thread


def test_a_reader_that_dies_on_the_page_is_said_to_and_the_page_is_read_again(open_page, drawn, service, screenshot):
    page = open_page()
    reader = service.pids["ocr-reader"]
    with stack.frozen(reader):
        choose(page, drawn.unseen())
        page.get_by_role("heading", name="正在识别").wait_for()
        os.kill(reader, signal.SIGKILL)
        page.get_by_role("heading", name="设备还没有准备好").wait_for()
        expect(page.locator("#state")).to_have_text("尚未就绪：识别程序正在启动")
        screenshot(page, "error-reader-lost")
    page.wait_for_selector("body[data-state=done]")
    assert texts(page) == list(drawn.texts)


def test_a_box_out_of_reach_is_said_to_be_and_can_be_tried_again(open_page, drawn, screenshot):
    page = open_page()
    page.context.set_offline(True)
    page.set_input_files("#file", drawn.file("lines.png"))
    page.get_by_role("heading", name="设备没有回应").wait_for()
    screenshot(page, "error-out-of-reach")
    page.context.set_offline(False)
    page.get_by_role("button", name="重试").click()
    page.wait_for_selector("body[data-state=done]")
    assert texts(page) == list(drawn.texts)


def test_copying_works_where_a_box_lives_without_https(open_page, drawn):
    page = open_page(host="raspberrypi.local")
    assert page.evaluate("window.isSecureContext") is False
    read(page, drawn.file("lines.png"))
    page.get_by_role("button", name="复制全部").click()
    expect(page.locator("#toast")).to_have_text("已复制")
    assert _pasted(page) == "\n".join(drawn.texts)
    page.get_by_role("button", name="复制第 2 行").click()
    assert _pasted(page) == drawn.texts[1]


def _pasted(page):
    """What Ctrl+V gives, in a field that the test adds."""
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' }))")
    page.locator("#pasted").press("Control+V")
    pasted = page.locator("#pasted").input_value()
    page.evaluate("document.getElementById('pasted').remove()")
    return pasted


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
          const { strings } = await import("/static/js/strings.js");
          const kinds = (language) => Object.entries(strings[language]).map(([key, value]) => [key, typeof value]);
          const nodes = [...document.querySelectorAll("[data-text], [data-label]")];
          return [kinds("en"), kinds("zh"), nodes.map((node) => node.dataset.text ?? node.dataset.label)];
        }"""
    )
    assert english == chinese
    assert set(used) <= {key for key, _ in english}


def test_everything_can_be_done_with_the_keyboard_alone(open_page, drawn, screenshot):
    page = open_page(locale="en-GB")
    page.on("filechooser", lambda chooser: chooser.set_files(drawn.file("lines.png")))
    _tab_to(page, "Choose a picture")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-state=done]")
    assert page.evaluate("document.activeElement.id") == "result-title"  # the place is kept though the button is gone
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "copy-all"
    _tab_to(page, f"Copy line 1: {drawn.texts[0]}")
    page.keyboard.press("ArrowDown")
    assert page.locator("#outlines .lit").evaluate_all("(all) => all.map((g) => g.dataset.index)") == ["1"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    screenshot(page, "result-keyboard")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("#announcement")).to_have_text("Copied")


def _tab_to(page, name, *, within=20):
    for _ in range(within):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText") == name:
            return
    pytest.fail(f"{within} presses of Tab did not reach the button {name!r}")


def test_fits_a_phone_of_390_pixels(open_page, drawn, screenshot):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2)
    assert page.get_by_role("button", name="拍一张").is_visible()
    assert page.locator("#shot").get_attribute("capture") == "environment"
    screenshot(page, "empty-phone")
    read(page, drawn.file("lines.png"))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert_outlines_lie_on_the_ink(page, drawn)
    page.locator("#outlines .edge").nth(1).tap()
    assert page.locator("#lines .lit .text").all_inner_texts() == [drawn.texts[1]]
    screenshot(page, "result-phone")
    page.set_input_files("#file", drawn.file("notes.jpg"))
    page.wait_for_selector(".failure")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    screenshot(page, "error-phone")


def test_is_dark_where_the_device_is_dark(open_page, drawn, screenshot):
    page = open_page(color_scheme="dark", locale="en-GB")
    assert _brightness(page, "backgroundColor") < 40
    assert _brightness(page, "color") > 200
    screenshot(page, "empty-desktop-dark-en")
    read(page, drawn.file("lines.png"))
    page.locator("#lines li").first.hover()
    screenshot(page, "result-desktop-dark-en")


def _brightness(page, property_):
    colour = page.evaluate(f"getComputedStyle(document.body).{property_}")
    return sum(int(value) for value in re.findall(r"\d+", colour)[:3]) / 3


def test_nothing_moves_for_who_asked_for_less_motion(open_page, drawn, service):
    page = open_page(reduced_motion="reduce")
    with stack.frozen(service.pids["ocr-reader"]):
        choose(page, drawn.unseen())
        page.get_by_role("heading", name="正在识别").wait_for()
        running = page.evaluate("document.getAnimations().filter((a) => a.playState === 'running').length")
        page.get_by_role("button", name="取消").click()
    assert running == 0


def test_the_whole_page_stays_within_its_budget_and_forbids_inline_code(open_page, service):
    page = open_page()
    total = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .filter((entry) => entry.name.endsWith("/") || entry.name.includes("/static/"))
          .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
    )
    assert 20_000 < total < PAGE_BUDGET_BYTES
    policy = requests.get(service.url, timeout=10).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_foot_tells_heat_and_a_weak_power_supply(browser, tmp_path, screenshot):
    zone = tmp_path / "class/thermal/thermal_zone0/temp"
    firmware = tmp_path / "devices/platform/soc/soc:firmware/get_throttled"
    for file, text in ((zone, "76400"), (firmware, "50005")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    settings = {"OCR_SYSFS_ROOT": str(tmp_path)}
    with stack.running(settings=settings) as warm, browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(warm.url)
        expect(page.locator("#vitals")).to_contain_text("76 °C")
        expect(page.locator("#vitals")).to_contain_text("偏热：单线程识别")
        expect(page.locator("#vitals")).to_contain_text("供电不足：请检查电源")
        screenshot(page, "warm-box")
