"""What the page tells while a picture is under way, and when it was not read."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest
import requests
import stack
from hand import choose, queue, read, texts, wait_until_taken

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev").expect


def test_a_slow_network_shows_the_bytes_that_are_sent(open_page, drawn, tmp_path):
    page = open_page()
    devtools = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    padded = tmp_path / "padded.png"
    padded.write_bytes(Path(drawn.file("lines.png")).read_bytes() + bytes(600_000))  # after the last chunk: no harm
    page.set_input_files("#file", padded)
    expect(page.locator("#steps")).to_contain_text(re.compile(r"已发送 \d+ kB，共 \d+ kB（[1-9]\d%）"))
    assert 0 < page.locator("#bar").evaluate("(bar) => bar.position") < 1
    devtools.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    page.wait_for_selector("[data-show=done]")
    assert texts(page) == list(drawn.texts)


def test_a_picture_behind_others_is_told_its_place(open_page, drawn, many_lines, service, screenshot):
    page = open_page()
    waiting = []
    for taken in (1, 2):
        waiting.append(send_apart(service.url, many_lines + bytes([taken])))
        wait_until_taken(service, taken)
    choose(page, drawn.unseen())
    expect(page.locator("#steps [aria-current]")).to_have_text(re.compile("排队中，前面还有 [12] 页"))
    screenshot(page, "queue-desktop-light-zh")
    for thread in waiting:
        thread.join()
    page.wait_for_selector("[data-show=done]")
    assert texts(page) == list(drawn.texts)


def test_the_lines_are_counted_while_they_are_read(open_page, many_lines):
    page = open_page()
    told = page.evaluate_handle(
        """() => {
          const told = [];
          new MutationObserver(() => told.push(document.getElementById("working-title").textContent))
            .observe(document.getElementById("working-title"), { childList: true, characterData: true, subtree: true });
          return told;
        }"""
    )
    choose(page, many_lines)
    page.wait_for_selector("[data-show=done]", timeout=60_000)
    counted = [re.fullmatch(r"正在读第 (\d+) 行，共 (\d+) 行", text) for text in told.json_value()]
    lines = [(int(found[1]), int(found[2])) for found in counted if found]
    assert lines
    assert lines == sorted(lines)
    assert all(1 <= line <= of for line, of in lines)


def test_a_picture_under_way_is_cancelled(open_page, drawn, service, screenshot):
    page = open_page()
    with stack.frozen(service.pids["ocr-reader"]):
        choose(page, drawn.unseen())
        page.locator("#steps [data-step=done]").first.wait_for()  # all sent
        screenshot(page, "reading-desktop-light-zh")
        page.get_by_role("button", name="取消").click()
        page.wait_for_selector("body[data-state=empty]")
        expect(page.locator("#announcement")).to_have_text("已取消，没有留下任何内容。")


def test_a_full_box_counts_down_and_then_reads_by_itself(open_page, drawn, service, screenshot):
    page = open_page()
    waiting = []
    with stack.frozen(service.pids["ocr-reader"]):
        capacity = queue(service)["capacity"]
        waiting += [send_apart(service.url, drawn.unseen()) for _ in range(capacity)]
        wait_until_taken(service, capacity)
        choose(page, drawn.unseen())
        expect(page.locator(".countdown")).to_have_text(re.compile("秒后自动重试"))
        assert page.get_by_role("heading", name="设备正忙").is_visible()
        assert page.get_by_role("button", name="重试", exact=True).is_visible()
        screenshot(page, "busy-desktop-light-zh")
    for thread in waiting:
        thread.join()
    page.wait_for_selector("[data-show=done]")
    assert texts(page) == list(drawn.texts)


def send_apart(url, data):
    """Sends a picture from a thread of its own."""
    thread = threading.Thread(target=lambda: requests.post(f"{url}/api/ocr", files={"image": data}, timeout=120))
    thread.start()
    return thread


def test_a_reader_that_dies_on_the_page_is_said_to_and_the_page_is_read_again(open_page, drawn, service, screenshot):
    page = open_page()
    reader = service.pids["ocr-reader"]
    with stack.frozen(reader):
        choose(page, drawn.unseen())
        page.locator("#steps [data-step=done]").first.wait_for()
        os.kill(reader, signal.SIGKILL)
        page.get_by_role("heading", name="设备还没有准备好").wait_for()
        expect(page.locator("#trouble")).to_contain_text("识别程序正在启动或恢复")
        screenshot(page, "error-reader-lost")
    page.wait_for_selector("[data-show=done]")
    assert texts(page) == list(drawn.texts)
    page.wait_for_selector("#box-button[data-state=stateOk]")
    expect(page.locator("#trouble")).to_be_hidden(timeout=15_000)


def test_a_box_out_of_reach_is_said_to_be_and_can_be_tried_again(open_page, drawn, screenshot):
    page = open_page()
    page.context.set_offline(True)
    page.set_input_files("#file", drawn.file("lines.png"))
    page.get_by_role("heading", name="设备没有回应").wait_for()
    screenshot(page, "error-out-of-reach")
    page.context.set_offline(False)
    page.get_by_role("button", name="重试", exact=True).click()
    page.wait_for_selector("[data-show=done]")
    assert texts(page) == list(drawn.texts)


def test_a_bad_picture_shows_the_message_of_the_box_in_one_language(open_page, drawn, service, screenshot):
    page = open_page()
    with Path(drawn.file("notes.jpg")).open("rb") as file:
        message = requests.post(f"{service.url}/api/ocr", files={"image": file}, timeout=30).json()["error"]["message"]
    page.set_input_files("#file", drawn.file("notes.jpg"))
    alert = page.locator("#failed")
    expect(alert).to_contain_text("notes.jpg 没有读成")
    chinese = alert.locator(".why").inner_text()
    assert message.startswith(chinese)
    assert re.search(r"请求编号 \S+", alert.inner_text())
    assert page.get_by_role("button", name="重试", exact=True).count() == 0  # the same bytes would fail again
    screenshot(page, "error-desktop-light-zh")
    page.get_by_role("button", name="English", exact=True).click()
    english = alert.locator(".why").inner_text()
    assert message == f"{chinese} {english}"
    alert.get_by_role("button", name="Put away").click()
    assert page.locator("#headline").is_visible()


def test_a_picture_without_text_is_said_to_hold_none(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("white.png"))
    assert page.locator("#result-title").inner_text() == "没有找到文字"
    assert page.locator("#nothing").is_visible()
    assert not page.locator("#copy-all").is_visible()
    screenshot(page, "result-nothing")
