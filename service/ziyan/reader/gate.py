"""Who is read next: pictures in the order in which they came, and a job's page only while no picture waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class Turn:
    """One page's way through the gate, and how far its reading is: `done` of `of` units of `stage`."""

    name: str
    of_a_job: bool
    reading: bool = False
    stage: str | None = None
    done: int = 0
    of: int = 0

    def at(self, stage: str, done: int, of: int) -> None:
        """Notes how far the reading is. Cheap: it is called for every few lines."""
        self.stage, self.done, self.of = stage, done, of


class Gate:
    """Lets one page in at a time. Safe for many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._turns: list[Turn] = []  # who is being read, then who waits, in the order in which they will be let in

    @contextmanager
    def turn(self, name: str, *, of_a_job: bool = False) -> Iterator[Turn]:
        """Waits until the page is let in, and gives its turn to keep up to date."""
        turn = Turn(name, of_a_job)
        with self._changed:
            self._turns.insert(self._place_of(turn), turn)
            self._changed.wait_for(lambda: self._turns[0] is turn)
            turn.reading = True
        try:
            yield turn
        finally:
            with self._changed:
                self._turns.remove(turn)
                self._changed.notify_all()

    def progress(self, name: str) -> dict[str, Any] | None:
        """How far the page `name` is, as JSON types, or None where there is none."""
        with self._changed:
            for place, turn in enumerate(self._turns):
                if turn.name == name:
                    state = "reading" if turn.reading else "waiting"
                    return {"state": state, "ahead": place, "stage": turn.stage, "done": turn.done, "of": turn.of}
        return None

    def _place_of(self, turn: Turn) -> int:
        jobs = (i for i, other in enumerate(self._turns) if other.of_a_job and not other.reading)
        return len(self._turns) if turn.of_a_job else next(jobs, len(self._turns))
