"""The pace of the reader at its temperature, by hand-made curves and by a fake sensor."""

import pytest
from ziyan import vitals
from ziyan.cooling import Cooling, Pace
from ziyan.errors import SettingRejected
from ziyan.settings import load

FULL, GENTLE, PAUSED = Pace


def paces(*temperatures_c):
    cooling = Cooling(soft_c=75, hard_c=82)
    return [cooling.at(value) for value in temperatures_c]


def test_works_on_without_a_sensor():
    assert paces(None, None) == [FULL, FULL]


def test_works_fully_exactly_at_the_soft_limit_and_gently_above_it():
    assert paces(75.0, 75.1) == [FULL, GENTLE]


def test_works_gently_exactly_at_the_hard_limit_and_pauses_above_it():
    assert paces(82.0, 82.1) == [GENTLE, PAUSED]


def test_leaves_a_pace_only_three_degrees_below_its_limit():
    assert paces(83, 80, 79.1, 79, 73, 72.1, 72) == [PAUSED, PAUSED, PAUSED, GENTLE, GENTLE, GENTLE, FULL]


def test_a_sensor_that_goes_away_does_not_hold_the_box_back():
    assert paces(90, None) == [PAUSED, FULL]


def test_the_hottest_sensor_of_sysfs_counts(tmp_path):
    for number, text in enumerate(["45000\n", "83500\n", "broken"]):
        zone = tmp_path / f"class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)
    temperature_c, source = vitals.temperature(tmp_path)
    assert temperature_c == 83.5
    assert source.endswith("thermal_zone1/temp")


def test_rejects_a_soft_limit_that_is_not_below_the_hard_one():
    with pytest.raises(SettingRejected, match="OCR_TEMPERATURE_SOFT_C"):
        load({"OCR_TEMPERATURE_SOFT_C": "80", "OCR_TEMPERATURE_HARD_C": "80"})


def test_accepts_a_soft_limit_just_below_the_hard_one():
    assert load({"OCR_TEMPERATURE_SOFT_C": "79", "OCR_TEMPERATURE_HARD_C": "80"}).temperature_soft_c == 79
