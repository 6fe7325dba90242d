"""The two real programs beside a sensor that a test warms and cools."""

import time
from pathlib import Path

import pytest
import requests
import stack

SELFTEST = Path(__file__).parents[2] / "roles/ocr_service/files/selftest.png"


@pytest.fixture(scope="module")
def sensor(tmp_path_factory):
    """The file of the one thermal zone of a fake sysfs, at 50 °C."""
    file = tmp_path_factory.mktemp("sysfs") / "class/thermal/thermal_zone0/temp"
    file.parent.mkdir(parents=True)
    file.write_text("50000\n")
    return file


@pytest.fixture(scope="module")
def warm_service(sensor):
    """Both programs, with that sensor and no cache."""
    with stack.running(settings={"OCR_SYSFS_ROOT": str(sensor.parents[3]), "OCR_CACHE_BYTES": "0"}) as running:
        yield running


@pytest.fixture(scope="module")
def firmware(sensor):
    """What the firmware says of throttling, as the Pi's kernel shows it; at first that all is well."""
    file = sensor.parents[3] / "devices/platform/soc/soc:firmware/get_throttled"
    file.parent.mkdir(parents=True)
    file.write_text("0\n")
    return file


def metrics(service):
    return requests.get(f"{service.url}/metrics", timeout=10).text.splitlines()


def read(service):
    return requests.post(f"{service.url}/api/ocr", files={"image": SELFTEST.read_bytes()}, timeout=60)


def reader_says(service, **facts):
    """Whether /health shows these facts of the reader within 10 seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        shown = service.health()["reader"]
        if facts.items() <= shown.items():
            return True
        time.sleep(0.2)
    return False


def test_reads_with_one_thread_above_the_soft_limit_and_with_all_when_cool_again(warm_service, sensor):
    assert reader_says(warm_service, threads=2, pace="full", temperature_c=50.0)
    sensor.write_text("76000\n")
    assert read(warm_service).json()["text"]
    assert reader_says(warm_service, threads=1, pace="gentle", temperature_c=76.0)
    sensor.write_text("60000\n")
    assert read(warm_service).json()["text"]
    assert reader_says(warm_service, threads=2, pace="full")


def test_answers_503_with_the_reason_above_the_hard_limit_and_reads_when_cool_again(warm_service, sensor):
    sensor.write_text("83500\n")
    answer = read(warm_service)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "too_hot"
    assert "83.5" in answer.json()["error"]["message"]
    assert int(answer.headers["Retry-After"]) > 0
    sensor.write_text("60000\n")
    assert read(warm_service).status_code == 200


def test_metrics_tell_temperature_threads_and_throttling(warm_service, sensor, firmware):
    assert 'ziyan_throttled{reason="under_voltage"} 0.0' in metrics(warm_service)
    sensor.write_text("66500\n")
    firmware.write_text("50005\n")  # under-voltage and throttled, now and before
    assert reader_says(warm_service, temperature_c=66.5, throttling=["under_voltage", "throttled"])
    told = metrics(warm_service)
    assert "ziyan_temperature_celsius 66.5" in told
    assert "ziyan_reader_threads 2.0" in told
    assert 'ziyan_throttled{reason="under_voltage"} 1.0' in told
    assert 'ziyan_throttled{reason="frequency_capped"} 0.0' in told
    firmware.write_text("0\n")


def test_a_job_waits_while_the_box_is_too_hot_and_does_not_fail(warm_service, sensor, jobs_api):
    jobs = jobs_api(warm_service)
    sensor.write_text("83500\n")
    job_id = jobs.send(("selftest.png", SELFTEST.read_bytes()), ("again.png", SELFTEST.read_bytes()))
    job = jobs.wait(job_id, until=lambda job: job["stage"] == "cooling")
    assert (job["state"], job["pages_done"]) == ("queued", 0)
    sensor.write_text("60000\n")
    job = jobs.wait(job_id)
    assert (job["state"], job["pages_done"], job["pages_failed"]) == ("done", 2, 0)
