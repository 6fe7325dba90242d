"""Settings come from the environment, are checked at start, and a bad one says which, what and why."""

from pathlib import Path

import pytest
from ziyan import settings
from ziyan.errors import SettingRejected

MIB = 1024 * 1024
# variable: (default, smallest, largest), as the README promises them.
NUMBERS = {
    "OCR_PORT": (5000, 1, 65535),
    "OCR_THREADS": (2, 1, 64),
    "OCR_WEB_THREADS": (16, 2, 256),
    "OCR_WAITING": (4, 0, 64),
    "OCR_MAX_BODY_BYTES": (20 * MIB, 1024, 256 * MIB),
    "OCR_MAX_PIXELS": (25_000_000, 1, 100_000_000),
    "OCR_PAGE_TIMEOUT_S": (60, 1, 3600),
    "OCR_MEMORY_LIMIT_MB": (260, 100, 65536),
    "OCR_JOBS_BODY_BYTES": (64 * MIB, 1024, 1024 * MIB),
    "OCR_JOBS_PAGES": (500, 1, 99_999),
    "OCR_JOBS_WAITING": (50, 1, 1000),
    "OCR_JOBS_KEEP_S": (86_400, 1, 31_536_000),
    "OCR_JOBS_BYTES": (512 * MIB, MIB, 1 << 40),
    "OCR_CACHE_BYTES": (8 * MIB, 0, 1024 * MIB),
    "OCR_SECOND_BELOW": (None, 0, 1),
    "OCR_WATCH_SETTLE_S": (5, 1, 3600),
    "OCR_TEMPERATURE_SOFT_C": (75, 40, 81),
    "OCR_TEMPERATURE_HARD_C": (82, 76, 105),
}
TEXTS = {
    "OCR_HOST": "0.0.0.0",
    "OCR_SOCKET": Path("/run/ziyan/reader.sock"),
    "OCR_MODELS_DIR": Path("/opt/ziyan/models/current"),
    "OCR_LEXICON": Path("/etc/ziyan/lexicon.txt"),
    "OCR_SYSFS_ROOT": Path("/sys"),
    "OCR_JOBS_DIR": Path("/var/lib/ziyan/jobs"),
    "OCR_WATCH": "",
    "OCR_TOKENS": "",
    "OCR_TRUSTED_HOSTS": "",
}
RATE = {"OCR_RATE_LIMIT": ""}
CHOICES = {"OCR_RECOGNIZER_PROFILE": ("accurate", "fast")}  # the default first
each_number = pytest.mark.parametrize(("variable", "bounds"), NUMBERS.items(), ids=NUMBERS)


def value_of(variable, given):
    return getattr(given, variable.removeprefix("OCR_").lower())


def test_an_empty_environment_gives_the_documented_defaults():
    given = settings.load({})
    found = {settings.variable(name): getattr(given, name) for name in vars(given)}
    numbers = {name: default for name, (default, _, _) in NUMBERS.items()}
    choices = {name: allowed[0] for name, allowed in CHOICES.items()}
    assert found == numbers | TEXTS | RATE | choices | {"OCR_QUEUE": "sqlite"}


@each_number
def test_accepts_a_number_exactly_at_each_bound(variable, bounds):
    for bound in bounds[1:]:
        assert value_of(variable, settings.load({variable: str(bound)})) == bound


@each_number
def test_rejects_a_number_one_past_each_bound(variable, bounds, refuses):
    _, low, high = bounds
    for value in (low - 1, high + 1):
        with refuses(SettingRejected, "setting_invalid") as caught:
            settings.load({variable: str(value)})
        for sentence in (caught.value.zh, caught.value.en):
            assert f"{variable}='{value}'" in sentence
            assert f"{low}–{high}" in sentence


@each_number
@pytest.mark.parametrize("text", ["", " ", "many", "1.5", "0x10", "nan"])
def test_rejects_what_is_no_whole_number(variable, bounds, text, refuses):
    with refuses(SettingRejected, "setting_invalid") as caught:
        settings.load({variable: text})
    assert f"{variable}={text!r}" in caught.value.en


@pytest.mark.parametrize(("variable", "allowed"), CHOICES.items())
def test_takes_one_of_the_choices_and_names_them_otherwise(variable, allowed, refuses):
    for text in allowed:
        assert value_of(variable, settings.load({variable: text})) == text
    for text in ("", "Fast", "slow"):
        with refuses(SettingRejected, "setting_invalid") as caught:
            settings.load({variable: text})
        assert f"Allowed: {', '.join(allowed)}" in caught.value.en


@pytest.mark.parametrize("variable", TEXTS)
def test_rejects_an_empty_address_or_path(variable, refuses):
    for text in ("", "  "):
        with refuses(SettingRejected, "setting_invalid") as caught:
            settings.load({variable: text})
        assert f"{variable}={text!r}" in caught.value.message


@pytest.mark.parametrize("variable", TEXTS)
def test_takes_an_address_or_path_as_it_is_written(variable):
    assert str(value_of(variable, settings.load({variable: "/srv/somewhere else"}))) == "/srv/somewhere else"


@pytest.mark.parametrize("queue", ["sqlite", "redis://10.0.0.2:6379/0", "rediss://:secret@box/1", "unix:///run/redis.sock"])
def test_takes_a_queue_in_a_file_or_in_redis(queue):
    assert settings.load({"OCR_QUEUE": queue}).queue == queue


@pytest.mark.parametrize("queue", ["", "redis", "redis://", "redis:// box", "postgres://box", "SQLITE"])
def test_rejects_any_other_queue(queue, refuses):
    with refuses(SettingRejected, "setting_invalid") as caught:
        settings.load({"OCR_QUEUE": queue})
    assert f"OCR_QUEUE={queue!r}" in caught.value.en


def test_the_second_readers_bound_may_be_left_to_the_board():
    assert settings.load({"OCR_SECOND_BELOW": "auto"}).second_below is None
    assert settings.load({"OCR_SECOND_BELOW": "0.9"}).second_below == 0.9


def test_no_other_number_may_be_left_to_the_board(refuses):
    with refuses(SettingRejected, "setting_invalid") as caught:
        settings.load({"OCR_PORT": "auto"})
    assert "auto)" not in caught.value.en


def test_a_path_is_a_path():
    assert settings.load({"OCR_SOCKET": "/tmp/reader.sock"}).socket == Path("/tmp/reader.sock")


def test_reads_the_environment_of_the_process(monkeypatch):
    monkeypatch.setenv("OCR_PORT", "8080")
    assert settings.load().port == 8080


def test_other_variables_are_left_alone():
    assert settings.load({"PORT": "no number", "OCRPORT": "1"}) == settings.load({})
