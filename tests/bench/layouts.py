"""Reading order and paragraphs on pages drawn for it: `python -m bench.layouts`.

Every page is drawn upright and skewed; what is drawn is what is expected, in the order in which a person reads it. The
baseline is the order that was before: row by row over the whole page.
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from ziyan import manifest
from ziyan.options import Options
from ziyan.page import Page
from ziyan.pipeline import Pipeline

from bench.report import table
from bench.score import in_order, normalise

ROOT = Path(__file__).parents[2]
NOTO = Path("/usr/share/fonts/opentype/noto")
SANS, SERIF = NOTO / "NotoSansCJK-Regular.ttc", NOTO / "NotoSerifCJK-Regular.ttc"
LATIN = Path("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf")
SKEWS = (0, -2, 4, -7)
VARIANTS = 3

CHINESE = [
    "树莓派是一块只有手掌大小的电脑，许多学校用它来教孩子们编程。它耗电很少，可以日夜不停地工作，也不需要显卡。",
    "文字识别先要找到文字在哪里，再把每一行剪下来，放平，送进网络。网络给出每一小段最可能的字，连起来就是一行。",
    "老城的早市从五点开始，卖菜的农民挑着担子走进巷口，豆浆和油条的香味飘满了整条街。到了八点，人群才慢慢散去。",
    "图书馆决定把旧报纸全部扫描成图片，再由志愿者校对文字。三年里，他们整理了两万多页，其中最早的一页已有百年。",
    "下过雨的山路很滑，我们扶着竹竿慢慢往上走。雾从谷底升起来，遮住了远处的村庄，只听见溪水在石头之间流动。",
    "医生提醒说，药品的名字往往只差一个字，作用却完全不同，因此抄写处方时必须逐字核对，不能凭印象填写。",
]  # fmt: skip
ENGLISH = [
    "The keeper climbed the stairs every evening at dusk, one hand on the cold rail, counting under his breath. There "
    "were many steps, and he had never once trusted the number.",
    "A small computer can read printed pages without any network. It finds the lines, cuts them out, and asks a small "
    "neural net which letters they hold.",
    "On the night of the great storm the lamp went dark. Nobody in the village slept; they stood at their windows and "
    "watched the black water where the beam should have been.",
    "Reading order matters to everyone who listens to a page instead of looking at it. A voice that jumps from one "
    "column to the other makes no sense at all.",
    "The library scanned its old newspapers and asked volunteers to correct the text. After three years the whole "
    "archive could be searched by anybody.",
]  # fmt: skip
GOODS = ["矿泉水", "全麦面包", "酸奶原味", "中性笔芯", "苹果", "抽纸三层", "牙膏薄荷", "洗衣液", "方便面", "橙汁"]
NAMES = ["人民医院门诊楼", "第三中学北校区图书馆", "科技园地铁站", "老城区邮政局", "滨江公园南门停车场", "会展中心"]
ROADS = ["解放路十二号", "学院路三十七号南侧", "高新大道五号", "中山北路二百一十号", "滨江大道", "迎宾路八号楼一层"]


@dataclass
class Sheet:
    """A picture under way; `lines` and `paragraphs` are expected in this order."""

    random: np.random.Generator
    image: Image.Image
    lines: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)

    def write(self, x: float, y: float, text: str, font: ImageFont.FreeTypeFont, anchor: str = "la") -> None:
        ImageDraw.Draw(self.image).text((x, y), text, font=font, fill="#1c1c1c", anchor=anchor)
        self.lines.append(text)

    def prose(self, box: tuple[float, float, float], texts: list[str], font, *, leading=1.5, indent=True) -> float:
        """Paragraphs broken into lines within (left, top, right) of `box`; returns where the last one ends."""
        left, y, right = box
        for text in texts:
            first = 2 * font.size if indent and ord(text[0]) > 0x2E80 else 0
            for number, line in enumerate(broken(text, font, right - left, first)):
                self.write(left + (first if number == 0 else 0), y, line, font)
                y += leading * font.size
            self.paragraphs.append(text)
        return y


def broken(text: str, font: ImageFont.FreeTypeFont, width: float, first: float) -> Iterator[str]:
    """`text` in lines of at most `width` pixels, the first shorter by `first`; no mark begins a Chinese line."""
    words = list(text) if ord(text[0]) > 0x2E80 else [word + " " for word in text.split(" ")]
    line, room = "", width - first
    for word in words:
        if line and font.getlength((line + word).rstrip()) > room and word not in "，。、；":
            yield line.strip()
            line, room = "", width
        line += word
    yield line.strip()


def chosen(random: np.random.Generator, texts: list[str], count: int) -> list[str]:
    return [texts[i] for i in random.permutation(len(texts))[:count]]


def face(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, index=2 if path.suffix == ".ttc" else 0)


def blank(random: np.random.Generator, width: int, height: int) -> Sheet:
    return Sheet(random, Image.new("RGB", (width, height), "#fbfaf6"))


def columns(random: np.random.Generator, count: int, texts: list[str], path: Path, headline: str = "") -> Sheet:
    """`count` columns of prose, under a headline that crosses them and above a page number."""
    sheet, font = blank(random, 1240, 1000), face(path, int(random.integers(20, 26)))
    gutter = float(random.integers(28, 60))
    width, top = (1140 - gutter * (count - 1)) / count, 60
    if headline:
        sheet.write(620, 40, headline, face(path, 54), "ma")
        sheet.paragraphs.append(headline)
        top = 150
    for number in range(count):
        left = 50 + number * (width + gutter)
        start = top + (random.integers(0, 12) if random.random() < 0.5 else 0)
        leading = random.uniform(1.4, 1.7)
        sheet.prose((left, start, left + width), chosen(random, texts, 6 - count), font, leading=leading)
    return sheet


def two_chinese(random):
    return columns(random, 2, CHINESE, SERIF)


def two_english(random):
    return columns(random, 2, ENGLISH, LATIN)


def newspaper(random):
    return columns(random, 3, CHINESE, SERIF, headline="老城早市迎来百年报纸展")


def magazine(random):
    """Two columns, a line across both, and two columns again."""
    sheet, font = blank(random, 1240, 1100), face(SANS, 22)
    bottoms = [sheet.prose((left, 50, left + 540), chosen(random, CHINESE, 2), font) for left in (50, 640)]
    y = max(bottoms) + 20
    sheet.write(50, y, "以下内容由各地读者提供，编辑部未作改动，仅对错别字进行了统一的校正和说明。", face(SANS, 28))
    sheet.paragraphs.append(sheet.lines[-1])
    for left in (50, 640):
        sheet.prose((left, y + 70, left + 540), chosen(random, CHINESE, 2), font)
    return sheet


def one_column(random):
    sheet = blank(random, 1000, 1000)
    sheet.prose((70, 60, 930), chosen(random, CHINESE, 5), face(SANS, 26), leading=1.7)
    return sheet


def one_column_english(random):
    sheet, font, y = blank(random, 1000, 1000), face(LATIN, 28), 60.0
    for text in chosen(random, ENGLISH, 4):
        y = sheet.prose((70, y, 930), [text], font) + 24
    return sheet


def receipt(random):
    sheet, font = blank(random, 520, 900), face(SANS, 22)
    for number, name in enumerate(chosen(random, GOODS, 10)):
        y = 50 + 46 * number
        cells = (name, str(random.integers(1, 9)), f"{random.uniform(1, 90):.2f}")
        for text, x, anchor in zip(cells, (30, 330, 490), ("la", "ra", "ra"), strict=True):
            sheet.write(x, y, text, font, anchor)
        sheet.paragraphs.append("\t".join(cells))
    return sheet


def places(random):
    """A table of two columns with long names."""
    sheet, font = blank(random, 900, 700), face(SANS, 26)
    for number, cells in enumerate(zip(chosen(random, NAMES, 6), chosen(random, ROADS, 6), strict=True)):
        for text, x in zip(cells, (40, 460), strict=True):
            sheet.write(x, 50 + 64 * number, text, font)
        sheet.paragraphs.append("\t".join(cells))
    return sheet


def form(random):
    """Two fields in a row: each value behind its name."""
    sheet, font = blank(random, 1000, 500), face(SANS, 24)
    fields = [("姓名", "欧阳小雨"), ("性别", "女"), ("出生日期", "1998-03-12"), ("民族", "汉"), ("电话", "13800138000")]
    fields += [("邮编", "100871"), ("毕业学校", "第三中学"), ("专业", "软件工程")]
    for number in range(0, 8, 2):
        for (name, value), x in zip(fields[number : number + 2], (40, 540), strict=True):
            sheet.write(x, 50 + 70 * number / 2, name, font)
            sheet.write(x + 180, 50 + 70 * number / 2, value, font)
        sheet.paragraphs.append("\t".join(sheet.lines[-4:]))
    return sheet


def glossary(random):
    """Words in the margin, each beside the lines that explain it."""
    sheet, font, y = blank(random, 1000, 1000), face(SANS, 24), 50.0
    for name, text in zip(chosen(random, GOODS, 4), chosen(random, CHINESE, 4), strict=True):
        sheet.write(40, y, name, font)
        y = sheet.prose((260, y, 940), [text], font, indent=False) + 20
        sheet.paragraphs[-1] = f"{name}\t{text}"
    return sheet


def panes(random):
    """A list of files beside a text whose lines stand at other heights."""
    sheet = blank(random, 1200, 800)
    for number in range(14):
        sheet.write(40, 40 + 44 * number, f"{chosen(random, GOODS, 1)[0]}-{number + 1}.png", face(SANS, 20))
        sheet.paragraphs.append(sheet.lines[-1])
    sheet.prose((420, 52, 1140), chosen(random, CHINESE, 4), face(SANS, 24), leading=1.8)
    return sheet


KINDS: list[Callable[[np.random.Generator], Sheet]] = [
    two_chinese, two_english, newspaper, magazine, panes, one_column, one_column_english, receipt, places, form,
    glossary,
]  # fmt: skip


def row_by_row(page: Page) -> list[str]:
    """The order that was before: rows of what overlaps by half, from the top, each from the left."""
    boxes = np.array([[*np.min(line.box, axis=0), *np.max(line.box, axis=0)] for line in page.lines])
    rows: list[list[int]] = []
    for i in np.argsort((boxes[:, 1] + boxes[:, 3]) / 2, kind="stable").tolist():
        last = boxes[rows[-1][-1]] if rows else None
        if last is not None and min(boxes[i][3], last[3]) - max(boxes[i][1], last[1]) >= 0.5 * min(
            boxes[i][3] - boxes[i][1], last[3] - last[1]
        ):
            rows[-1].append(i)
        else:
            rows.append([i])
    return [page.lines[i].text for row in rows for i in sorted(row, key=lambda i: boxes[i][0])]


def compared(text: str) -> str:
    return normalise(text.replace("\t", "|")).replace(" ", "")


def found_paragraphs(truth: list[str], output: tuple[str, ...]) -> tuple[int, int, int]:
    """How many paragraphs were found whole (nine tenths of their characters right, no other text), expected, given."""
    left = [compared(text) for text in output]
    whole = 0
    for text in map(compared, truth):
        best = min(left, key=lambda given: in_order([text], [given])[0], default=None)
        if best is not None and in_order([text], [best])[0] <= len(text) / 10:
            left.remove(best)
            whole += 1
    return whole, len(truth), len(output)


def main() -> None:
    """Draws, reads, prints one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.layouts", description=__doc__)
    parser.add_argument("--keep", type=Path, help="folder that the pages are written to")
    arguments = parser.parse_args()
    pipeline = Pipeline(manifest.load(ROOT / "models"), threads=1, max_pixels=25_000_000)
    rows = []
    for kind in KINDS:
        totals = np.zeros(6, int)  # errors row by row, errors now, characters, paragraphs whole, expected, given
        for variant in range(VARIANTS):
            sheet = kind(np.random.default_rng([variant, *kind.__name__.encode()]))
            for skew in SKEWS:
                picture = sheet.image.rotate(skew, Image.Resampling.BICUBIC, expand=True, fillcolor="#fbfaf6")
                file = io.BytesIO()
                picture.save(file, "PNG", compress_level=1)
                if arguments.keep:
                    arguments.keep.mkdir(parents=True, exist_ok=True)
                    (arguments.keep / f"{kind.__name__}-{variant}-{skew}.png").write_bytes(file.getvalue())
                lines = pipeline.read(file.getvalue(), Options(min_score=0.5))
                joined = pipeline.read(file.getvalue(), Options(layout="paragraphs"))
                before, characters = in_order(sheet.lines, row_by_row(lines))
                now, _ = in_order(sheet.lines, [line.text for line in lines.lines])
                totals += [before, now, characters, *found_paragraphs(sheet.paragraphs, joined.text)]
        before, now, characters, whole, expected, given = totals.tolist()
        f1 = 2 * whole / max(expected + given, 1)
        rows.append([
            kind.__name__.replace("_", " "), str(VARIANTS * len(SKEWS)), f"{100 * before / characters:.1f}",
            f"{100 * now / characters:.1f}", f"{100 * f1:.0f}",
        ])  # fmt: skip
        print(rows[-1], file=sys.stderr)
    print(table(["pages", "number", "row by row: CER in order %", "now", "paragraphs, F1 %"], rows))


if __name__ == "__main__":
    main()
