"""Mending pictures: what is measured on them, what each step does to their pixels, and when `auto` takes one."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from bench.score import Counts, page_counts
from PIL import Image, ImageFilter
from ziyan import enhance, manifest
from ziyan.options import Options
from ziyan.pipeline import Pipeline

DATA = Path(__file__).parents[1] / "data"
PAGES = [json.loads(line) for line in (DATA / "pages.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def page(draw, bgr):
    return bgr(draw(*(("识别文字 Raspberry", (30, 20 + 60 * i)) for i in range(12)), size=(600, 760), font_px=36)[0])


def noisy(pixels, sigma):
    return np.clip(pixels + np.random.default_rng(3).normal(0, sigma, pixels.shape), 0, 255).astype(np.uint8)


def dim(pixels):
    return np.clip(pixels * 0.15 + 20, 0, 255).astype(np.uint8)


# --- what is measured ------------------------------------------------------------------------------------------------


def test_contrast_is_the_spread_between_ink_and_paper(page):
    assert enhance.measure(page).contrast == 255
    assert enhance.measure(dim(page)).contrast == pytest.approx(0.15 * 255, abs=1)


@pytest.mark.parametrize("sigma", [5, 15, 30])
def test_noise_is_measured_on_paper(sigma):
    paper = np.full((700, 900, 3), 128, np.uint8)
    # Three channels of noise of their own: grey has sqrt(0.114² + 0.587² + 0.299²) = 0.668 of it. What is measured is a
    # little less, since it is the smoothest tenth that counts.
    assert 0.8 < enhance.measure(noisy(paper, sigma)).noise / (0.668 * sigma) < 1


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, 2), (3, 3)], ids=str)
def test_measures_and_mends_pictures_of_any_size(size):
    pixels = np.full((*size, 3), 77, np.uint8)
    assert enhance.measure(pixels).contrast == 0
    enhance.mend(pixels, enhance.STEPS)
    assert pixels.shape == (*size, 3)


# --- what is taken ---------------------------------------------------------------------------------------------------


def test_auto_leaves_a_good_page_as_it_is(page):
    assert enhance.asked_for(page, "auto") == ()


def test_auto_takes_the_step_that_the_damage_asks_for(page):
    assert enhance.asked_for(dim(page), "auto") == ("contrast",)
    assert enhance.asked_for(noisy(page, 25), "auto") == ("denoise",)
    lamp = np.linspace(0.25, 1, page.shape[1])[None, :, None]
    assert enhance.asked_for((page * lamp).astype(np.uint8), "auto") == ("light",)
    assert enhance.asked_for(noisy(dim(page), 3), "auto") == ("contrast", "denoise")


@pytest.mark.parametrize("record", PAGES[:7], ids=lambda record: record["file"])
def test_auto_finds_neither_noise_nor_poor_contrast_on_a_sample_page(record, bgr):
    assert {"contrast", "denoise"}.isdisjoint(enhance.asked_for(bgr(Image.open(DATA / record["file"])), "auto"))


def test_a_step_is_taken_when_it_is_asked_for_and_none_for_none(page):
    assert enhance.asked_for(dim(page), "none") == ()
    for step in enhance.STEPS:
        assert enhance.asked_for(page, step) == (step,)


# --- what the steps do -----------------------------------------------------------------------------------------------


def test_grey_takes_the_colours_away():
    pixels = np.zeros((600, 40, 3), np.uint8)
    pixels[:, :, 1] = 200
    enhance.mend(pixels, ("grey",))
    assert (pixels == 117).all()  # BT.601: 0.587 * 200


def test_contrast_makes_ink_black_and_paper_white(page):
    pixels = dim(page)
    enhance.mend(pixels, ("contrast",))
    assert np.abs(pixels.astype(int) - page).max() <= 8  # 38 levels were left of 256


def test_light_makes_paper_equally_bright(page):
    lamp = np.linspace(0.25, 1, page.shape[1])[None, :, None]
    pixels = (page * lamp).astype(np.uint8)
    enhance.mend(pixels, ("light",))
    paper = pixels[:, :, 0][page[:, :, 0] == 255]
    assert np.quantile(paper, 0.02) > 190
    assert np.median(pixels[:, :, 0][page[:, :, 0] == 0]) < 60


def test_binarize_leaves_black_and_white_also_in_the_shade(page):
    lamp = np.linspace(0.25, 1, page.shape[0])[:, None, None]
    pixels = (page * lamp).astype(np.uint8)
    enhance.mend(pixels, ("binarize",))
    assert set(np.unique(pixels)) == {0, 255}
    assert (pixels[:, :, 0] == 0)[page[:, :, 0] < 20].mean() > 0.98
    assert (pixels[:, :, 0] == 255)[page[:, :, 0] == 255].mean() > 0.95


def test_denoise_halves_noise_and_sharpen_steepens_edges(page):
    pixels = noisy(np.full((700, 900, 3), 128, np.uint8), 20)
    before = enhance.measure(pixels).noise
    enhance.mend(pixels, ("denoise",))
    assert enhance.measure(pixels).noise < before / 2
    soft = cv2.GaussianBlur(page, (0, 0), 2)
    steep = soft.copy()
    enhance.mend(steep, ("sharpen",))
    assert np.abs(np.diff(steep[:, :, 0].astype(int))).max() > 1.5 * np.abs(np.diff(soft[:, :, 0].astype(int))).max()


@pytest.mark.parametrize("step", ["grey", "denoise", "sharpen"])
def test_strips_leave_no_seam(step):
    whole = np.random.default_rng(1).integers(0, 256, (3 * enhance.STRIP_ROWS + 17, 30, 3), np.uint8)
    part = whole[enhance.STRIP_ROWS - 40 : enhance.STRIP_ROWS + 40].copy()
    enhance.mend(whole, (step,))
    enhance.mend(part, (step,))
    assert (whole[enhance.STRIP_ROWS - 20 : enhance.STRIP_ROWS + 20] == part[20:60]).all()


# --- and what is read ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pipeline(models):
    return Pipeline(manifest.load(models), threads=1, max_pixels=25_000_000)


def shaded(picture):
    ramp = np.linspace(0.2, 1, picture.width)[None, :, None]
    return Image.fromarray((np.asarray(picture) * ramp).astype(np.uint8))


def framed(picture):
    """The page in the middle of a desk, as small as it is: 4000x3000 pixels."""
    desk = Image.new("RGB", (4000, 3000), "#5a5a5a")
    desk.paste(picture, ((4000 - picture.width) // 2, (3000 - picture.height) // 2))
    return desk


# What is done to a page, and the least F1 (in percent) of six sample pages together; measured is 1 to 2 points more.
DAMAGES = {
    "dim": (lambda picture: picture.point(lambda level: round(level * 0.15 + 20)), 97),
    "noise": (lambda picture: Image.fromarray(noisy(np.asarray(picture).astype(float), 20)), 96),
    "blur": (lambda picture: picture.filter(ImageFilter.GaussianBlur(1.2)), 96),
    "shade": (shaded, 97),
    "JPEG": (lambda picture: jpeg(picture, 20), 97),
    "small in a large photo": (framed, 96),  # the detector misses ten lines of one page
}


def jpeg(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


@pytest.mark.parametrize("damage", DAMAGES)
def test_reads_damaged_pages(damage, pipeline):
    spoil, least = DAMAGES[damage]
    counts = Counts()
    for record in PAGES[:6]:
        file = io.BytesIO()
        spoil(Image.open(DATA / record["file"]).convert("RGB")).save(file, "PNG", compress_level=1)
        found = pipeline.read(file.getvalue(), Options(second_reader="off"))
        counts += page_counts(record["lines"], [line.text for line in found.lines])
    assert 100 * counts.f1 >= least
