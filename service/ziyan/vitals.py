"""How the box feels: memory of a process, temperature, throttling."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

# Bits of get_throttled that hold now: Raspberry Pi documentation, "vcgencmd get_throttled".
THROTTLED_NOW = {0: "under_voltage", 1: "frequency_capped", 2: "throttled", 3: "soft_temperature_limit"}


def resident_mb(pid: int | str = "self") -> float:
    """Resident memory of a process in MB (10^6 bytes)."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:")


def pss_mb(pid: int | str = "self") -> float:
    """Proportional memory of a process in MB: a page shared by n processes counts 1/n. OSError for another user's."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _kilobytes(path: Path, key: str) -> float:
    line = next(line for line in path.read_text().splitlines() if line.startswith(key))
    return round(int(line.split()[1]) * 1024 / 1e6, 1)


def temperature(sysfs_root: Path) -> tuple[float, str] | None:
    """The hottest sensor in °C and where it was read, or None where the machine has none."""
    zones = sysfs_root.glob("class/thermal/thermal_zone*/temp")
    found = [(value, str(zone)) for zone in sorted(zones) if (value := _millidegrees(zone)) is not None]
    if found:
        return max(found)
    try:
        return float(_vcgencmd("measure_temp").removeprefix("temp=").removesuffix("'C")), "vcgencmd measure_temp"
    except ValueError:  # no answer, or words
        return None


def _millidegrees(zone: Path) -> float | None:
    try:
        return int(zone.read_text()) / 1000
    except (OSError, ValueError):  # a sensor that is off answers with an error
        return None


def throttling(sysfs_root: Path) -> list[str] | None:
    """What holds the processor back right now (THROTTLED_NOW), or None where the board does not tell."""
    files = sorted(sysfs_root.glob("devices/platform/soc*/soc*firmware/get_throttled"))
    try:
        answer = files[0].read_text() if files else _vcgencmd("get_throttled").removeprefix("throttled=")
        bits = int(answer, 16)
    except (OSError, ValueError):  # no answer, or words
        return None
    return [name for bit, name in THROTTLED_NOW.items() if bits >> bit & 1]


def _vcgencmd(question: str) -> str:
    program = _vcgencmd_path()
    if not program:
        return ""
    try:
        answer = subprocess.run(  # noqa: S603 (fixed arguments)
            [program, question], capture_output=True, text=True, timeout=2, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


@cache
def _vcgencmd_path() -> str | None:
    return shutil.which("vcgencmd")
