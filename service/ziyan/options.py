"""What a caller may ask of one picture. The API, the command line and /api/options all read this table."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ziyan import alphabets, words
from ziyan.errors import RequestRejected

# The picture formats that are read, by their names in Pillow.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF")

# A rectangle (x, y, width, height) in pixels of the sent picture, after its EXIF turn.
Area = tuple[float, float, float, float]


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; a whole one where `whole`."""

    low: float
    high: float
    whole: bool = False

    def parse(self, given: Any) -> float:
        """The value of `given`. TypeError, ValueError or OverflowError where it is none."""
        value = float(given)
        if isinstance(given, bool) or not self.low <= value <= self.high:  # NaN is in no range
            raise ValueError(given)
        if not self.whole:
            return value
        if value != int(value):
            raise ValueError(given)
        return int(value)

    def schema(self) -> dict[str, Any]:
        """What /api/options and OpenAPI say of it."""
        return {"type": "integer" if self.whole else "number", "minimum": self.low, "maximum": self.high}

    def said(self) -> tuple[str, str]:
        """What is allowed, in Chinese and in English."""
        zh, en = ("整数", "a whole number") if self.whole else ("数", "a number")
        return f"{self.low:g} 到 {self.high:g} 之间的{zh}", f"{en} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def parse(self, given: Any) -> str:
        """The value of `given`. TypeError, ValueError or OverflowError where it is none."""
        if given not in self.words:
            raise ValueError(given)
        return given

    def schema(self) -> dict[str, Any]:
        """What /api/options and OpenAPI say of it."""
        return {"type": "string", "enum": list(self.words)}

    def said(self) -> tuple[str, str]:
        """What is allowed, in Chinese and in English."""
        return f"{'、'.join(self.words)} 之一", f"one of {', '.join(self.words)}"


@dataclass(frozen=True)
class Text:
    """Any text of at most `longest` characters; `check` refuses what it cannot be by its own RequestRejected."""

    longest: int
    check: Callable[[str], object] = str

    def parse(self, given: Any) -> str:
        """The value of `given`. TypeError, ValueError or OverflowError where it is none."""
        if not isinstance(given, str) or len(given) > self.longest:
            raise ValueError(given)
        self.check(given)
        return given

    def schema(self) -> dict[str, Any]:
        """What /api/options and OpenAPI say of it."""
        return {"type": "string", "maxLength": self.longest}

    def said(self) -> tuple[str, str]:
        """What is allowed, in Chinese and in English."""
        return f"不超过 {self.longest} 个字符的文本", f"a text of at most {self.longest} characters"


@dataclass(frozen=True)
class Areas:
    """At most `most` rectangles: JSON [[x, y, width, height], …], also as a text, as a form or a URL carries it."""

    most: int

    def parse(self, given: Any) -> tuple[Area, ...]:
        """The value of `given`. TypeError, ValueError or OverflowError where it is none."""
        rectangles = (json.loads(given) if given else []) if isinstance(given, str) else given
        if not isinstance(rectangles, list | tuple) or len(rectangles) > self.most:
            raise ValueError(given)
        return tuple(_area(rectangle) for rectangle in rectangles)

    def schema(self) -> dict[str, Any]:
        """What /api/options and OpenAPI say of it."""
        number = {"type": "number"}
        area = {"type": "array", "items": number, "minItems": 4, "maxItems": 4}
        return {"type": "array", "items": area, "maxItems": self.most}

    def said(self) -> tuple[str, str]:
        """What is allowed, in Chinese and in English."""
        example = "[[x, y, width, height], …]"
        return f"至多 {self.most} 个矩形 {example}，宽高大于 0", f"at most {self.most} areas {example}, sides above 0"


def _area(given: Any) -> Area:
    x, y, width, height = (float(number) for number in given)
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise ValueError(given)
    return x, y, width, height


Kind = Number | Choice | Text | Areas


def _option(default: Any, kind: Kind, help: str) -> Any:
    return field(default=default, metadata={"kind": kind, "help": help})


@dataclass(frozen=True)
class Options:
    """Every option with its default."""

    min_score: float = _option(
        0.5,
        Number(0.0, 1.0),
        "低于此置信度的行不输出；0.9 表示这样的行约有 90% 的字是对的。 "
        "Lines scored below this are left out; of lines scored 0.9 about 90 % of the characters are right.",
    )
    second_reader: str = _option(
        "auto",
        Choice(("auto", "off")),
        "没有把握的行由更大的模型再读一遍（auto），或不再读（off）。 "
        "Lines read with doubt are read again by a larger model (auto), or not (off).",
    )
    budget_ms: int = _option(
        3000,
        Number(0, 60_000, whole=True),
        "再读一遍最多用的毫秒数（实际时间），最没有把握的行先读，用尽时回答中 capped 为真；0 为不再读。 "
        "Milliseconds of wall time that reading again may take, the most doubtful lines first; `capped` tells where it "
        "was not enough; 0 reads none again.",
    )

    layout: str = _option(
        "lines",
        Choice(("lines", "paragraphs", "rows")),
        "text 中是各行、段落，还是各栏以制表符相连的整行；lines 始终是各行。 What `text` holds: the lines, "
        "paragraphs, or rows with tabs between their cells; `lines` always holds the lines.",
    )
    lexicon: str = _option(
        "",
        Text(10_000, words.parse),
        "可能出现的词，每行一个，也可写规则 /[A-Z]{2}-\\d{4}/；加在本机词表之上，off 则全不用。 Words to expect, one a "
        "line, or patterns between slashes; added to those of the box; off uses none.",
    )
    allow: str = _option(
        "",
        Text(2_000, alphabets.parse),
        f"只输出这些字符：{'、'.join(alphabets.SETS)} 等字符集名，或逐个列出，以空格分隔。 The only characters to "
        "write: names of sets, or the characters themselves, separated by spaces.",
    )
    preprocess: str = _option(
        "auto",
        Choice(("auto", "none", "grey", "contrast", "light", "denoise", "sharpen", "binarize")),
        "识别前如何修整图片：auto 按测得的质量决定（对比度、去噪、匀光），none 不修整；"
        "其余依次为去色、对比度、匀光、去噪、锐化、二值化。 "
        "How the picture is mended before it is read: auto by its measured quality (contrast, denoise, light), none "
        "not at all; or one step.",
    )
    det: str = _option(
        "on",
        Choice(("on", "off")),
        "off：整张图片（或 region 中的每个区域）就是一行文字，不再找行。 "
        "off: the whole picture, or each area of region, is one line of text; none are looked for.",
    )
    region: tuple[Area, ...] = _option(
        (), Areas(32), "只识别这些区域中的行；不给则识别整张图片。 Only lines in these areas are read, or all."
    )
    ignore: tuple[Area, ...] = _option(
        (), Areas(32), "不识别这些区域中的行，如水印。 Lines in these areas are not read: a watermark, say."
    )
    turn: str = _option(
        "auto",
        Choice(("auto", "0", "90", "180", "270")),
        "图片须顺时针旋转多少度才端正；auto 自行判断，并识别单独倒置的行。 "
        "By how many degrees clockwise the picture has to be turned to be upright; auto finds out, and also reads "
        "single lines that are upside down.",
    )
    vertical: str = _option(
        "auto",
        Choice(("auto", "on", "off")),
        "竖排文字：auto 自行判断，on 把直立的框都当作竖排，off 都当作侧躺的横排。 "
        "Vertical text: auto tells it from lines on their side; on takes every standing box for a column, off for a "
        "line on its side.",
    )
    flatten: str = _option(
        "auto",
        Choice(("auto", "on", "off")),
        "斜拍的文档先展平再识别：auto 仅在文字行或纸边明显汇聚时，on 只要能判断；与 region、det=off 同用时不展平。 "
        "A document photographed at an angle is flattened before it is read: auto where its lines or edges clearly "
        "converge, on wherever they tell how; never together with region or det=off.",
    )

    def as_dict(self) -> dict[str, Any]:
        """The options as plain JSON types."""
        return asdict(self)

    def as_query(self) -> dict[str, str]:
        """Those that differ from their default, as texts that `parse` takes."""
        return {
            spec.name: value if isinstance(value, str) else json.dumps(value)
            for spec in fields(self)
            if (value := getattr(self, spec.name)) != spec.default
        }


DEFAULTS = Options()


def parse(given: Mapping[str, Any]) -> Options:
    """The options in `given` (texts or JSON values). RequestRejected names an unknown one or a value not allowed."""
    known = {spec.name: spec for spec in fields(Options)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise RequestRejected(
            "unknown_option",
            f"未知选项 {unknown[0]!r}；可用选项：{'、'.join(known)}（见 /api/options）。",
            f"Unknown option {unknown[0]!r}. Known are: {', '.join(known)} (see /api/options).",
        )
    return Options(**{name: _value(known[name], value) for name, value in given.items()})


def describe() -> dict[str, dict[str, Any]]:
    """Every option with its type, default, bounds and meaning: what /api/options says."""
    return {
        spec.name: {
            **spec.metadata["kind"].schema(),
            "default": list(spec.default) if isinstance(spec.default, tuple) else spec.default,
            "description": spec.metadata["help"],
        }
        for spec in fields(Options)
    }


def _value(spec: Any, given: Any) -> Any:
    kind: Kind = spec.metadata["kind"]
    try:
        return kind.parse(given)
    # JSON's integers may be too large for a float, its lists too deep
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        zh, en = kind.said()
        raise RequestRejected(
            "option_invalid", f"选项 {spec.name} 应为{zh}。", f"The option {spec.name} must be {en}."
        ) from error
