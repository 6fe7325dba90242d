"""Memory, temperature and disk stay within their budgets under load."""

import io
import json
import time

import pytest
import requests
from conftest import CGROUP
from PIL import Image


def pictures(selftest_png: bytes, count: int):
    """`count` different pictures, from a few kilobytes to the largest that is accepted (5000 × 5000)."""
    line = Image.open(io.BytesIO(selftest_png)).convert("L")
    for number in range(count):
        side = (480, 800, 1280, 2000, 3000, 5000)[number % 6]
        picture = Image.new("L", (side, side), 255)
        for top in range(0, side - 200, max(200, side // 8)):
            picture.paste(line, (number % 16, top))
        data = io.BytesIO()
        picture.save(data, "PNG")
        yield data.getvalue()


def test_all_programs_together_stay_within_the_memory_budget(host, read, selftest, measured, pytestconfig):
    count, budget_mb = pytestconfig.getoption("--pictures"), pytestconfig.getoption("--memory-budget-mb")
    for picture in pictures(selftest[0], count):
        answer = read(picture)
        assert answer.status_code == 200, answer.text
    rollups = host.check_output(f"for pid in $(cat {CGROUP}/cgroup.procs); do cat /proc/$pid/smaps_rollup; done")
    pss_kib = sum(int(line.split()[1]) for line in rollups.splitlines() if line.startswith("Pss:"))
    pss_mb = pss_kib * 1024 / 1e6
    measured["memory"] = f"{pss_mb:.0f} MB PSS of all programs after {count} pictures (budget {budget_mb} MB)"
    assert pss_mb <= budget_mb


def test_the_kernel_holds_the_service_to_its_memory_limit(host, measured):
    limit = host.file(f"{CGROUP}/memory.max")
    if not limit.exists:
        assert not host.file("/boot/firmware/cmdline.txt").exists, "on a Pi the memory cgroup must be on"
        pytest.skip("this host has no memory controller (a container), so MemoryMax cannot hold")
    assert limit.content_string.strip().isdigit(), "MemoryMax is not set"
    peak = host.file(f"{CGROUP}/memory.peak")
    if peak.exists:
        measured["memory.peak"] = (
            f"{int(peak.content_string) / 1e6:.0f} MB (limit {int(limit.content_string) / 1e6:.0f} MB)"
        )
        assert int(peak.content_string) <= int(limit.content_string)


def test_stays_cool_and_unthrottled_under_load(host, read, selftest, measured, pytestconfig):
    zones = host.run("cat /sys/class/thermal/thermal_zone*/temp").stdout.split()
    if not zones:
        pytest.skip("this host has no temperature sensor")
    limit_c, hottest_c = pytestconfig.getoption("--temperature-limit-c"), 0.0
    end = time.monotonic() + pytestconfig.getoption("--soak")
    while time.monotonic() < end:
        for picture in pictures(selftest[0], 4):
            read(picture)
        zones = host.run("cat /sys/class/thermal/thermal_zone*/temp").stdout.split()
        hottest_c = max([hottest_c, *(int(zone) / 1000 for zone in zones)])
    measured["temperature"] = (
        f"{hottest_c:.1f} °C at most in {pytestconfig.getoption('--soak'):.0f} s of load (limit {limit_c} °C)"
    )
    throttled = host.run("vcgencmd get_throttled || cat /sys/devices/platform/soc*/soc*firmware/get_throttled").stdout
    assert hottest_c < limit_c
    assert throttled.strip().removeprefix("throttled=") in ("", "0x0", "0"), (
        "under-voltage or throttling (docs/operations.md)"
    )


def test_health_shows_memory_and_temperature(url):
    reader = requests.get(f"{url}/health", timeout=10).json()["reader"]
    assert reader["pss_mb"] > 0
    assert "temperature_c" in reader


def test_metrics_can_be_scraped(url):
    answer = requests.get(f"{url}/metrics", timeout=10)
    assert answer.status_code == 200
    assert "# TYPE" in answer.text


def test_the_card_has_room(host, measured):
    used_mb = int(host.check_output("du -sm /opt/ziyan").split()[0])
    measured["disk"] = f"{used_mb} MB in /opt/ziyan"
    free_mb = int(host.check_output("df --output=avail --block-size=1M /").split()[-1])
    assert free_mb >= 256


def test_logs_are_bounded(host):
    """The supervisor turns its programs' logs over, and the journal lives in memory."""
    assert int(host.check_output("du -sm /var/log/ziyan").split()[0]) <= 20
    assert "Storage=volatile" in host.file("/etc/systemd/journald.conf.d/ziyan.conf").content_string
    record = json.loads(host.check_output("journalctl --no-pager -u ziyan.service -n 1 -o json"))
    assert record["_SYSTEMD_UNIT"] == "ziyan.service"
