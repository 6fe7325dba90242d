"""Every way by which pictures come onto the page."""

from pathlib import Path

import pytest
from hand import PHONE, choose, texts

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev").expect


def drag(page, *paths):
    """Drags files over the page; the result lets go of them."""
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}

    def send(kind):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})

    send("dragEnter")
    send("dragOver")
    return lambda: send("drop")


def test_the_way_in_is_one_button(open_page, screenshot):
    page = open_page()
    assert page.locator("h1:visible").inner_text().startswith("图中有字")
    assert page.locator("button.primary:visible").all_inner_texts() == ["选择图片"]
    screenshot(page, "empty-desktop-light-zh")


def test_a_file_is_picked(open_page, drawn):
    page = open_page()
    page.on("filechooser", lambda chooser: chooser.set_files(drawn.file("lines.png")))
    page.get_by_role("button", name="选择图片").click()
    page.wait_for_selector("[data-show=done]")
    assert texts(page) == list(drawn.texts)


def test_a_file_is_dropped(open_page, drawn, screenshot):
    page = open_page()
    let_go = drag(page, drawn.file("lines.png"))
    page.wait_for_selector("body.dragging")
    screenshot(page, "dragging")
    let_go()
    page.wait_for_selector("[data-show=done]")
    assert texts(page) == list(drawn.texts)
    assert not page.locator(".veil").is_visible()


def test_a_folder_is_dropped_and_its_pictures_are_read_in_order(open_page, drawn, tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("page 10.png", "page 9.png", ".hidden.png"):
        (folder / name).write_bytes(drawn.unseen())
    page = open_page()
    drag(page, folder)()
    page.wait_for_selector("[data-show=done]")
    assert page.locator("#sheets .named").all_inner_texts() == ["page 9.png", "page 10.png"]


def test_a_picture_is_pasted(open_page, drawn):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (bytes) => {
          const blob = new Blob([new Uint8Array(bytes)], { type: "image/png" });
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        list(Path(drawn.file("lines.png")).read_bytes()),
    )
    page.keyboard.press("Control+V")
    page.wait_for_selector("[data-show=done]")
    assert texts(page) == list(drawn.texts)


def test_a_pasted_text_is_said_to_be_no_picture(open_page):
    page = open_page()
    page.evaluate("document.body.append(Object.assign(document.createElement('p'), { textContent: 'only words' }))")
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+C")
    page.keyboard.press("Control+V")
    expect(page.locator("#announcement")).to_have_text("拖入或粘贴的内容里没有文件。请选择一张图片，或先复制一张。")


def test_a_phone_offers_its_camera(open_page, screenshot):
    page = open_page(**PHONE)
    assert page.get_by_role("button", name="拍一张").is_visible()
    assert page.locator("#shot").get_attribute("capture") == "environment"
    screenshot(page, "empty-phone")


def test_of_several_pictures_every_one_is_read_and_can_be_looked_at(open_page, drawn, screenshot):
    page = open_page()
    page.set_input_files("#file", [drawn.file("lines.png"), drawn.file("white.png"), drawn.file("notes.jpg")])
    expect(page.locator("#sheets .standing")).to_have_text(["3 行", "0 行", "没有读成"])
    assert texts(page) == list(drawn.texts)
    screenshot(page, "several-pictures")
    page.get_by_role("button", name="white.png").first.click()
    assert page.locator("#result-title").inner_text() == "没有找到文字"
    assert page.locator("#sheets [aria-current]").inner_text().startswith("white.png")


def test_a_picture_is_put_away_and_the_next_one_is_looked_at(open_page, drawn):
    page = open_page()
    page.set_input_files("#file", [drawn.file("lines.png"), drawn.file("white.png")])
    expect(page.locator("#sheets .standing")).to_have_text(["3 行", "0 行"])
    page.get_by_role("button", name="收起 lines.png").click()
    assert page.locator("#sheets .named").all_inner_texts() == ["white.png"]
    page.get_by_role("button", name="收起 white.png").click()
    assert page.locator("#headline").is_visible()


def test_a_file_above_the_limit_is_refused_before_it_is_sent(open_page, tmp_path):
    page = open_page()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    limit = page.evaluate("JSON.parse(document.body.dataset.options).limits.body_bytes")
    large = tmp_path / "large.bmp"
    with large.open("wb") as file:
        file.truncate(limit + 1)
    page.set_input_files("#file", large)
    expect(page.locator("#failed")).to_contain_text(f"{limit // 1024 // 1024} MB")
    assert not any(url.endswith("/api/ocr") for url in sent)


def test_a_picture_sent_again_is_said_to_be_known(open_page, drawn):
    page = open_page()
    data = drawn.unseen()
    choose(page, data)
    expect(page.locator("#facts")).to_contain_text("用时")
    choose(page, data)
    expect(page.locator("#facts")).to_have_text("之前识别过，直接给出")
    assert texts(page) == list(drawn.texts)
