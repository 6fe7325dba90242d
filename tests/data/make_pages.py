"""Draws the sample pages of this folder and writes pages.jsonl: `python tests/data/make_pages.py`.

Everything is drawn here: own texts, fonts under the SIL Open Font License from Debian (fonts-noto-cjk,
fonts-lxgw-wenkai, fonts-liberation2). Deterministic for one version of Pillow, NumPy and the fonts; the committed files
are what counts, since another JPEG encoder writes other bytes.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).parent
FONTS = Path("/usr/share/fonts")
NOTO = FONTS / "opentype/noto"
SANS, SANS_BOLD = NOTO / "NotoSansCJK-Regular.ttc", NOTO / "NotoSansCJK-Bold.ttc"
SERIF, SERIF_BOLD = NOTO / "NotoSerifCJK-Regular.ttc", NOTO / "NotoSerifCJK-Bold.ttc"
KAI = FONTS / "truetype/lxgw-wenkai/LXGWWenKai-Regular.ttf"
LATIN_SERIF = FONTS / "truetype/liberation2/LiberationSerif-Regular.ttf"
MONO = FONTS / "truetype/liberation2/LiberationMono-Regular.ttf"
SIMPLIFIED_CHINESE = 2  # the face of that language in Noto's .ttc collections


@dataclass
class Sheet:
    """A picture under way, and the lines drawn on it so far: the ground truth cannot drift from the picture."""

    image: Image.Image
    lines: list[str] = field(default_factory=list)

    @classmethod
    def blank(cls, width: int, height: int, colour: str) -> "Sheet":
        return cls(Image.new("RGB", (width, height), colour))

    def write(self, x: float, y: float, text: str, font: Path, size: int, colour="#202020", anchor="la") -> None:
        """Draws one line with its anchor at (x, y) pixels, and keeps it as ground truth."""
        face = ImageFont.truetype(str(font), size, index=SIMPLIFIED_CHINESE if font.suffix == ".ttc" else 0)
        ImageDraw.Draw(self.image).text((x, y), text, font=face, fill=colour, anchor=anchor)
        self.lines.append(text)

    def rectangle(self, box: tuple[int, int, int, int], fill=None, outline=None, radius=0) -> None:
        ImageDraw.Draw(self.image).rounded_rectangle(box, radius, fill=fill, outline=outline)


def screenshot() -> Sheet:
    """A settings window: small grey and black text on white, a blue button."""
    sheet = Sheet.blank(720, 440, "#f3f4f6")
    sheet.rectangle((0, 0, 720, 44), fill="#ffffff")
    sheet.write(20, 12, "系统设置", SANS_BOLD, 17)
    sheet.write(700, 13, "v2.4.1", SANS, 14, "#6b7280", anchor="ra")
    rows = [
        ("无线网络", "已连接到 Office-5G"),
        ("蓝牙", "关闭"),
        ("显示与亮度", "自动调节，当前 68%"),
        ("存储空间", "已用 46.2 GB，共 128 GB"),
        ("软件更新", "上次检查：2026年11月20日 08:15"),
    ]
    for index, (name, value) in enumerate(rows):
        top = 60 + 60 * index
        sheet.rectangle((16, top, 704, top + 50), fill="#ffffff", outline="#e5e7eb", radius=6)
        sheet.write(34, top + 15, name, SANS, 15)
        sheet.write(686, top + 16, value, SANS, 14, "#6b7280", anchor="ra")
    sheet.rectangle((584, 380, 704, 416), fill="#2563eb", radius=6)
    sheet.write(644, 398, "保存修改", SANS, 15, "#ffffff", anchor="mm")
    return sheet


def dark_terminal() -> Sheet:
    """A terminal with a dark theme: English in a monospaced font."""
    sheet = Sheet.blank(760, 300, "#1e1e2e")
    output = [
        ("$ make test", "#a6e3a1"),
        ("collected 214 items", "#cdd6f4"),
        ("tests/unit/test_score.py ................ [ 12%]", "#cdd6f4"),
        ("tests/api/test_errors.py .......F........ [ 31%]", "#cdd6f4"),
        ("E   AssertionError: expected status 415, got 200", "#f38ba8"),
        ("1 failed, 213 passed in 38.06s", "#f9e2af"),
        ("$ git commit -m \"Reject text sent as a picture\"", "#a6e3a1"),
    ]
    for index, (text, colour) in enumerate(output):
        sheet.write(20, 20 + 38 * index, text, MONO, 20, colour)
    return sheet


def receipt() -> Sheet:
    """A till receipt: uneven thermal print, photographed a little turned."""
    sheet = Sheet.blank(420, 640, "#f6f4ee")
    sheet.write(210, 24, "晨光便利店", SANS_BOLD, 30, anchor="ma")
    sheet.write(210, 70, "学院路店 电话：010-62345678", SANS, 17, anchor="ma")
    sheet.write(24, 110, "单号：20261122-0087", SANS, 18)
    sheet.write(24, 138, "时间：2026-11-22 09:41:36", SANS, 18)
    table = [
        ("品名", "数量", "金额"),
        ("矿泉水 550ml", "2", "4.00"),
        ("全麦面包", "1", "8.50"),
        ("酸奶（原味）", "3", "16.50"),
        ("中性笔 0.5mm", "2", "5.00"),
    ]
    for index, cells in enumerate(table):
        for x, cell, anchor in zip((24, 270, 396), cells, ("la", "ma", "ra"), strict=True):
            sheet.write(x, 186 + 36 * index, cell, SANS, 19, anchor=anchor)
    sheet.write(24, 392, "合计：", SANS_BOLD, 24)
    sheet.write(396, 392, "¥34.00", SANS_BOLD, 24, anchor="ra")
    sheet.write(24, 440, "微信支付", SANS, 19)
    sheet.write(396, 440, "34.00", SANS, 19, anchor="ra")
    sheet.write(210, 510, "谢谢惠顾，欢迎再次光临", SANS, 19, anchor="ma")
    sheet.write(210, 548, "七日内凭此小票退换", SANS, 17, anchor="ma")
    sheet.image = turned(speckled(sheet.image, amount=14, seed=3), degrees=1.6, background="#8a8378")
    return sheet


def printed() -> Sheet:
    """A scanned notice in serif print with a title, paragraphs and a date."""
    sheet = Sheet.blank(900, 700, "#fdfdfb")
    sheet.write(450, 50, "关于调整图书馆开放时间的通知", SERIF_BOLD, 34, anchor="ma")
    sheet.write(80, 130, "各位读者：", SERIF, 24)
    body = [
        "　　为方便大家在期末阶段自习，自二〇二六年十二月一日起，",
        "本馆阅览室的开放时间调整为每日七时三十分至二十三时，周末",
        "照常开放。借还书服务时间不变，仍为八时至十七时。",
        "　　请自觉遵守以下规定：一、保持安静，手机调至静音；二、",
        "不占座，离开超过三十分钟请带走物品；三、馆内禁止饮食，可",
        "携带加盖的水杯。违者第三次起暂停借阅资格一个月。",
        "　　如有疑问，请致电服务台（分机 8021），或发邮件至",
        "library@example.edu.cn 咨询。",
    ]
    for index, text in enumerate(body):
        sheet.write(80, 180 + 46 * index, text, SERIF, 26)
    sheet.write(820, 570, "图书馆办公室", SERIF, 24, anchor="ra")
    sheet.write(820, 612, "2026年11月22日", SERIF, 24, anchor="ra")
    sheet.image = speckled(sheet.image, amount=6, seed=5)
    return sheet


def mixed() -> Sheet:
    """A technical note where English words with spaces stand inside Chinese sentences."""
    sheet = Sheet.blank(860, 420, "#ffffff")
    sheet.write(40, 30, "在 Raspberry Pi 上部署 OCR 服务", SANS_BOLD, 28)
    body = [
        "1. 下载 64-bit Raspberry Pi OS Lite，用 Imager 写入 SD 卡。",
        "2. 首次启动后运行 sudo apt update，再安装 Python 3.11。",
        "3. 模型使用 ONNX Runtime 推理，INT8 量化后约 3 MB。",
        "4. 打开浏览器访问 http://raspberrypi.local:5000 即可。",
        "Tip: keep the board below 62 °C with a fan and heatsink.",
        "常见问题见 FAQ，欢迎提交 pull request 或 bug report。",
    ]
    for index, text in enumerate(body):
        sheet.write(40, 96 + 50 * index, text, SANS, 22)
    return sheet


def english() -> Sheet:
    """A page of a book in English, slightly soft as from a scanner."""
    sheet = Sheet.blank(860, 560, "#faf6ec")
    sheet.write(430, 36, "Chapter 7: The Lighthouse", LATIN_SERIF, 36, anchor="ma")
    body = [
        "The keeper climbed the stairs every evening at dusk, one hand",
        "on the cold rail, counting under his breath. There were 217",
        "steps, and he had never once trusted the number. \"If I count",
        "them wrong,\" he used to say, \"the sea will know.\"",
        "On the night of the great storm the lamp went dark at 11:40.",
        "Nobody in the village slept; they stood at their windows and",
        "watched the black water where the beam should have been.",
    ]
    for index, text in enumerate(body):
        sheet.write(70, 120 + 56 * index, text, LATIN_SERIF, 28)
    sheet.write(430, 520, "- 93 -", LATIN_SERIF, 22, anchor="ma")
    sheet.image = speckled(sheet.image.filter(ImageFilter.GaussianBlur(0.7)), amount=5, seed=7)
    return sheet


def photo() -> Sheet:
    """A note in Kai script, photographed from the side by lamplight: perspective, a shadow, blur and noise."""
    sheet = Sheet.blank(800, 520, "#efe6cf")
    sheet.write(400, 40, "会议记录", KAI, 48, anchor="ma")
    body = [
        "时间：星期三下午两点半",
        "地点：三号楼二层会议室",
        "一、项目进度：识别模块已完成测试",
        "二、下周安排：准备演示与用户手册",
        "三、请小王联系供应商确认交货日期",
    ]
    for index, text in enumerate(body):
        sheet.write(60, 130 + 70 * index, text, KAI, 36, "#2b2b40")
    corners = ((60, 70), (850, 30), (905, 600), (20, 560))
    picture = perspective(sheet.image, size=(940, 640), corners=corners, background="#5a4636")
    sheet.image = speckled(shaded(picture).filter(ImageFilter.GaussianBlur(1.1)), amount=9, seed=11)
    return sheet


def sign() -> Sheet:
    """A street sign with large light letters, seen at an angle before a blurred background."""
    sheet = Sheet.blank(640, 320, "#14532d")
    sheet.rectangle((14, 14, 626, 306), outline="#f0fdf4", radius=18)
    sheet.write(320, 90, "人民公园", SANS_BOLD, 92, "#f0fdf4", anchor="mm")
    sheet.write(320, 190, "People's Park", SANS_BOLD, 50, "#f0fdf4", anchor="mm")
    sheet.write(320, 258, "开放时间 6:00-22:00", SANS, 34, "#fde68a", anchor="mm")
    corners = ((120, 120), (700, 70), (690, 400), (135, 380))
    picture = perspective(sheet.image, size=(820, 500), corners=corners, background="#7f9aa8")
    sheet.image = speckled(shaded(picture), amount=12, seed=13)
    return sheet


def label() -> Sheet:
    """A medicine label, small, pale and out of focus: the second reader repairs what the first gets wrong."""
    sheet = Sheet.blank(460, 160, "#e8e4da")
    sheet.write(24, 16, "止咳口服溶液", SANS_BOLD, 28, "#6e6a66")
    for index, text in enumerate(("用法用量：每日三次，每次十毫升", "Keep away from children")):
        sheet.write(24, 76 + 40 * index, text, SANS, 15, "#6e6a66")
    sheet.image = speckled(sheet.image.filter(ImageFilter.GaussianBlur(1.4)), amount=5, seed=1)
    return sheet


def speckled(image: Image.Image, *, amount: float, seed: int) -> Image.Image:
    """`image` with Gaussian noise of standard deviation `amount` (of 255), as of a sensor."""
    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(seed).normal(0, amount, (*pixels.shape[:2], 1))
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def shaded(image: Image.Image) -> Image.Image:
    """`image` lit from the top left: full light there, 55 % at the bottom right."""
    y, x = np.mgrid[0 : image.height, 0 : image.width]
    light = 1 - 0.45 * (x / image.width + y / image.height) / 2
    return Image.fromarray((np.asarray(image, np.float32) * light[..., None]).astype(np.uint8))


def turned(image: Image.Image, *, degrees: float, background: str) -> Image.Image:
    """`image` turned counter-clockwise; the corners that appear are `background`."""
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=background)


def perspective(image: Image.Image, *, size: tuple[int, int], corners, background: str) -> Image.Image:
    """`image` seen with its corners (clockwise from the top left) at `corners` of a picture of `size` pixels."""
    width, height = image.size
    rows, values = [], []
    # Pillow wants the map from the result back to the source: 8 coefficients of a homography, 2 equations a corner.
    for (x, y), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    coefficients = np.linalg.solve(np.array(rows, float), np.array(values, float))
    return image.transform(
        size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=background
    )


PAGES: list[tuple[str, str, Callable[[], Sheet]]] = [
    ("screenshot.png", "screenshot", screenshot),
    ("terminal.png", "screenshot", dark_terminal),
    ("receipt.jpg", "receipt", receipt),
    ("printed.jpg", "printed", printed),
    ("mixed.png", "mixed", mixed),
    ("english.jpg", "english", english),
    ("photo.jpg", "lowquality", photo),
    ("sign.jpg", "scene", sign),
    ("label.jpg", "lowquality", label),
]


def main() -> None:
    labels = []
    for name, category, draw in PAGES:
        sheet, path = draw(), HERE / "pages" / name
        path.parent.mkdir(exist_ok=True)
        sheet.image.save(path, optimize=True, **({"quality": 72} if path.suffix == ".jpg" else {}))
        labels.append({
            "file": f"pages/{name}",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "category": category,
            "partial": False,
            "lines": [line.strip() for line in sheet.lines],
        })  # fmt: skip
    text = "".join(json.dumps(label, ensure_ascii=False) + "\n" for label in labels)
    (HERE / "pages.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
