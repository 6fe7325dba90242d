"""Documents: a PDF, a TIFF or a zip of several pages, read as a job that goes on without the page."""

import re
import zipfile
from pathlib import Path

import pytest
import requests
from hand import lit, rectangle, texts
from PIL import Image, ImageDraw, ImageFont

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev").expect


@pytest.fixture(scope="module")
def document(tmp_path_factory, drawn):
    """Makes a document of so many pages, each with its number, in the format of the name's ending."""
    folder = tmp_path_factory.mktemp("documents")

    def make(name, pages):
        sheets = []
        for number in range(1, pages + 1):
            sheet = Image.new("RGB", (900, 420), "white")
            pen = ImageDraw.Draw(sheet)
            font = ImageFont.truetype(drawn.font, 60)
            pen.text((70, 60), f"第 {number} 页，共 {pages} 页", font=font, fill="black")
            pen.text((70, 240), "树莓派离线识别文字", font=font, fill="black")
            sheets.append(sheet)
        path = folder / name
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                for number, sheet in enumerate(sheets, 1):
                    with archive.open(f"page {number}.png", "w") as file:
                        sheet.save(file, "PNG")
        else:
            options = {"compression": "tiff_deflate"} if path.suffix == ".tiff" else {"resolution": 100}
            sheets[0].save(path, save_all=True, append_images=sheets[1:], **options)
        return path

    return make


def said(number, pages):
    """A page's first line, whatever its reader makes of the spaces and the comma."""
    return re.compile(rf"第\s*{number}\s*页[，,]\s*共\s*{pages}\s*页")


@pytest.mark.parametrize("name", ["report.pdf", "scan.tiff", "pictures.zip"])
def test_a_document_is_read_page_by_page(open_page, document, name):
    page = open_page()
    page.set_input_files("#file", document(name, 3))
    expect(page.locator("#sheets .standing")).to_have_text("3 页", timeout=60_000)
    for number in (1, 2, 3):
        expect(page.locator("#page-number")).to_have_text(f"{number} / 3")
        expect(page.locator("#lines .text").first).to_have_text(said(number, 3))
        if number < 3:
            page.get_by_role("button", name="下一页").click()
    assert page.get_by_role("button", name="下一页").is_disabled()
    page.keyboard.press("PageUp")
    expect(page.locator("#page-number")).to_have_text("2 / 3")


def test_a_page_is_shown_with_its_lines_while_the_next_ones_are_read(open_page, document, screenshot):
    page = open_page()
    page.set_input_files("#file", document("long.pdf", 12))
    page.wait_for_selector("[data-show=partly]", timeout=60_000)
    expect(page.locator("#working-title")).to_have_text(re.compile(r"^正在读第 \d+ 页，共 12 页$"))
    expect(page.locator("#lines .text").first).to_have_text(said(1, 12))
    page.locator("#lines li").first.hover()
    assert lit(page) == [0]
    screenshot(page, "document-under-way")
    expect(page.locator("#sheets .standing")).to_have_text("12 页", timeout=60_000)
    screenshot(page, "document-done")


def test_a_document_under_way_is_cancelled_on_the_box_too(open_page, document, service):
    page = open_page()
    with page.expect_response("**/api/jobs") as accepted:
        page.set_input_files("#file", document("cancelled.pdf", 40))
    page.wait_for_selector("[data-show=partly]", timeout=60_000)
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="取消").click()
    page.wait_for_selector("body[data-state=empty]")
    job = requests.get(service.url + accepted.value.json()["url"], timeout=10).json()
    assert job["state"] == "cancelled"
    page.reload()
    page.wait_for_selector("#box-button[data-state=stateOk]")
    assert page.locator("body").get_attribute("data-state") == "empty"


def test_a_document_is_found_again_after_the_page_was_closed(open_page, document):
    page = open_page()
    page.set_input_files("#file", document("again.pdf", 6))
    page.locator("#steps [data-step=done]").first.wait_for()
    page.wait_for_selector("[data-show=partly]", timeout=60_000)
    page.reload()
    expect(page.locator("#sheets .named")).to_have_text("again.pdf")
    expect(page.locator("#sheets .standing")).to_have_text("6 页", timeout=60_000)
    expect(page.locator("#lines .text").first).to_have_text(said(1, 6))


def test_an_edit_is_in_the_files_of_the_whole_document_and_outlives_the_page(open_page, document, tmp_path):
    page = open_page()
    page.set_input_files("#file", document("edited.pdf", 2))
    expect(page.locator("#sheets .standing")).to_have_text("2 页", timeout=60_000)
    page.locator("#lines .text").nth(1).dblclick()
    page.get_by_label("第 2 行的文字").fill("改过的一行")
    page.keyboard.press("Enter")
    assert texts(page)[1] == "改过的一行"
    page.get_by_role("button", name="下载").click()
    with page.expect_download() as coming:
        page.locator("#download-list").get_by_role("button", name=re.compile("^TXT")).click()
    path = tmp_path / "edited.txt"
    coming.value.save_as(path)
    first, second = path.read_text().split("\f")
    assert "改过的一行" in first
    assert said(2, 2).search(second)
    page.reload()
    expect(page.locator("#lines .text").nth(1)).to_have_text("改过的一行")


def test_a_document_that_cannot_be_read_says_why(open_page, tmp_path, screenshot):
    page = open_page()
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\n" + bytes(2000))
    page.set_input_files("#file", broken)
    expect(page.locator("#failed h2")).to_have_text("broken.pdf 没有读成", timeout=60_000)
    assert len(page.locator("#failed .why").inner_text()) > 10
    screenshot(page, "document-failed")


def test_a_page_that_cannot_be_read_says_so_among_the_others(open_page, drawn, tmp_path):
    path = tmp_path / "mixed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(drawn.file("lines.png"), "1.png")
        archive.writestr("2.png", Path(drawn.file("lines.png")).read_bytes()[:300])
    page = open_page()
    page.set_input_files("#file", path)
    expect(page.locator("#lines .text")).to_have_text(list(drawn.texts), timeout=60_000)
    expect(page.locator("#sheets .standing")).to_have_text("2 页", timeout=60_000)
    page.get_by_role("button", name="下一页").click()
    expect(page.locator("#result-title")).to_have_text("这一页没有读成")
    assert len(page.locator("#nothing").inner_text()) > 10
    assert not page.locator("#copy-all").is_visible()
    left, top, right, bottom = rectangle(page.locator("#sheet"))
    assert (right - left, bottom - top) > (100, 100)
