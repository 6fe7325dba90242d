"""What the box feels is told on the page: in words where it matters, in full in its drawer."""

import os
import signal

import pytest
import requests
import stack
from hand import read, texts
from ziyan import tokens

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev").expect


def test_the_drawer_tells_queue_stages_memory_and_model(open_page, drawn, service, screenshot):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.get_by_role("button", name="就绪").click()
    feelings = page.locator("#feelings")
    health = requests.get(f"{service.url}/health", timeout=10).json()
    expect(feelings).to_contain_text("一切正常。")
    expect(feelings).to_contain_text(f"空闲，可容纳 {health['queue']['capacity']} 页。")
    expect(feelings).to_contain_text(health["model"])
    expect(feelings).to_contain_text("找行")
    expect(feelings).to_contain_text("毫秒")
    stages = set(page.locator(".legend dt").all_inner_texts())
    assert len(stages) == len(health["last_page"]["seconds"])
    assert stages.isdisjoint(health["last_page"]["seconds"])  # each has a name for people
    expect(feelings).to_contain_text("MB（识别")
    screenshot(page, "box-desktop-light-zh")
    page.keyboard.press("Escape")
    assert not page.locator("#box").is_visible()
    assert page.evaluate("document.activeElement.id") == "box-button"


def test_a_dead_reader_is_said_in_words_until_it_is_back(open_page, service):
    page = open_page()
    with stack.frozen(service.supervisor.pid):  # or the reader may be back before the page asks
        os.kill(service.pids["ocr-reader"], signal.SIGKILL)
        page.get_by_role("button", name="就绪").click()  # while it is open, the page asks every two seconds
        expect(page.locator("#trouble")).to_contain_text("几秒内会自动继续", timeout=15_000)
        expect(page.locator("#state")).to_have_text("启动中")
    expect(page.locator("#state")).to_have_text("就绪", timeout=60_000)
    expect(page.locator("#trouble")).to_be_hidden()


@pytest.fixture
def board(tmp_path):
    """A board's sensors in files: (set the temperature in °C, set what it is throttled by)."""
    zone = tmp_path / "class/thermal/thermal_zone0/temp"
    firmware = tmp_path / "devices/platform/soc/soc:firmware/get_throttled"
    for file in (zone, firmware):
        file.parent.mkdir(parents=True)
    heat, throttle = (lambda c: zone.write_text(str(round(1000 * c)))), firmware.write_text
    heat(48)
    throttle("0")
    return tmp_path, heat, throttle


def test_a_weak_power_supply_and_a_warm_box_are_said(browser, board, screenshot):
    root, heat, throttle = board
    heat(76.4)
    throttle("50005")
    with stack.running(settings={"OCR_SYSFS_ROOT": str(root)}) as warm, browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(warm.url)
        expect(page.locator("#brief")).to_have_text("76 °C")
        expect(page.locator("#trouble")).to_contain_text("供电不足（欠压）")
        page.get_by_role("button", name="就绪").click()
        feelings = page.locator("#feelings")
        expect(feelings).to_contain_text("76.4 °C")
        expect(feelings).to_contain_text("超过 75 °C 放慢，超过 82 °C 暂停")
        expect(feelings).to_contain_text("处理器已降频。")
        screenshot(page, "warm-box")


def test_a_hot_box_says_so_and_reads_by_itself_when_it_is_cooler(browser, board, drawn, screenshot):
    root, heat, _ = board
    heat(84)
    with stack.running(settings={"OCR_SYSFS_ROOT": str(root)}) as hot, browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(hot.url)
        expect(page.locator("#state")).to_have_text("过热")
        page.set_input_files("#file", drawn.file("lines.png"))
        page.get_by_role("heading", name="设备过热，暂停识别").wait_for()
        expect(page.locator("#trouble")).to_contain_text("84 °C，超过上限 82 °C")
        screenshot(page, "hot-box")
        heat(60)
        page.wait_for_selector("[data-show=done]", timeout=90_000)
        assert texts(page) == list(drawn.texts)


def test_a_guarded_box_asks_for_a_token_and_keeps_it_for_this_tab(browser, drawn, tmp_path, screenshot):
    token, line = tokens.make("test")
    tokens.add(tmp_path / "tokens", line)
    settings = {"OCR_TOKENS": str(tmp_path / "tokens")}
    with stack.running(settings=settings) as guarded, browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(guarded.url)
        page.set_input_files("#file", drawn.file("lines.png"))
        page.get_by_role("heading", name="这台设备需要令牌").wait_for()
        screenshot(page, "token")
        page.get_by_label("令牌", exact=True).fill("not the right one")
        page.keyboard.press("Enter")
        expect(page.locator(".why")).to_have_text("设备不认识这个令牌。请检查后重新填写。")
        page.get_by_label("令牌", exact=True).fill(token)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-show=done]")
        assert texts(page) == list(drawn.texts)
        page.get_by_role("button", name="下载").click()
        with page.expect_download():
            page.locator("#download-list").get_by_role("button", name="TXT").click()
        page.get_by_role("button", name="就绪").click()
        page.get_by_role("button", name="忘记").click()
        expect(page.locator("#feelings")).to_contain_text("此浏览器还没有令牌。")


def test_a_box_without_tokens_says_that_everybody_may_use_it(open_page):
    page = open_page()
    page.get_by_role("button", name="就绪").click()
    expect(page.locator("#feelings")).to_contain_text("同一网络上的任何人：没有设置令牌。")
