"""The way of a page, from bytes to text, on one screen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import BinaryIO

import numpy as np

from ziyan import areas, context, enhance, flatten, geometry, image, orient, paragraphs
from ziyan.board import ACCURATE
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
# A picture that takes more than this to decode, 12 megapixels of PNG, needs all room meanwhile.
ROOM_BYTES = 60_000_000


class Pipeline:
    """The loaded models, and how a picture goes through them."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        threads: int,
        max_pixels: int,
        wording: Wording | None = None,
        second_below: float = ACCURATE,
        profile: Profile = Settings.recognizer_profile,
    ) -> None:
        self.manifest = manifest
        self._wording = wording or Wording()
        self._plain = context.decoder(manifest.context)
        self._max_pixels = max_pixels
        self._detector = Detector(manifest.detector, threads=threads)
        first = manifest.recognizer
        if profile == Profile.FAST:
            first = replace(first, squeeze=first.fast_squeeze)
        self._recognizer = Recognizer(first, threads=threads)
        second = manifest.second_recognizer
        self.second = SecondReader(second, threads=threads, below=second_below) if second and second_below else None

    def read(
        self,
        data: bytes | BinaryIO | image.Picture,
        options: Options = DEFAULTS,
        progress: Progress = lambda stage, done, of: None,
    ) -> Page:
        """The page that the picture `data` shows: encoded, as bytes or as a file at its start, or not.

        ImageRejected where it cannot be read.

        The pixels of a decoded picture are mended in place, as `options.preprocess` says.
        """
        clock = Stopwatch()
        decoder = self._wording.decoder(options.lexicon, options.allow, plain=self._plain)

        def find(picture: image.Picture) -> orient.Lines:
            progress("detect", 0, 1)
            with clock.stage("detect"):
                quads = self._quads(picture, options)
            read = partial(self._recognizer.read, decoder=decoder)
            return orient.Lines(picture.pixels, quads, read, partial(progress, "recognize"))

        progress("decode", 0, 1)
        with clock.stage("decode"):
            decoded = isinstance(data, image.Picture)
            if not decoded and image.decoding_bytes(data) > ROOM_BYTES:
                self._make_room()
            picture = data if decoded else image.decode(data, max_pixels=self._max_pixels)
        with clock.stage("enhance"):
            enhance.mend(picture.pixels, enhance.asked_for(picture.pixels, options.preprocess))
        picture, lines, turned = _upright(picture, options, find, clock)
        if options.flatten != "off" and options.det == "on" and not options.region:
            with clock.stage("detect"):
                matrix = flatten.to_flat(picture.pixels, lines.quads, always=options.flatten == "on")
            if matrix is not None:
                picture, lines = _flat(picture, lines, matrix, find)
        with clock.stage("recognize"):
            found = orient.read(lines, turn=options.turn == "auto", vertical=options.vertical)
        readings, capped = [line.reading for line in found], False
        if self.second and options.second_reader == "auto":
            with clock.stage("reread"):
                readings, capped = self.second.improve(
                    picture.pixels, found, budget_ms=options.budget_ms, decoder=decoder
                )
        kept = [
            (line, Line(reading.text, score, picture.box(line.quad), vertical=line.vertical))
            for line, reading in zip(found, readings, strict=True)
            if reading.text.strip() and (score := round(reading.score, 4)) >= options.min_score
        ]
        quads, texts = [line.quad for line, _ in kept], [line.text for _, line in kept]
        blocks = paragraphs.blocks(
            quads, texts, layout=options.layout, vertical=[line.vertical for line, _ in kept]
        )
        joins = options.layout != "lines"
        ordered = tuple(
            replace(kept[i][1], block=number if joins else None)
            for number, block in enumerate(blocks)
            for i in block.lines
        )
        text = tuple(block.text for block in blocks)
        return Page(ordered, picture.width, picture.height, clock.seconds, text, turned, capped)

    def _make_room(self) -> None:
        """Gives back the second reader's memory, and what the networks of the last page still hold: up to 8 MB."""
        if self.second:
            self.second.rest()
        self._detector.sweep()

    def _quads(self, picture: image.Picture, options: Options) -> list[np.ndarray]:
        """Where the lines are that are asked for, in `picture.pixels`."""
        if options.det == "off":
            return [geometry.order_corners(quad) for quad in areas.lines(picture, options)]
        found = self._detector.quads(picture.pixels, window=areas.window(picture, options))
        return areas.chosen(picture, found, options)


def _upright(
    picture: image.Picture, options: Options, find: Callable[[image.Picture], orient.Lines], clock: "Stopwatch"
) -> tuple[image.Picture, orient.Lines, int]:
    """The picture turned as asked, or as its lines tell; its lines; and by how many degrees clockwise it was turned."""
    if options.turn != "auto":
        turned = int(options.turn)
        picture = picture.turned(turned)
        return picture, find(picture), turned
    lines = find(picture)
    with clock.stage("recognize"):
        turned = orient.page_turn(lines, vertical=options.vertical)
    if turned:
        # Found again, not turned along: on a page on its side the detector misses words (exact lines 83 -> 79 %).
        del lines  # it holds the picture as it was
        picture = picture.turned(turned)
        lines = find(picture)
    return picture, lines, turned


def _flat(
    picture: image.Picture, lines: orient.Lines, matrix: np.ndarray, find: Callable[[image.Picture], orient.Lines]
) -> tuple[image.Picture, orient.Lines]:
    """The picture flattened, and its lines found again."""
    picture = picture.seen_as(*flatten.flat(picture.pixels, matrix, lines.quads))
    return picture, find(picture)


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
