"""Sizes, corners and crops, against numbers worked out by hand."""

import itertools

import cv2
import numpy as np
import pytest
from ziyan.geometry import crop, fit_area, is_standing, order_corners, quad_size

PIXELS, MULTIPLE = 600_000, 32
# A rectangle of 100x50 pixels with its top left corner at (50, 10) or so, turned by the angles of a 3-4-5 triangle;
# corners clockwise from the top left of the upright text.
LYING = [(10, 10), (110, 10), (110, 60), (10, 60)]
FALLING = [(50, 10), (130, 70), (100, 110), (20, 50)]  # by 37° clockwise
RISING = [(10, 80), (90, 20), (120, 60), (40, 120)]  # by 37° anticlockwise
STEEPLY_FALLING = [(50, 10), (110, 90), (70, 120), (10, 40)]  # by 53° clockwise


def quad(corners):
    return np.array(corners, np.float32)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (4000, 3000, (896, 672)),  # scale 0.2236: 894.4 and 670.8, the nearest multiples
        (3000, 4000, (672, 896)),
        (1025, 254, (1536, 384)),  # scale 1.518 is more than 1.5: 1537.5 and 381
        (20000, 300, (6336, 96)),  # scale 0.3162: 6324.6 and 94.9
        (300, 20000, (96, 6336)),
        (1, 1, (32, 32)),  # 1.5 times one pixel is still less than one multiple
        (25_000_000, 1, (20608, 32)),  # a side of one multiple, and 1.1 * 600000 / 32 = 20625 pixels for the other
        (1, 25_000_000, (32, 20608)),
    ],
)
def test_fits_the_area(width, height, expected):
    assert fit_area(width, height, pixels=PIXELS, enlarge=1.5, multiple=MULTIPLE) == expected


def test_a_fitted_size_has_the_multiple_the_area_and_the_aspect():
    sides = [1, 7, 31, 33, 254, 300, 640, 1025, 3000, 5001, 20000]
    for width, height in itertools.product(sides, sides):
        fitted = fit_area(width, height, pixels=PIXELS, enlarge=1.5, multiple=MULTIPLE)
        assert all(side >= MULTIPLE and side % MULTIPLE == 0 for side in fitted), (width, height)
        assert fitted[0] * fitted[1] <= 1.1 * PIXELS, (width, height)
        scale = min((PIXELS / (width * height)) ** 0.5, 1.5)
        if scale * min(width, height) >= 6 * MULTIPLE:  # a thinner one may be rounded past the area, and is shortened
            assert abs(fitted[0] - scale * width) <= MULTIPLE / 2, (width, height)
            assert abs(fitted[1] - scale * height) <= MULTIPLE / 2, (width, height)


def test_a_small_picture_is_enlarged_no_more_than_asked():
    assert fit_area(320, 160, pixels=PIXELS, enlarge=1.0, multiple=32) == (320, 160)
    assert fit_area(320, 160, pixels=PIXELS, enlarge=2.0, multiple=32) == (640, 320)


@pytest.mark.parametrize("corners", [LYING, FALLING, RISING], ids=["lying", "falling", "rising"])
def test_orders_corners_given_in_any_order(corners):
    for shuffled in itertools.permutations(corners):
        assert order_corners(quad(shuffled)).tolist() == quad(corners).tolist()


def test_a_box_is_standing_from_one_and_a_half_times_its_width():
    for height, standing in ((149, False), (150, True)):
        assert is_standing(quad([(0, 0), (100, 0), (100, height), (0, height)])) is standing


def test_a_steeply_falling_line_stands_and_begins_at_its_upper_right():
    for shuffled in itertools.permutations(STEEPLY_FALLING):
        ordered = order_corners(quad(shuffled))
        assert is_standing(ordered)
        assert np.roll(ordered, -1, axis=0).tolist() == quad(STEEPLY_FALLING).tolist()


@pytest.mark.parametrize("corners", [LYING, FALLING, RISING, STEEPLY_FALLING])
def test_the_size_of_a_turned_quad_is_that_of_the_upright_one(corners):
    assert quad_size(quad(corners)) == pytest.approx((100, 50))


def test_the_size_takes_the_longer_of_opposite_sides():
    assert quad_size(quad([(0, 0), (100, 0), (90, 40), (0, 30)])) == pytest.approx((100, 41.23), abs=0.01)


def pattern():
    """A 100x50 picture in which every place differs: blue grows to the right, green downwards, red is in one corner."""
    picture = np.zeros((50, 100, 3), np.uint8)
    picture[:, :, 0] = np.linspace(0, 250, 100)
    picture[:, :, 1] = np.linspace(0, 250, 50)[:, None]
    picture[:20, :30, 2] = 255
    return picture


def test_an_upright_crop_is_the_slice_itself():
    picture = np.random.default_rng(1).integers(0, 256, (80, 120, 3), np.uint8)
    found = crop(picture, quad([(10, 20), (90, 20), (90, 70), (10, 70)]))
    assert found.shape == (50, 80, 3)
    assert np.abs(found.astype(int) - picture[20:70, 10:90]).max() <= 1


@pytest.mark.parametrize("corners", [FALLING, RISING, STEEPLY_FALLING], ids=["falling", "rising", "steep"])
def test_a_crop_recovers_a_turned_picture(corners):
    start, end, _, below = quad(corners)
    placing = np.stack([(end - start) / 100, (below - start) / 50, start], axis=1)
    canvas = cv2.warpAffine(pattern(), placing, (150, 150), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    found = crop(canvas, quad(corners))
    assert found.shape == (50, 100, 3)
    assert np.abs(found.astype(int) - pattern()).mean() < 3


def test_a_crop_outside_the_picture_repeats_its_edge():
    picture = np.full((20, 20, 3), 200, np.uint8)
    assert (crop(picture, quad([(-5, -5), (25, -5), (25, 10), (-5, 10)])) == 200).all()


def test_a_crop_thinner_than_a_pixel_is_one_pixel():
    picture = np.full((20, 20, 3), 200, np.uint8)
    assert crop(picture, quad([(5, 5), (15, 5), (15, 5.2), (5, 5.2)])).shape == (1, 10, 3)
