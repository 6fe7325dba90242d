"""The second reader: a larger recognizer reads again what the first one read with doubt.

It costs five times as much a line, and is asked for one line in three to five: docs/accuracy.md has the table.
"""

import time
from collections.abc import Sequence

import numpy as np

from ziyan import ctc, manifest
from ziyan.orient import Found
from ziyan.recognize import Reading, Recognizer
from ziyan.session import release_memory

# Lines between two looks at the clock.
GROUP = 4


class SecondReader:
    """A recognizer for lines scored below `below`, in memory only from the first such line until `rest`."""

    def __init__(self, facts: manifest.Recognizer, *, threads: int, below: float) -> None:
        self._facts = facts
        self._threads = threads
        self._below = below
        self._recognizer: Recognizer | None = None

    @property
    def loaded(self) -> bool:
        """Whether the network is in memory now."""
        return self._recognizer is not None

    def rest(self) -> None:
        """Gives the memory back; the next doubtful line loads the network again."""
        if self.loaded:
            self._recognizer = None
            release_memory()  # else glibc keeps 9 MB of it, measured amid a page

    def improve(
        self,
        image: np.ndarray,
        lines: Sequence[Found],
        *,
        budget_ms: int,
        decoder: ctc.Decoder = ctc.best_path,
    ) -> tuple[list[Reading], bool]:
        """The readings of `lines` in `image`, each doubtful one replaced where the second reading is scored higher; and
        whether `budget_ms` ended it before all doubtful ones were read again, which is not so where it is 0.

        The most doubtful lines come first, and none is begun `budget_ms` after the start, loading included. That is
        wall time: it bounds what the caller waits for, so a busy box reads fewer lines again.
        """
        best = [line.reading for line in lines]
        end = time.perf_counter() + budget_ms / 1000
        doubtful = [i for i, reading in enumerate(best) if reading.score < self._below]
        doubtful.sort(key=lambda i: best[i].score)
        for group in (doubtful[at : at + GROUP] for at in range(0, len(doubtful), GROUP)):
            if time.perf_counter() >= end:
                return best, budget_ms > 0
            self._recognizer = recognizer = self._recognizer or self._load()
            again = recognizer.read(image, [lines[i].lying for i in group], decoder=decoder)
            for i, reading in zip(group, again, strict=True):
                laid = lines[i].laid_out(image)
                ways = [best[i], reading, *(recognizer.read(laid[0], laid[1:], decoder=decoder) if laid else ())]
                best[i] = max(ways, key=lambda one: one.score)  # the first where they are alike
        return best, False

    def _load(self) -> Recognizer:
        return Recognizer(self._facts, threads=self._threads, compact=True)
