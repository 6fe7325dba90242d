"""The form is made of what the box says of its options, and what is chosen there is what the box is asked for."""

import pytest
import requests
from hand import read, rectangle, texts

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev").expect


def test_every_option_of_the_box_has_a_field_with_its_default(open_page, service):
    page = open_page()
    page.get_by_role("button", name="选项").click()
    known = requests.get(f"{service.url}/api/options", timeout=10).json()["options"]
    assert set(page.locator("[data-option]").evaluate_all("(all) => all.map((f) => f.dataset.option)")) == set(known)
    for name, about in known.items():
        if about["type"] == "array":
            continue
        default = about["default"]
        shown = page.locator(f"#option-{name}").input_value()
        assert shown == (f"{default:g}" if isinstance(default, float) else str(default))
        label = page.locator(f"label[for=option-{name}]").inner_text()
        assert label != name.replace("_", " "), f"{name} has no words of its own in strings.js"


def test_a_picture_is_read_again_with_other_options(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("blurred.png"))
    before = page.locator("#lines li").count()
    page.get_by_role("button", name="选项").click()
    page.locator("[data-option=min_score] input[type=number]").fill("0.99")
    page.keyboard.press("Tab")
    assert page.locator("#options-count").inner_text() == "1"
    screenshot(page, "options-desktop-light-zh")
    with page.expect_response("**/api/ocr") as answer:
        page.get_by_role("button", name="重新识别").click()
    sure = [line["text"] for line in answer.value.json()["lines"]]
    assert all(line["score"] >= 0.99 for line in answer.value.json()["lines"])
    assert len(sure) < before
    page.wait_for_selector("[data-show=done]")
    expect(page.locator("#lines .text")).to_have_text(sure)
    page.get_by_role("button", name="选项").click()
    page.get_by_role("button", name="恢复默认").click()
    assert page.locator("#options-count").is_hidden()


def test_only_the_area_that_is_drawn_on_the_picture_is_read(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("lines.png"))
    left, top, right, bottom = rectangle(page.locator("#words span").nth(1))
    page.get_by_role("button", name="选项").click()
    page.locator("[data-option=region]").get_by_role("button", name="在图上画").click()
    assert page.locator("#drawing").is_visible()
    page.mouse.move(left - 8, top - 8)
    page.mouse.down()
    page.mouse.move(right + 8, bottom + 8, steps=3)
    page.mouse.up()
    screenshot(page, "drawing-an-area")
    page.get_by_role("button", name="完成").click()
    assert page.locator("#areas .area").count() == 1
    page.get_by_role("button", name="重新识别").click()
    expect(page.locator("#lines .text")).to_have_text([drawn.texts[1]])


def test_an_area_is_set_and_removed_by_keyboard_in_numbers(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.get_by_role("button", name="选项").click()
    field = page.locator("[data-option=ignore]")
    field.get_by_role("button", name="用数字添加").press("Enter")
    for label, value in (("左", 0), ("上", 0), ("宽", 900), ("高", 140)):
        field.get_by_label(f"区域 1：{label}").fill(str(value))
        page.keyboard.press("Tab")
    page.get_by_role("button", name="重新识别").press("Enter")
    expect(page.locator("#lines .text")).to_have_text(list(drawn.texts[1:]))
    page.get_by_role("button", name="选项").click()
    field.get_by_role("button", name="移除区域 1").press("Enter")
    page.get_by_role("button", name="重新识别").press("Enter")
    expect(page.locator("#lines .text")).to_have_text(list(drawn.texts))
    assert texts(page) == list(drawn.texts)
