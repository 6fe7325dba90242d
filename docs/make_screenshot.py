"""Takes docs/page.png, the picture of the page in the README: `make screenshot`, with Debian's Chromium."""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import stack  # noqa: E402

FONTS = Path("/usr/share/fonts/opentype/noto")
MENU = (
    ("Longjing  龙井", "¥28.00"),
    ("Pu-erh  普洱", "¥26.00"),
    ("Jasmine  茉莉花茶", "¥22.00"),
    ("Osmanthus cake  桂花糕", "¥18.00"),
)
OTHERS = [ROOT / "tests" / "data" / "pages" / name for name in ("sign.jpg", "english.jpg")]
SIZE = {"width": 1280, "height": 800}


def draw(path: Path) -> None:
    """A tea house's card in two languages, beside it a line of a poem from top to bottom, not quite straight."""
    card = Image.new("RGB", (1040, 700), "#fbf7ee")
    pen = ImageDraw.Draw(card)
    pen.rectangle((24, 24, 1016, 676), outline="#8b3a2a", width=3)
    title, text = (
        ImageFont.truetype(FONTS / "NotoSerifCJK-Bold.ttc", 62),
        ImageFont.truetype(FONTS / "NotoSansCJK-Regular.ttc", 36),
    )
    pen.text((80, 70), "半日闲茶舍", font=title, fill="#2a211b")
    pen.text((80, 165), "Half-a-Day Tea House", font=text, fill="#6b5a4a")
    for row, (name, price) in enumerate(MENU):
        pen.text((80, 270 + 76 * row), name, font=text, fill="#2a211b")
        pen.text((760, 270 + 76 * row), price, font=text, fill="#2a211b", anchor="ra")
    pen.text((80, 590), "每日 9:30–21:00  电话 010-6234 5678", font=text, fill="#6b5a4a")
    for row, character in enumerate("偷得浮生半日闲"):
        pen.text((880, 76 + 72 * row), character, font=title, fill="#2a211b")
    table = Image.new("RGB", (1200, 860), "#7d6a55")
    table.paste(card, (80, 80))
    table.rotate(1.6, Image.Resampling.BICUBIC, fillcolor="#7d6a55").save(path)


def take(url: str, pictures: list[Path]) -> bytes:
    """A PNG of these pictures when they are read, one line pointed at."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(locale="en-GB", viewport=SIZE)
        page.goto(url)
        page.set_input_files("#file", pictures)
        page.locator("#sheets [data-state=done]").nth(len(pictures) - 1).wait_for()
        page.locator("#lines li").nth(3).hover()
        page.wait_for_timeout(500)
        taken = page.screenshot(animations="disabled")
        chromium.close()
    return taken


def main() -> None:
    """Draws, reads, takes and writes."""
    with tempfile.TemporaryDirectory() as folder, stack.running() as box:
        card = Path(folder) / "tea house.png"
        draw(card)
        taken = take(box.url, [card, *OTHERS])
    # 256 colours: a third of the bytes, and nothing to be seen of it
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(ROOT / "docs" / "page.png", optimize=True)


if __name__ == "__main__":
    main()
