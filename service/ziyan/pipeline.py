"""The way of a page, from bytes to text, on one screen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter

import numpy as np

from ziyan import areas, geometry, image, paragraphs
from ziyan.detect import Detector
from ziyan.lexicon import Wording
from ziyan.manifest import Manifest
from ziyan.options import DEFAULTS, Options
from ziyan.page import Line, Page
from ziyan.recognize import Recognizer
from ziyan.second import SecondReader
from ziyan.settings import Profile, Settings

# Told how far a page is: the stage, and how many of how many are done; in "recognize" these are lines.
Progress = Callable[[str, int, int], None]


class Pipeline:
    """The loaded models, and how a picture goes through them."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        threads: int,
        max_pixels: int,
        wording: Wording | None = None,
        second_below: float = Settings.second_below,
        profile: Profile = Settings.recognizer_profile,
    ) -> None:
        self.manifest = manifest
        self._wording = wording or Wording()
        self._max_pixels = max_pixels
        self._detector = Detector(manifest.detector, threads=threads)
        first = manifest.recognizer
        if profile == Profile.FAST:
            first = replace(first, squeeze=first.fast_squeeze)
        self._recognizer = Recognizer(first, threads=threads)
        second = manifest.second_recognizer
        self.second = SecondReader(second, threads=threads, below=second_below) if second and second_below else None

    def read(self, data: bytes, options: Options = DEFAULTS, progress: Progress = lambda stage, done, of: None) -> Page:
        """The page that the picture `data` shows. ImageRejected where it is no picture that can be read."""
        clock = Stopwatch()
        progress("decode", 0, 1)
        with clock.stage("decode"):
            picture = image.decode(data, max_pixels=self._max_pixels)
        progress("detect", 0, 1)
        with clock.stage("detect"):
            quads = self._quads(picture, options)
        decoder = self._wording.decoder(options.lexicon, options.allow)
        with clock.stage("recognize"):
            quads = [geometry.stand_up(quad) for quad in quads]
            readings = self._recognizer.read(
                picture.pixels,
                quads,
                decoder=decoder,
                progress=lambda done: progress("recognize", done, len(quads)),
            )
        if self.second and options.second_reader == "auto":
            with clock.stage("reread"):
                readings = self.second.improve(
                    picture.pixels, quads, readings, budget_ms=options.budget_ms, decoder=decoder
                )
        kept = [
            (quad, reading.text, score)
            for quad, reading in zip(quads, readings, strict=True)
            if reading.text.strip() and (score := round(reading.score, 4)) >= options.min_score
        ]
        blocks = paragraphs.blocks([quad for quad, _, _ in kept], [text for _, text, _ in kept], layout=options.layout)
        lines = tuple(
            Line(kept[i][1], kept[i][2], picture.box(kept[i][0]), number)
            for number, block in enumerate(blocks)
            for i in block.lines
        )
        text = tuple(block.text for block in blocks)
        return Page(lines, picture.width, picture.height, clock.seconds, text)

    def _quads(self, picture: image.Picture, options: Options) -> list[np.ndarray]:
        """Where the lines are that are asked for, in `picture.pixels`."""
        if options.det == "off":
            return areas.lines(picture, options)
        found = self._detector.quads(picture.pixels, window=areas.window(picture, options))
        return areas.chosen(picture, found, options)


class Stopwatch:
    """Wall seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time spent inside to `name`."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0) + perf_counter() - start, 4)
