"""What a lexicon gains and costs, on lines drawn for it: `python -m bench.lexicons`.

Names of drugs (tests/data/drugs.txt), batch numbers, words that only resemble them, and prose, in two fonts, clean and
as three poor pictures each. Every line goes through the network once; the same probabilities are decoded with and
without the lexicon. What must not happen is counted on the words that only resemble one: a picture of 阿莫酉林胶囊 is
not to be read as 阿莫西林胶囊.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from ziyan import ctc, lexicon, manifest, words
from ziyan.recognize import Recognizer

from bench.layouts import CHINESE, ENGLISH, SANS, SERIF, face
from bench.report import table

ROOT = Path(__file__).parents[2]
DRUGS = ROOT / "tests" / "data" / "drugs.txt"
# Pixels of a line's height, blur in pixels of that, noise of 255: as a phone's picture of a small label may have.
QUALITIES = {"clean": (44, 0.0, 0), "small": (17, 0.3, 4), "smaller": (13, 0.3, 6), "blurred": (22, 1.0, 8)}
# Characters that resemble each other, in pairs.
DIGITS = ("0O", "1I", "2Z", "5S", "8B")
LETTERS = ("ao", "ec", "il", "nu", "hb", "tf", "vy", "rn", "dq", "gq", "mn", "xz", "pq", "sa")
HANZI = (
    "林淋", "西酉", "酸酯", "氯氢", "氟氨", "钠钙", "片斤", "胶胺", "囊襄", "颗额", "粒拉", "阿啊", "莫草",
    "奥澳", "美关", "左在", "布市", "洛络", "芬芳", "他地", "汀江", "托拖", "利刹", "米未", "伐代", "沙抄",
    "坦但", "丸九", "甲申", "硝梢", "平乎", "头夫", "孢抱", "克兑", "司同", "双仅", "水木", "维雏", "生主",
    "比北", "索素", "贝见", "那邪", "普晋", "罗岁", "红缸", "霉莓", "黄莫", "清情", "唑咄",
)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A line that was drawn, `word` is what is looked for in it."""

    kind: str
    quality: str
    text: str
    word: str
    pixels: np.ndarray


def texts(random: np.random.Generator) -> Iterator[tuple[str, str, str]]:
    """Kind, line and word of every line."""
    entries = words.parse(DRUGS.read_text(encoding="utf-8"), most=words.MOST_KEPT)
    names = [entry for entry in entries if isinstance(entry, str)]
    chinese, english = ([name for name in names if (ord(name[0]) > 255) == wanted] for wanted in (True, False))
    for name in chinese:
        yield "Chinese names", f"{name} {random.integers(1, 9) / 4:g}g×{random.integers(6, 48)}片", name
        near = resembling(name, HANZI, random)
        if near and near not in names:
            yield "Chinese near misses", f"{near} {random.integers(1, 9) / 4:g}g", near
    for name in english:
        yield "English names", f"Take {name} {random.integers(1, 9) * 50} mg daily", name
        near = resembling(name, LETTERS, random)
        if near and near not in names:
            yield "English near misses", f"Take {near} {random.integers(1, 9) * 50} mg daily", near
    for _ in range(100):
        letters = "".join("ABCDEFGHKLMNPRSTUVXZ"[i] for i in random.integers(0, 20, 3))
        number = f"{letters[:2]}{random.integers(10**6):06d}{letters[2]}"
        yield "batch numbers", f"批号：{number}", number
        if near := resembling(number, DIGITS, random):
            yield "batch near misses", f"批号：{near}", near
    for text in CHINESE + ENGLISH:
        size = 24 if ord(text[0]) > 255 else 48
        for start in range(0, len(text) - size, size):
            line = text[start : start + size].strip()
            yield "prose", line, line


def resembling(word: str, pairs: tuple[str, ...] | list[str], random: np.random.Generator) -> str | None:
    """`word` with one character replaced by one that resembles it; None where no pair has one of its characters."""
    other = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    places = [i for i, character in enumerate(word) if character in other]
    if not places:
        return None
    place = places[random.integers(len(places))]
    return word[:place] + other[word[place]] + word[place + 1 :]


def drawn() -> Iterator[Drawn]:
    """Every line in every quality, in two fonts by turns."""
    random = np.random.default_rng(2026)
    for number, (kind, text, word) in enumerate(texts(random)):
        font = face((SANS, SERIF)[number % 2], 40)
        width = round(font.getlength(text)) + 24
        picture = Image.new("RGB", (width, 60), "white")
        ImageDraw.Draw(picture).text((12, 2), text, font=font, fill="#202020")
        for quality, (height, blur, noise) in QUALITIES.items():
            small = picture.resize((round(width * height / 60), height), Image.Resampling.BOX)
            pixels = np.asarray(small.filter(ImageFilter.GaussianBlur(blur)), np.float32)
            pixels = pixels + random.normal(0, noise, (*pixels.shape[:2], 1))
            yield Drawn(kind, quality, text, word, np.clip(pixels, 0, 255).astype(np.uint8)[..., ::-1].copy())


class Readings:
    """What each decoder made of the lines, and the CPU seconds that it took; network seconds are under `NETWORK`."""

    NETWORK = "network"

    def __init__(self, decoders: dict[str, ctc.Decoder], models: manifest.Manifest) -> None:
        self._decoders, self._charset = decoders, models.recognizer.charset
        self._recognizer = Recognizer(models.recognizer, threads=1)
        self.texts: dict[str, list[str]] = {name: [] for name in decoders}
        self.seconds = dict.fromkeys([*decoders, self.NETWORK], 0.0)

    def read(self, pixels: np.ndarray) -> None:
        """Reads one line (h, w, 3)."""
        height, width = pixels.shape[:2]
        quad = np.float32([(0, 0), (width, 0), (width, height), (0, height)])
        start = time.process_time()
        inside = sum(self.seconds[name] for name in self._decoders)
        self._recognizer.read(pixels, [quad], decoder=lambda charset: self._decode)
        inside = sum(self.seconds[name] for name in self._decoders) - inside
        self.seconds[self.NETWORK] += time.process_time() - start - inside

    def _decode(self, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = None
        for name, decoder in self._decoders.items():
            decode = decoder(self._charset)
            start = time.process_time()
            found = decode(probabilities)
            self.seconds[name] += time.process_time() - start
            self.texts[name].append(self._charset.decode(found[0].tolist()))
        return found


def cached(wording: lexicon.Wording) -> ctc.Decoder:
    """The wording's decoder, made once as the service makes it once a page."""
    made: dict[object, ctc.Decode] = {}

    def decoder(charset: object) -> ctc.Decode:
        if charset not in made:
            made[charset] = wording.decoder()(charset)
        return made[charset]

    return decoder


def crowd(random: np.random.Generator, names: list[str], count: int) -> list[str]:
    """`count` made-up words out of the characters of `names`: what a large lexicon would hold beside them."""
    characters = sorted({character for name in names for character in name if ord(character) > 255})
    return ["".join(characters[i] for i in random.integers(0, len(characters), 5)) for _ in range(count)]


def main() -> None:
    """Draws, reads, prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.lexicons", description=__doc__)
    parser.add_argument("--lexicon", type=Path, default=DRUGS, help="file of words to read with")
    arguments = parser.parse_args()
    entries = words.parse(arguments.lexicon.read_text(encoding="utf-8"), most=words.MOST_KEPT)
    names = [entry for entry in entries if isinstance(entry, str)]
    many = [*entries, *crowd(np.random.default_rng(7), names, words.MOST_KEPT - len(entries))]
    readings = Readings(
        {
            "none": ctc.best_path,
            f"{len(entries)} entries": cached(lexicon.Wording(entries)),
            f"{len(many)} entries": cached(lexicon.Wording(many)),
        },
        manifest.load(ROOT / "models"),
    )
    lines = []
    for line in drawn():
        lines.append(line)
        readings.read(line.pixels)
        if len(lines) % 200 == 0:
            print(f"{len(lines)} lines", file=sys.stderr)
    print(accuracy(lines, readings, names), "\n", sep="\n")
    print(costs(len(lines), readings))


def accuracy(lines: list[Drawn], readings: Readings, names: list[str]) -> str:
    """Words read right by kind and quality, and near misses that were read as the word that they resemble."""
    rows = []
    for kind in dict.fromkeys(line.kind for line in lines):
        for quality in QUALITIES:
            chosen = [i for i, line in enumerate(lines) if (line.kind, line.quality) == (kind, quality)]
            row = [kind, quality, str(len(chosen))]
            for texts_read in readings.texts.values():
                right = sum(lines[i].word in texts_read[i] for i in chosen)
                row.append(f"{100 * right / len(chosen):.1f}")
            plain, *others = readings.texts.values()
            for texts_read in others:
                worse = sum(lines[i].word in plain[i] and lines[i].word not in texts_read[i] for i in chosen)
                row.append(str(worse))
            rows.append(row)
    known = list(readings.texts)
    return table(["lines", "quality", "number", *(f"{name}: right %" for name in known),
                  *(f"{name}: made wrong" for name in known[1:])], rows)  # fmt: skip


def costs(count: int, readings: Readings) -> str:
    """CPU milliseconds a line."""
    rows = [[name, f"{1000 * seconds / count:.2f}"] for name, seconds in readings.seconds.items()]
    return table(["decoded with", "CPU ms a line"], rows)


if __name__ == "__main__":
    main()
