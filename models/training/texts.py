"""Sentences, words and place names out of the fetched packages, one a line.

    python -m models.training.texts [--work DIR]     half a minute; writes texts/chinese.txt, traditional.txt,
                                                     english.txt, words.txt, places.txt
"""

import argparse
import csv
import gzip
import html
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from opencc import OpenCC

from . import work

HAN = re.compile(r"[\u4e00-\u9fff]")
SENTENCE = re.compile(r"(?<=[。！？；.!?;])\s*")
BLOCK = re.compile(r"</?(?:p|li|td|th|h\d|div|br|tr|dt|dd|pre)\b[^>]*>", re.IGNORECASE)
INVISIBLE = re.compile(r"<(script|style|header|aside|head)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
LONGEST = 400  # characters of a sentence
POEMS = 60_000  # lines; all of them would drown the modern texts


def from_html(page: str) -> Iterator[str]:
    """The text blocks of an HTML page."""
    for block in BLOCK.split(INVISIBLE.sub(" ", page)):
        yield html.unescape(re.sub(r"<[^>]+>", "", block))


def from_manual(page: str) -> Iterator[str]:
    """The lines of a troff manual page without its requests and escapes."""
    for line in page.split("\n"):
        yield re.sub(r"^[.']\S* ?|\\f.|\\[&-]|\\\(..|\\", "", line)


def sentences(blocks: Iterable[str]) -> Iterator[str]:
    """Blocks cut at sentence ends, white space made single, very short and long ones dropped."""
    for block in blocks:
        for sentence in SENTENCE.split(re.sub(r"\s+", " ", block).strip()):
            if 2 <= len(sentence) <= LONGEST:
                yield sentence


def chinese(packages: Path) -> Iterator[str]:
    """Sentences with Chinese in them: help pages, manuals, sayings, poems."""
    texts = packages / "text"
    for name in ("libreoffice-help-zh-cn", "debian-reference-zh-cn"):
        for page in sorted((texts / name).rglob("*.html")):
            yield from sentences(from_html(page.read_text(encoding="utf-8", errors="ignore")))
    yield from sentences(manuals(packages, "zh_CN"))
    for name in ("chinese", "song100", "tang300"):
        sayings = texts / "fortunes-zh" / "usr/share/games/fortunes" / name
        yield from sentences(re.sub(r"\x1b\[[\d;]*m", "", sayings.read_text(encoding="utf-8")).split("\n"))
    yield from poems(texts / "chinese-poetry")


def traditional(packages: Path) -> Iterator[str]:
    """Sentences in traditional Chinese: Taiwan's manuals, and the others as they are written there."""
    yield from sentences(manuals(packages, "zh_TW"))
    taiwan = OpenCC("s2tw")
    yield from map(taiwan.convert, chinese(packages))


def manuals(packages: Path, language: str) -> Iterator[str]:
    """The lines of the manual pages of a language."""
    for page in sorted((packages / "text/manpages-zh/usr/share/man" / language).glob("man*/*.gz")):
        yield from from_manual(gzip.decompress(page.read_bytes()).decode("utf-8", errors="ignore"))


def poems(package: Path) -> Iterator[str]:
    """Lines of song lyrics."""
    count = 0
    for path in sorted(package.glob("package/dist/songci/ci.song.*.json")):
        for poem in json.loads(path.read_text(encoding="utf-8")):
            for line in poem["paragraphs"]:
                yield line
                count += 1
        if count > POEMS:
            return


def english(packages: Path) -> Iterator[str]:
    """Sentences of the same help pages in English."""
    for name in ("libreoffice-help-en-us", "debian-reference-en"):
        for page in sorted((packages / "text" / name).rglob("*.html")):
            yield from sentences(from_html(page.read_text(encoding="utf-8", errors="ignore")))


def words(packages: Path) -> Iterator[str]:
    """A Chinese word list, names among them."""
    dictionary = next((packages / "words/jieba").rglob("jieba/dict.txt"))
    for row in dictionary.read_text(encoding="utf-8").splitlines():
        yield row.split(" ")[0]


def places(packages: Path) -> Iterator[str]:
    """Names of provinces, cities, districts and streets."""
    for level in ("provinces", "cities", "areas", "streets"):
        table = packages / "text/china-division/package/dist" / f"{level}.csv"
        with table.open(encoding="utf-8", newline="") as file:
            yield from (row["name"] for row in csv.DictReader(file))


def write(folders: work.Folders) -> None:
    """Writes the text files of the working folder."""
    folders.texts.mkdir(parents=True, exist_ok=True)
    kept = {chinese: HAN.search, traditional: HAN.search, english: str.isascii, words: bool, places: bool}
    for extract, keep in kept.items():
        lines = sorted({line for line in extract(folders.packages) if keep(line)})
        path = folders.texts / f"{extract.__name__}.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{path.name}: {len(lines)} lines, {sum(map(len, lines))} characters", flush=True)


def main() -> None:
    """Writes them into the working folder of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    write(work.folders(parser))


if __name__ == "__main__":
    main()
