"""What a synthetic line says: Chinese of both scripts, English, mixed, figures as in documents, rare characters."""

import random
from collections.abc import Callable
from pathlib import Path

from ziyan.charset import Charset

from .charset import NUMBERED, PUNCTUATION, UNITS, big5_hanzi, gb2312_hanzi


class Phrases:
    """Draws lines of text by kind; all characters are of `known`."""

    def __init__(self, texts: Path, known: Charset, draw: random.Random):
        self.draw = draw
        self.known = frozenset(known.characters)
        self.chinese, self.traditional, self.english, self.words, self.places = (
            (texts / f"{name}.txt").read_text(encoding="utf-8").splitlines()
            for name in ("chinese", "traditional", "english", "words", "places")
        )
        self.hanzi = sorted({*gb2312_hanzi(), *big5_hanzi()})
        self.signs = [sign for sign in UNITS + NUMBERED + PUNCTUATION if sign in known]
        self._kinds: dict[str, Callable[[], str]] = {
            "chinese": self._chinese,
            "traditional": self._traditional,
            "english": self._english,
            "bilingual": self._bilingual,
            "figures": self._figures,
            "rare": self._rare,
            "answer": self._answer,
            "sign": self._sign,
            "screen": self._screen,
        }

    def line(self, kind: str) -> str:
        """A line of kind chinese, traditional, english, bilingual, figures, rare, answer (by hand), sign or screen."""
        text = self._kinds[kind]()
        return " ".join("".join(c for c in text if c in self.known).split())

    def _cut(self, sentence: str, length: int) -> str:
        start = self.draw.randrange(max(1, len(sentence) - length + 1))
        return sentence[start : start + length]

    def _chinese(self) -> str:
        kind = self.draw.random()
        if kind < 0.12:
            return "".join(self.draw.choices(self.words, k=self.draw.randint(1, 3)))
        if kind < 0.22:
            number = f"{self.draw.randint(1, 999)}号" if self.draw.random() < 0.5 else ""
            return "".join(self.draw.choices(self.places, k=self.draw.randint(1, 2))) + number
        return self._cut(self.draw.choice(self.chinese), self.draw.randint(2, 22))

    def _traditional(self) -> str:
        if self.draw.random() < 0.3:
            return "".join(self._cut(self.draw.choice(self.traditional), self.draw.randint(2, 5)) for _ in range(2))
        return self._cut(self.draw.choice(self.traditional), self.draw.randint(2, 22))

    def _english(self) -> str:
        words = self.draw.choice(self.english).split(" ")
        count = self.draw.randint(1, 7)
        start = self.draw.randrange(max(1, len(words) - count + 1))
        text = " ".join(words[start : start + count])[:42]
        return self.draw.choice((text, text, text, text.upper(), text.title()))

    def _bilingual(self) -> str:
        parts = []
        for _ in range(self.draw.randint(1, 2)):
            parts.append(self._cut(self.draw.choice(self.chinese), self.draw.randint(2, 7)))
            foreign = self.draw.choice(self.english).split(" ")[: self.draw.randint(1, 3)]
            parts.append(" ".join(foreign)[:16] if self.draw.random() < 0.7 else self._figures()[:12])
        space = self.draw.choice(("", " "))
        return space.join(parts)

    def _figures(self) -> str:
        draw = self.draw
        year, month, day = draw.randint(1980, 2035), draw.randint(1, 12), draw.randint(1, 31)
        digits = "".join(draw.choices("0123456789", k=draw.randint(3, 12)))
        price = f"{draw.randint(0, 9999)}.{draw.randint(0, 99):02d}"
        return draw.choice(
            (
                f"{year}年{month}月{day}日",
                f"{year}-{month:02d}-{day:02d}",
                f"{draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}",
                f"{draw.choice('¥￥$€')}{price}",
                f"{price}元",
                f"{draw.choice(('No.', '№', '编号：', 'NO:', '电话：'))}{digits}",
                f"{draw.randint(1, 99)}{draw.choice(('%', '℃', '㎡', 'kg', 'cm', '×', '‰', '°'))}",
                f"{draw.choice(self.words)}{draw.choice('：:')}{price}",
                f"{digits[:3]},{digits[3:6] or '000'}.{digits[:2]}",
                f"({draw.randint(1, 20)}){self._cut(draw.choice(self.chinese), 6)}",
            )
        )

    def _rare(self) -> str:
        characters = [self.draw.choice(self.hanzi) for _ in range(self.draw.randint(2, 9))]
        if self.draw.random() < 0.4:
            characters.insert(self.draw.randrange(len(characters)), self.draw.choice(self.signs))
        return "".join(characters)

    def _answer(self) -> str:
        draw = self.draw
        kind = draw.random()
        if kind < 0.1:
            return f"{draw.randint(1, 30)}{draw.choice('、.．')}{draw.choice('ABCD')}"
        if kind < 0.25:
            left, right = draw.randint(1, 99), draw.randint(1, 99)
            sign, value = draw.choice((("+", left + right), ("-", left - right), ("×", left * right)))
            return f"{left}{sign}{right}={value}"
        if kind < 0.33:
            return f"({draw.randint(1, 9)}){self._cut(draw.choice(self.chinese), 10)}"
        if kind < 0.4:
            return self._rare()
        if kind < 0.5:
            return self._bilingual()
        return self._chinese()

    def _sign(self) -> str:
        kind = self.draw.random()
        if kind < 0.5:
            return "".join(self.draw.choices(self.words, k=self.draw.randint(1, 2)))
        if kind < 0.65:
            return self.draw.choice(self.places)
        if kind < 0.75:
            return self._figures()
        if kind < 0.9:
            return self._english()[:18]
        return self._cut(self.draw.choice(self.chinese), self.draw.randint(2, 10))

    def _screen(self) -> str:
        """A menu, a heading, a setting with its value, a line of a chat or of a page."""
        kind = self.draw.random()
        if kind < 0.2:
            return "".join(self.draw.choices(self.words, k=self.draw.randint(1, 2)))
        if kind < 0.3:
            return f"{self.draw.choice(self.words)}{self.draw.choice('：: ')}{self._figures()}"
        if kind < 0.4:
            return self._figures()
        if kind < 0.6:
            return self._english()
        return self._bilingual() if kind < 0.75 else self._chinese()
