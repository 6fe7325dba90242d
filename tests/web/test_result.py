"""The picture with its lines and the list beside it: pointing, selecting, zooming, editing."""

import re
from pathlib import Path

import pytest
import requests
from hand import PHONE, choose, lit, overlap, pasted, read, rectangle, texts

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev").expect


def assert_lines_lie_on_the_ink(page, drawn, size=(900, 420)):
    """Every drawn line has, on the screen, its outline and its words over its own ink."""
    left, top, right, bottom = rectangle(page.locator("#leaf"))
    width, height = size
    assert (right - left) / (bottom - top) == pytest.approx(width / height, rel=0.02)
    scale = (right - left) / width
    for index, ink in enumerate(drawn.ink):
        on_screen = tuple(origin + scale * value for origin, value in zip((left, top, left, top), ink, strict=True))
        for shown in ("#outlines .edge", "#words span"):
            found = rectangle(page.locator(shown).nth(index))
            assert overlap(on_screen, found) > 0.65, f"line {index}: ink {on_screen}, {shown} {found}"


def test_every_line_is_outlined_where_its_ink_is(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("lines.png"))
    assert texts(page) == list(drawn.texts)
    assert page.locator("#result-title").inner_text() == "共 3 行文字"
    assert_lines_lie_on_the_ink(page, drawn)
    screenshot(page, "result-desktop-light-zh")


def test_a_phone_photo_is_outlined_as_it_is_shown_turned_by_its_exif(open_page, drawn):
    page = open_page()
    read(page, drawn.file("turned.jpg"))
    assert texts(page) == list(drawn.texts)
    assert_lines_lie_on_the_ink(page, drawn)


def test_a_picture_that_the_browser_cannot_show_is_read_onto_a_blank_sheet(open_page, drawn, screenshot):
    page = open_page()
    choose(page, Path(drawn.file("lines.tiff")).read_bytes(), name="scan", kind="application/octet-stream")
    page.wait_for_selector("[data-show=done]")
    assert not page.locator("#picture").is_visible()
    assert_lines_lie_on_the_ink(page, drawn)
    ink = page.locator("#words span").first.evaluate("(node) => getComputedStyle(node).color")
    assert ink != "rgba(0, 0, 0, 0)"
    screenshot(page, "result-blank-sheet")


def test_pointing_at_a_line_lights_its_outline_and_the_other_way_round(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.locator("#lines li").nth(1).hover()
    assert lit(page) == [1]
    assert page.locator("#caption").inner_text() == drawn.texts[1]
    screenshot(page, "result-pointing")
    page.locator("#words span").nth(2).hover()
    assert page.locator("#lines .lit .text").all_inner_texts() == [drawn.texts[2]]
    page.locator("header .name").hover()
    assert page.locator(".lit").count() == 0


def test_a_press_on_a_line_in_the_picture_leads_to_it_in_the_list(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.locator("#words span").nth(2).click()
    page.locator("header .name").hover()
    assert page.locator("#lines .lit .text").all_inner_texts() == [drawn.texts[2]]
    assert page.evaluate("document.activeElement.ariaLabel") == f"修改第 3 行：{drawn.texts[2]}"


def test_words_are_selected_in_the_picture_and_copied(open_page, drawn):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    read(page, drawn.file("lines.png"))
    left, top, right, bottom = rectangle(page.locator("#words span").nth(0))
    _, lower_top, lower_right, lower_bottom = rectangle(page.locator("#words span").nth(1))
    page.mouse.move(left + 2, (top + bottom) / 2)
    page.mouse.down()
    page.mouse.move((left + right) / 2, (top + bottom) / 2)
    page.mouse.move(lower_right - 1, (lower_top + lower_bottom) / 2, steps=4)
    page.mouse.up()
    page.keyboard.press("Control+C")
    assert pasted(page).split("\n") == list(drawn.texts[:2])


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


def test_who_checks_one_doubtful_line_is_led_to_the_next_until_none_is_left(open_page, drawn):
    page = open_page()
    read(page, drawn.file("blurred.png"))
    count = page.locator("#lines .uncertain").count()
    page.get_by_role("button", name=f"{count} 行待核对").click()
    for _ in range(count):
        assert page.locator(".editing .cut").is_visible()  # the picture of this line, right above its text
        page.keyboard.press("Enter")
    assert page.locator("#lines .uncertain").count() == 0
    assert page.locator("#lines .score", has_text="已核对").count() == count


def test_a_line_is_edited_and_restored(open_page, drawn, screenshot):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.locator("#lines .text").nth(1).dblclick()
    field = page.get_by_label("第 2 行的文字")
    assert field.input_value() == drawn.texts[1]
    screenshot(page, "result-editing")
    field.fill("Raspberry Pi 5 reads")
    page.keyboard.press("Enter")
    assert texts(page)[1] == "Raspberry Pi 5 reads"
    assert page.locator("#words span").nth(1).inner_text() == "Raspberry Pi 5 reads"
    assert page.locator("#lines .score").nth(1).inner_text() == "已修改"
    page.get_by_role("button", name="恢复第 2 行的识别结果").click()
    assert texts(page) == list(drawn.texts)


def test_escape_leaves_a_line_as_it_was(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.get_by_role("button", name="修改第 1 行").click()
    page.get_by_label("第 1 行的文字").fill("something else")
    page.keyboard.press("Escape")
    assert texts(page) == list(drawn.texts)
    assert page.evaluate("document.activeElement.ariaLabel") == f"修改第 1 行：{drawn.texts[0]}"


def test_the_wheel_zooms_around_the_pointer(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    for _ in range(5):  # until it is larger than its stage: a smaller one stays in the middle
        page.get_by_role("button", name="放大").click()
    spot = (300, 400)
    before = place_in_picture(page, spot)
    page.mouse.move(*spot)
    for _ in range(3):
        page.mouse.wheel(0, -150)
    expect(page.locator("#zoom")).to_have_text(re.compile(r"^[4-9]\d\d%$"))
    assert place_in_picture(page, spot) == pytest.approx(before, abs=0.004)
    assert_lines_lie_on_the_ink(page, drawn)


def place_in_picture(page, spot):
    """Where a point of the screen is in the picture, in shares of its width and height."""
    left, top, right, bottom = rectangle(page.locator("#leaf"))
    return (spot[0] - left) / (right - left), (spot[1] - top) / (bottom - top)


def test_a_mouse_pans_the_enlarged_picture_and_a_button_fits_it_again(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    fitted = page.locator("#zoom").inner_text()
    for _ in range(5):
        page.get_by_role("button", name="放大").click()
    left, top, *_ = rectangle(page.locator("#sheet"))
    first, second = (rectangle(page.locator("#words span").nth(index)) for index in (0, 1))
    gap = (first[3] + second[1]) / 2  # between two lines: nothing to select there
    page.mouse.move(400, gap)
    page.mouse.down()
    page.mouse.move(320, gap - 50, steps=4)
    page.mouse.up()
    now_left, now_top, *_ = rectangle(page.locator("#sheet"))
    assert (now_left - left, now_top - top) == (-80, -50)
    page.get_by_role("button", name="适合窗口").click()
    assert page.locator("#zoom").inner_text() == fitted


def test_two_fingers_zoom(open_page, drawn):
    page = open_page(**PHONE)
    read(page, drawn.file("lines.png"))
    before = int(page.locator("#zoom").inner_text().rstrip("%"))
    devtools = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 30), ("touchMove", 50), ("touchMove", 90), ("touchEnd", None)):
        points = [{"x": 195 - apart, "y": 250}, {"x": 195 + apart, "y": 250}] if apart else []
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    after = int(page.locator("#zoom").inner_text().rstrip("%"))
    assert after == pytest.approx(3 * before, rel=0.1)
    assert page.evaluate("visualViewport.scale") == 1  # the picture is enlarged, not the page


def test_keys_zoom_the_picture_that_has_the_focus(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    fitted = page.locator("#zoom").inner_text()
    page.locator("#stage").focus()
    page.keyboard.press("+")
    assert page.locator("#zoom").inner_text() != fitted
    page.keyboard.press("0")
    assert page.locator("#zoom").inner_text() == fitted


def test_turning_the_view_turns_outlines_and_words_with_the_picture(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.get_by_role("button", name="旋转视图").click()
    _, top, right, bottom = rectangle(page.locator("#sheet"))
    scale = (bottom - top) / 900  # the picture's width runs down now
    for index, (ink_left, ink_top, ink_right, ink_bottom) in enumerate(drawn.ink):
        ink = (right - scale * ink_bottom, top + scale * ink_left, right - scale * ink_top, top + scale * ink_right)
        assert overlap(ink, rectangle(page.locator("#outlines .edge").nth(index))) > 0.65


def test_vertical_text_is_said_to_be_and_runs_down(open_page, drawn, service, screenshot):
    page = open_page()
    columns = Path(drawn.file("columns.png"))
    answer = requests.post(f"{service.url}/api/ocr", files={"image": columns.read_bytes()}, timeout=60).json()
    read(page, columns)
    assert all(line["vertical"] for line in answer["lines"])
    assert page.locator("#lines .way").all_inner_texts() == ["竖排"] * len(answer["lines"])
    assert "竖排文字" in page.locator("#facts").inner_text()
    screenshot(page, "result-vertical")
    page.get_by_role("button", name="全文").click()
    assert page.locator("#text").evaluate("(node) => getComputedStyle(node).writingMode") == "vertical-rl"
    screenshot(page, "result-vertical-text")


def test_the_whole_text_is_shown_as_one(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.get_by_role("button", name="全文").click()
    assert re.split(r"\n+", page.locator("#text").inner_text()) == list(drawn.texts)


def test_copying_works_where_a_box_lives_without_https(open_page, drawn):
    page = open_page(host="raspberrypi.local")
    assert page.evaluate("window.isSecureContext") is False
    read(page, drawn.file("lines.png"))
    page.get_by_role("button", name="复制全部").click()
    expect(page.locator("#toast")).to_have_text("已复制")
    assert re.split(r"\n+", pasted(page)) == list(drawn.texts)
    page.get_by_role("button", name="复制第 2 行").click()
    assert pasted(page) == drawn.texts[1]


def test_a_picture_taken_sideways_is_shown_as_it_was_turned_to_be_read(open_page, drawn):
    page = open_page()
    read(page, drawn.file("sideways.png"))
    assert texts(page) == list(drawn.texts)
    assert "已转正" in page.locator("#facts").inner_text()
    left, top, right, bottom = rectangle(page.locator("#sheet"))
    assert (right - left) / (bottom - top) == pytest.approx(900 / 420, rel=0.02)
    scale = (right - left) / 900
    for index, ink in enumerate(drawn.ink):
        on_screen = tuple(origin + scale * value for origin, value in zip((left, top, left, top), ink, strict=True))
        for shown in ("#outlines .edge", "#words span"):
            assert overlap(on_screen, rectangle(page.locator(shown).nth(index))) > 0.65


def test_enter_of_an_input_method_writes_a_word_and_does_not_save_the_line(open_page, drawn):
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.locator("#lines .text").first.dblclick()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.imeSetComposition", {"text": "shumei", "selectionStart": 6, "selectionEnd": 6})
    composing = {"type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    devtools.send("Input.dispatchKeyEvent", composing)
    devtools.send("Input.insertText", {"text": "树莓"})
    field = page.get_by_label("第 1 行的文字")
    assert field.input_value() == "树莓"
    field.press("Enter")
    assert texts(page)[0] == "树莓"
