"""Settings: environment variables OCR_*, read once, validated at start. A bad value stops the program."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from ziyan.errors import SettingRejected

MIB = 1 << 20
AUTO = "auto"  # the value of a setting that the service chooses itself


class Profile(StrEnum):
    """How the recognizer reads: at the width it was trained for, or narrower, which is quicker."""

    ACCURATE = "accurate"
    FAST = "fast"


def _setting(
    default: Any, help: str, *, low: float | None = None, high: float | None = None
) -> Any:
    return field(default=default, metadata={"help": help, "low": low, "high": high})


@dataclass(frozen=True)
class Settings:
    """Every setting with its default. The variable of `max_pixels` is OCR_MAX_PIXELS, and so on."""

    host: str = _setting("0.0.0.0", "address that ocr-web listens on")  # noqa: S104 (an appliance serves its network)
    port: int = _setting(5000, "TCP port that ocr-web listens on", low=1, high=65535)
    socket: Path = _setting(Path("/run/ziyan/reader.sock"), "Unix socket between ocr-web and ocr-reader")
    models_dir: Path = _setting(Path("/opt/ziyan/models/current"), "folder with manifest.json and the models")
    lexicon: Path = _setting(
        Path("/etc/ziyan/lexicon.txt"), "file of words and patterns to expect, one a line; none where it is absent"
    )
    threads: int = _setting(2, "threads that work on one page", low=1, high=64)
    web_threads: int = _setting(16, "threads of ocr-web; waiting pages hold one each", low=2, high=256)
    waiting: int = _setting(4, "pages that may wait while one is read; more are answered 503", low=0, high=64)
    max_body_bytes: int = _setting(20 * MIB, "largest request body in bytes", low=1024, high=256 * MIB)
    max_pixels: int = _setting(25_000_000, "largest picture in pixels", low=1, high=100_000_000)
    page_timeout_s: int = _setting(
        60, "seconds after which a page is given up and the reader restarted", low=1, high=3600
    )
    memory_limit_mb: int = _setting(
        260, "resident MB of the reader above which it restarts, after the page at hand", low=100, high=65536
    )
    queue: str = _setting("sqlite", "where jobs queue: sqlite (a file in the folder of jobs), or redis://HOST:PORT/DB")
    jobs_dir: Path = _setting(Path("/var/lib/ziyan/jobs"), "folder of jobs and their results")
    jobs_body_bytes: int = _setting(64 * MIB, "largest request body of a job in bytes", low=1024, high=1024 * MIB)
    jobs_pages: int = _setting(500, "pages that a job may have", low=1, high=99_999)
    jobs_waiting: int = _setting(50, "jobs that may wait; more are answered 503", low=1, high=1000)
    jobs_keep_s: int = _setting(86_400, "seconds that a job's result is kept", low=1, high=31_536_000)
    jobs_bytes: int = _setting(
        512 * MIB, "bytes of all jobs and results; the oldest results go first", low=MIB, high=1 << 40
    )
    watch: str = _setting("", "folder whose files are read as they are dropped; without it none is")
    watch_settle_s: int = _setting(
        5, "seconds without a change after which a dropped file is complete", low=1, high=3600
    )
    tokens: str = _setting("", "file of the API's tokens, made by `ziyan token`; without it the API is open")
    rate_limit: str = _setting("", "most pictures and files of one client, such as 30/minute; without it any number")
    trusted_hosts: str = _setting(
        "", "host names that the box answers to besides addresses, NAME and NAME.local: a.com,.b.com (all below) or *"
    )
    cache_bytes: int = _setting(
        8 * MIB, "bytes of answers kept for pictures sent again; 0 keeps none", low=0, high=1024 * MIB
    )
    recognizer_profile: Profile = _setting(
        Profile.ACCURATE, "width at which lines are read: accurate, or fast with fewer steps a line"
    )
    second_below: float | None = _setting(
        None, "score below which a line is read again by the second reader; 0 never loads it, auto asks the board",
        low=0.0, high=1.0,
    )  # fmt: skip
    temperature_soft_c: int = _setting(75, "°C above which the reader works with one thread", low=40, high=81)
    temperature_hard_c: int = _setting(
        82, "°C above which pages are answered 503 until the box is cooler", low=76, high=105
    )
    sysfs_root: Path = _setting(Path("/sys"), "where the kernel's temperature and throttling files are")


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `environment`. SettingRejected names the variable, its value and what is allowed."""
    given = {}
    for spec in fields(Settings):
        text = environment.get(variable(spec.name))
        if text is not None:
            given[spec.name] = _parsed(spec, text)
    settings = Settings(**given)
    _check_temperatures(settings.temperature_soft_c, settings.temperature_hard_c)
    _check_queue(settings.queue)
    _check_rate(settings.rate_limit)
    return settings


def _check_queue(queue: str) -> None:
    if queue != "sqlite" and not re.fullmatch(r"(redis|rediss|unix)://\S+", queue):
        raise SettingRejected(
            "setting_invalid",
            f"环境变量 OCR_QUEUE={queue!r} 无效，允许：sqlite 或 redis://主机:端口/库。",
            f"OCR_QUEUE={queue!r} is not valid. Allowed: sqlite or redis://HOST:PORT/DB.",
        )


def _check_temperatures(soft_c: int, hard_c: int) -> None:
    if soft_c >= hard_c:
        raise SettingRejected(
            "setting_invalid",
            f"环境变量 OCR_TEMPERATURE_SOFT_C={soft_c} 必须低于 OCR_TEMPERATURE_HARD_C={hard_c}。",
            f"OCR_TEMPERATURE_SOFT_C={soft_c} must be below OCR_TEMPERATURE_HARD_C={hard_c}.",
        )


def _check_rate(rate: str) -> None:
    if rate and not re.fullmatch(r"[1-9]\d{0,5}/([1-9]\d{0,5} )?(second|minute|hour|day)s?", rate):
        raise SettingRejected(
            "setting_invalid",
            f"环境变量 OCR_RATE_LIMIT={rate!r} 无效，例如 30/minute 或 100/5 minutes。",
            f"OCR_RATE_LIMIT={rate!r} is not valid. Allowed are such as 30/minute or 100/5 minutes.",
        )


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"OCR_{name.upper()}"


def _kind(spec: Any) -> tuple[type, bool]:
    """The type of a setting's value, and whether it may be AUTO instead, which is None."""
    kinds = [kind for kind in get_args(spec.type) or (spec.type,) if kind is not NoneType]
    return kinds[0], NoneType in get_args(spec.type)


def allowed(spec: Any) -> str:
    """What a setting's value may be, as documentation says it; empty for any text."""
    kind, automatic = _kind(spec)
    low, high = spec.metadata["low"], spec.metadata["high"]
    names = ", ".join(kind) if issubclass(kind, StrEnum) else ""
    return (names if low is None else f"{low}–{high}") + (f", {AUTO}" if automatic else "")


def _parsed(spec: Any, text: str) -> Any:
    kind, automatic = _kind(spec)
    low, high = spec.metadata["low"], spec.metadata["high"]
    if automatic and text == AUTO:
        return None
    try:
        value = kind(text)
        if not text.strip() or (low is not None and not low <= value <= high):
            raise ValueError(text)
    except ValueError as error:
        name = variable(spec.name)
        expected = allowed(spec) or kind.__name__
        raise SettingRejected(
            "setting_invalid",
            f"环境变量 {name}={text!r} 无效，允许：{expected}（{spec.metadata['help']}）。",
            f"{name}={text!r} is not valid. Allowed: {expected} ({spec.metadata['help']}).",
        ) from error
    return value
