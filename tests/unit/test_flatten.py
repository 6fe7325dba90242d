"""Documents photographed at an angle: the sample pages as a camera that is turned away would see them, made here."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from bench.score import Counts, page_counts
from PIL import Image
from ziyan import manifest
from ziyan.flatten import flat, to_flat
from ziyan.options import Options
from ziyan.pipeline import Pipeline

DATA = Path(__file__).parents[1] / "data"
PAGES = {
    Path(facts["file"]).stem: facts
    for facts in map(json.loads, (DATA / "pages.jsonl").read_text(encoding="utf-8").splitlines())
}
DESK = (70, 80, 90)


@pytest.fixture(scope="module")
def pipeline(models):
    return Pipeline(manifest.load(models), threads=1, max_pixels=25_000_000)


def photographed(width, height, *, yaw=0.0, pitch=0.0, roll=0.0):
    """The homography from a page to a photo of it, and the photo's size; angles in degrees."""
    turns = []
    for axis, angle in ((1, yaw), (0, pitch), (2, roll)):
        turns.append(cv2.Rodrigues(np.eye(3)[axis] * np.deg2rad(angle))[0])
    side = max(width, height)
    place = turns[2] @ turns[1] @ turns[0] @ np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 0]])
    place[2] += (0, 0, 1.25 * side)
    seen = np.diag([1.2 * side, 1.2 * side, 1]) @ place
    rim = cv2.perspectiveTransform(np.float64([[[0, 0], [width, 0], [width, height], [0, height]]]), seen)[0]
    free = 0.06 * np.ptp(rim, axis=0)
    low, high = rim.min(axis=0) - free, rim.max(axis=0) + free
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    return shift @ seen, tuple(int(side) for side in np.ceil(high - low))


def photo(picture, **angles):
    """A Pillow picture photographed on a desk, and the homography."""
    matrix, size = photographed(*picture.size, **angles)
    seen = cv2.warpPerspective(np.asarray(picture), matrix, size, flags=cv2.INTER_AREA, borderValue=DESK)
    return Image.fromarray(seen), matrix


def boxes(matrix=None, *, rows=12, slope=0.0):
    """The boxes of a block of text, 600 wide, seen by `matrix`, or sloping."""
    found = []
    for row in range(rows):
        left, top = 100.0, 100 + 50 * row
        corners = np.float64([[left, top], [left + 600, top], [left + 600, top + 30], [left, top + 30]])
        corners[:, 1] += slope * (corners[:, 0] - 400)
        if matrix is not None:
            corners = cv2.perspectiveTransform(corners[None], matrix)[0]
        found.append(np.float32(corners))
    return found


def read(pipeline, picture, **options):
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return pipeline.read(file.getvalue(), Options(**options))


# --- evidence ---------------------------------------------------------------------------------------------------------

BLANK = np.full((800, 800, 3), 200, np.uint8)


def test_flat_pages_are_left_as_they_are():
    assert to_flat(BLANK, boxes()) is None
    assert to_flat(BLANK, boxes(slope=0.1)) is None  # 6 degrees: each crop follows its line
    assert to_flat(BLANK, []) is None


def test_two_lines_prove_nothing():
    matrix, (width, height) = photographed(800, 800, yaw=40)
    assert to_flat(np.full((height, width, 3), 200, np.uint8), boxes(matrix, rows=2), always=True) is None


@pytest.mark.parametrize("angles", [{"yaw": 35}, {"yaw": -35, "roll": 8}, {"yaw": 30, "pitch": 20}], ids=str)
def test_lines_that_converge_are_made_parallel_and_level(angles):
    matrix, (width, height) = photographed(800, 800, **angles)
    image, quads = np.full((height, width, 3), 200, np.uint8), boxes(matrix)
    found = to_flat(image, quads)
    for quad in quads:
        (x0, y0), (x1, y1), *_ = cv2.perspectiveTransform(quad[None].astype(float), found)[0]
        assert abs(np.rad2deg(np.arctan2(y1 - y0, x1 - x0))) < 0.3


def test_parallel_lines_that_slope_are_turned_level():
    found = to_flat(BLANK, boxes(slope=0.4))
    (x0, y0), (x1, y1), *_ = cv2.perspectiveTransform(boxes(slope=0.4)[3][None].astype(float), found)[0]
    assert y0 == pytest.approx(y1, abs=0.5)
    assert x1 - x0 == pytest.approx(600 * np.hypot(1, 0.4), rel=0.01)  # turned, not stretched


def test_the_way_back_leads_to_the_same_place():
    matrix, (width, height) = photographed(800, 800, yaw=35)
    image, quads = np.full((height, width, 3), 200, np.uint8), boxes(matrix)
    found = to_flat(image, quads)
    pixels, back = flat(image, found, quads)
    assert pixels.shape[0] * pixels.shape[1] <= 1.31 * width * height
    shift = np.linalg.inv(back)
    for quad in quads:
        seen = cv2.perspectiveTransform(quad[None].astype(float), shift)
        assert (seen >= 0).all()
        assert (seen <= (pixels.shape[1], pixels.shape[0])).all()
        assert cv2.perspectiveTransform(seen, back)[0] == pytest.approx(quad.astype(float), abs=0.01)


# --- pages ------------------------------------------------------------------------------------------------------------


def test_a_photo_at_an_angle_is_read_better_flattened(pipeline):
    found = {"off": Counts(), "auto": Counts()}
    for name in ("printed", "mixed", "english"):
        picture, _ = photo(Image.open(DATA / PAGES[name]["file"]).convert("RGB"), yaw=-40, pitch=25, roll=-6)
        for asked in found:
            texts = [line.text for line in read(pipeline, picture, flatten=asked, second_reader="off").lines]
            found[asked] += page_counts(PAGES[name]["lines"], texts)
    assert found["auto"].f1 >= 0.97
    assert found["auto"].exact >= found["off"].exact + 4


def test_a_skewed_page_is_read_level(pipeline):
    picture = Image.open(DATA / PAGES["printed"]["file"]).convert("RGB")
    skewed = picture.rotate(25, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)
    texts = [line.text for line in read(pipeline, skewed, second_reader="off").lines]
    assert page_counts(PAGES["printed"]["lines"], texts).f1 >= 0.98


def test_boxes_of_a_flattened_page_are_in_the_sent_photo(pipeline):
    picture = Image.open(DATA / PAGES["printed"]["file"]).convert("RGB")
    sent, matrix = photo(picture, yaw=35, roll=5)
    upright = {line.text: line.box for line in read(pipeline, picture).lines}
    page = read(pipeline, sent)
    assert (page.width, page.height) == sent.size
    alike = [line for line in page.lines if line.text in upright]
    assert len(alike) >= 8
    for line in alike:
        expected = cv2.perspectiveTransform(np.float64([upright[line.text]]), matrix)[0]
        assert np.mean(line.box, axis=0) == pytest.approx(expected.mean(axis=0), abs=12)


@pytest.mark.parametrize("name", PAGES)
def test_no_sample_page_is_flattened(pipeline, name):
    picture = Image.open(DATA / PAGES[name]["file"]).convert("RGB")
    texts = [[line.text for line in read(pipeline, picture, flatten=asked).lines] for asked in ("auto", "off")]
    assert texts[0] == texts[1]


def test_a_region_is_not_flattened(pipeline):
    sent, _ = photo(Image.open(DATA / PAGES["printed"]["file"]).convert("RGB"), yaw=35)
    region = ((0.0, 0.0, *map(float, sent.size)),)
    assert read(pipeline, sent, region=region).lines == read(pipeline, sent, region=region, flatten="off").lines
