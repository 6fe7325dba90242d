"""The way of a page, from bytes to text, on one screen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

import numpy as np

from ziyan import areas, geometry, image, layout
from ziyan.detect import Detector
from ziyan.manifest import Manifest
from ziyan.options import DEFAULTS, Options
from ziyan.page import Line, Page
from ziyan.recognize import Recognizer

# Told how far a page is: the stage, and how many of how many are done; in "recognize" these are lines.
Progress = Callable[[str, int, int], None]


class Pipeline:
    """The loaded models, and how a picture goes through them."""

    def __init__(self, manifest: Manifest, *, threads: int, max_pixels: int) -> None:
        self.manifest = manifest
        self._max_pixels = max_pixels
        self._detector = Detector(manifest.detector, threads=threads)
        self._recognizer = Recognizer(manifest.recognizer, threads=threads)

    def read(self, data: bytes, options: Options = DEFAULTS, progress: Progress = lambda stage, done, of: None) -> Page:
        """The page that the picture `data` shows. ImageRejected where it is no picture that can be read."""
        clock = Stopwatch()
        progress("decode", 0, 1)
        with clock.stage("decode"):
            picture = image.decode(data, max_pixels=self._max_pixels)
        progress("detect", 0, 1)
        with clock.stage("detect"):
            quads = self._quads(picture, options)
        with clock.stage("recognize"):
            quads = [geometry.stand_up(quads[i]) for i in layout.reading_order(quads)]
            readings = self._recognizer.read(
                picture.pixels, quads, progress=lambda done: progress("recognize", done, len(quads))
            )
        lines = tuple(
            Line(reading.text, round(reading.score, 4), picture.box(quad))
            for quad, reading in zip(quads, readings, strict=True)
            if reading.text.strip() and reading.score >= options.min_score
        )
        return Page(lines, picture.width, picture.height, clock.seconds)

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
