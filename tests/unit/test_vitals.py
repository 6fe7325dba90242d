"""Temperature and throttling from a folder laid out as a Pi's /sys, memory from this very process."""

import os
import shutil

import psutil
import pytest
from ziyan import vitals


@pytest.fixture
def sysfs(tmp_path, monkeypatch):
    """An empty /sys, and no firmware program to fall back on."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    vitals._vcgencmd_path.cache_clear()
    yield tmp_path / "sys"
    vitals._vcgencmd_path.cache_clear()


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def zone(sysfs, number, text):
    put(sysfs / f"class/thermal/thermal_zone{number}/temp", text)


def throttled(sysfs, text):
    put(sysfs / "devices/platform/soc/soc:firmware/get_throttled", text)


@pytest.fixture
def firmware(sysfs):
    """Installs a `vcgencmd` that answers with `text`, as Raspberry Pi OS has one."""

    def install(text, status=0):
        program = sysfs.parent / "bin" / "vcgencmd"
        put(program, f"#!{shutil.which('sh', path=os.defpath)}\necho \"{text}\"\nexit {status}\n")
        program.chmod(0o755)

    return install


def test_the_hottest_zone_wins_and_is_named(sysfs):
    for number, text in enumerate(("48312\n", "61250\n", "52000\n")):
        zone(sysfs, number, text)
    assert vitals.temperature(sysfs) == (61.25, str(sysfs / "class/thermal/thermal_zone1/temp"))


def test_a_zone_below_zero_is_read(sysfs):
    zone(sysfs, 0, "-5500\n")
    assert vitals.temperature(sysfs)[0] == -5.5


@pytest.mark.parametrize("text", ["", "\n", "off"])
def test_a_zone_without_a_number_is_ignored(sysfs, text):
    zone(sysfs, 0, text)
    assert vitals.temperature(sysfs) is None
    zone(sysfs, 1, "40000\n")
    assert vitals.temperature(sysfs)[0] == 40.0


def test_a_zone_that_cannot_be_read_is_ignored(sysfs):
    (sysfs / "class/thermal/thermal_zone0/temp").mkdir(parents=True)  # an OSError, as of a sensor turned off
    zone(sysfs, 1, "40000\n")
    assert vitals.temperature(sysfs)[0] == 40.0


def test_a_machine_without_sensors_has_no_temperature_and_tells_of_no_throttling(sysfs):
    assert vitals.temperature(sysfs) is None
    assert vitals.throttling(sysfs) is None


def test_asks_the_firmware_where_there_is_no_zone(sysfs, firmware):
    firmware("temp=47.2'C")
    assert vitals.temperature(sysfs) == (47.2, "vcgencmd measure_temp")
    zone(sysfs, 0, "50000\n")
    assert vitals.temperature(sysfs)[0] == 50.0


# Bits by the Raspberry Pi documentation: 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft limit; from 16 on,
# the same since boot.
BITS = [
    ("0", []),
    ("1", ["under_voltage"]),
    ("2", ["frequency_capped"]),
    ("4", ["throttled"]),
    ("8", ["soft_temperature_limit"]),
    ("50005", ["under_voltage", "throttled"]),
    ("e0000", []),
    ("f", ["under_voltage", "frequency_capped", "throttled", "soft_temperature_limit"]),
]


@pytest.mark.parametrize(("bits", "expected"), BITS)
def test_names_what_holds_the_processor_back_now(sysfs, bits, expected):
    throttled(sysfs, f"{bits}\n")
    assert vitals.throttling(sysfs) == expected


@pytest.mark.parametrize(("bits", "expected"), BITS)
def test_names_it_from_the_firmware_as_well(sysfs, firmware, bits, expected):
    firmware(f"throttled=0x{bits}")
    assert vitals.throttling(sysfs) == expected


def test_firmware_that_fails_tells_nothing(sysfs, firmware):
    firmware("VCHI initialization failed", status=255)
    assert vitals.temperature(sysfs) is None
    assert vitals.throttling(sysfs) is None


def test_firmware_that_talks_of_something_else_tells_nothing(sysfs, firmware):
    firmware("error=1 error_msg='Command not registered'")
    assert vitals.temperature(sysfs) is None
    assert vitals.throttling(sysfs) is None


def test_a_throttling_file_without_a_number_tells_nothing(sysfs):
    throttled(sysfs, "\n")
    assert vitals.throttling(sysfs) is None


def test_measures_the_resident_memory_of_this_process():
    assert vitals.resident_mb() == pytest.approx(psutil.Process().memory_info().rss / 1e6, rel=0.05)
    assert vitals.resident_mb(os.getpid()) == pytest.approx(vitals.resident_mb(), rel=0.05)


def test_shared_pages_count_in_part():
    assert vitals.pss_mb() == pytest.approx(psutil.Process().memory_full_info().pss / 1e6, rel=0.05)
    assert 0 < vitals.pss_mb() <= vitals.resident_mb() * 1.05


def test_a_process_that_is_gone_has_no_memory():
    for measure in (vitals.resident_mb, vitals.pss_mb):
        with pytest.raises(OSError, match="No such file"):
            measure(2**22 + 1)  # above the largest process id of Linux
