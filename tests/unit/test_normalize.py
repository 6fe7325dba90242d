"""The networks' inputs, value by value."""

import numpy as np
import pytest
from ziyan.normalize import detector_tensor, line_tensor, line_width

HALF = (0.5, 0.5, 0.5)


def plain(height, width, colour=(0, 0, 0)):
    return np.full((height, width, 3), colour, np.uint8)


def test_a_line_goes_from_minus_1_for_black_to_1_for_white():
    assert (line_tensor(plain(48, 10)) == -1).all()
    assert line_tensor(plain(48, 10, (255, 255, 255))) == pytest.approx(1)


def test_a_line_keeps_blue_green_red_as_its_channels():
    # 0, 51 and 255 of 255 are 0, 0.2 and 1; twice that, less 1.
    tensor = line_tensor(plain(48, 7, (0, 51, 255)))
    assert tensor.shape == (3, 48, 7)
    assert tensor.dtype == np.float32
    assert tensor[:, 20, 3] == pytest.approx([-1, -0.6, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(24, 100, 200), (96, 100, 50), (49, 100, 98), (48, 1, 1), (1000, 1, 1), (1, 1, 48)],
)
def test_a_line_keeps_its_aspect_at_48_pixels(height, width, expected):
    # 48 * 100 / 49 = 97.96: rounded up, so that no column is lost.
    assert line_tensor(plain(height, width)).shape == (3, 48, expected)


def test_a_line_longer_than_the_limit_is_squeezed_to_it():
    assert line_width(3200, 48, 48, 3200) == 3200
    assert line_width(3201, 48, 48, 3200) == 3200
    assert line_tensor(plain(48, 500), max_width=320).shape == (3, 48, 320)


def test_another_height_may_be_asked():
    assert line_tensor(plain(48, 96), height=32).shape == (3, 32, 64)


def test_a_line_is_not_mirrored_or_turned():
    left_dark = np.hstack([plain(48, 24), plain(48, 24, (255, 255, 255))])
    tensor = line_tensor(left_dark)
    assert tensor[:, :, 2].max() == -1
    assert tensor[:, :, -2].min() == pytest.approx(1)


def test_a_detector_picture_is_normalised_by_each_channels_mean_and_deviation():
    # (1 - 0.5)/0.25 = 2, (0 - 0.4)/0.2 = -2, (0.2 - 0.3)/0.1 = -1
    tensor = detector_tensor(plain(64, 96, (255, 0, 51)), (96, 64), (0.5, 0.4, 0.3), (0.25, 0.2, 0.1))
    assert tensor.shape == (1, 3, 64, 96)
    assert tensor.dtype == np.float32
    assert tensor[0, :, 10, 10] == pytest.approx([2, -2, -1], abs=1e-5)


def test_a_detector_picture_is_resized_to_width_and_height():
    assert detector_tensor(plain(100, 300), (96, 32), HALF, HALF).shape == (1, 3, 32, 96)


def test_shrinking_fades_a_thin_stroke_instead_of_losing_it():
    paper = plain(8, 8, (255, 255, 255))
    paper[:, 3] = 0  # one column of eight: any eight columns that become one are 7/8 white
    tensor = detector_tensor(paper, (1, 1), (0, 0, 0), (1, 1, 1))
    assert tensor[0, :, 0, 0] == pytest.approx([7 / 8] * 3, abs=0.003)


def test_enlarging_draws_smooth_edges():
    edge = np.hstack([plain(2, 1), plain(2, 1, (255, 255, 255))])
    row = detector_tensor(edge, (8, 8), (0, 0, 0), (1, 1, 1))[0, 0, 4]
    assert row[0] == 0
    assert row[-1] == pytest.approx(1)
    assert len(set(row.tolist())) > 2


def test_squeezes_a_line_along_its_length_alone():
    assert line_width(100, 48, 48, 3200, 0.925) == 93
    assert line_tensor(plain(24, 50), squeeze=0.925).shape == (3, 48, 93)
