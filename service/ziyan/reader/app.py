"""The reader program: a pipeline behind a Unix socket, one page at a time.

It is crash-only. Killed, hung over its time or above its memory, it ends; supervisor starts it again, and ocr-web
answers 503 meanwhile. It speaks plain WSGI: a framework for two routes would cost 15 MB.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

import cv2
import waitress

from ziyan import __version__, board, lexicon, manifest, options, vitals
from ziyan.cooling import Cooling, Pace
from ziyan.errors import TooHot, ZiyanError
from ziyan.lexicon import Wording
from ziyan.log import event
from ziyan.pipeline import Pipeline, Progress
from ziyan.reader.gate import Gate
from ziyan.reader.worker import Worker
from ziyan.session import release_memory
from ziyan.settings import Settings

PROGRAM = "ocr-reader"
WATCH_INTERVAL_S = 0.5
REST_AFTER_S = 60  # without a page; to load the second reader again costs as much as a small page
EX_TEMPFAIL = 75  # <sysexits.h>: try again


class Reader:
    """The loaded pipeline, the gate that lets one page in at a time, and what it did so far."""

    def __init__(self, settings: Settings) -> None:
        self._models = manifest.load(settings.models_dir)
        self._settings = settings
        self._wording = Wording(lexicon.load(settings.lexicon))
        self._second_below, self._second_reason = board.second_below(settings.second_below, settings.sysfs_root)
        self._cooling = Cooling(soft_c=settings.temperature_soft_c, hard_c=settings.temperature_hard_c)
        self._load_pipeline(threads=settings.threads)
        self.gate = Gate()
        self.page_started: float | None = None
        self.page_ended = time.monotonic()
        self.pages = 0
        release_memory()

    def read(self, picture: BinaryIO, asked: options.Options, name: str = "") -> dict[str, Any]:
        """The page in the file `picture` as JSON types, after those that came before it; the gate knows it as `name`.

        It is a file, not bytes: while it is decoded, it is in memory only piece by piece.
        """
        with self.turn(name) as progress:
            return self.pipeline.read(picture, asked, progress).as_dict()

    @contextmanager
    def turn(self, name: str, *, of_a_job: bool = False) -> Iterator[Progress]:
        """Lets one page in, when it is its turn. TooHot where nothing may be read now."""
        with self.gate.turn(name, of_a_job=of_a_job) as turn:
            self._keep_cool()
            self.page_started = time.monotonic()
            try:
                yield turn.at
            finally:
                release_memory()
                self.page_ended = time.monotonic()
                self.page_started = None
                self.pages += 1

    def _load_pipeline(self, *, threads: int) -> None:
        cv2.setNumThreads(threads)
        given = self._settings
        self.pipeline = Pipeline(
            self._models,
            threads=threads,
            max_pixels=given.max_pixels,
            wording=self._wording,
            second_below=self._second_below,
            profile=given.recognizer_profile,
        )
        self._threads = threads

    def _keep_cool(self) -> None:
        """Change the number of threads as the temperature demands; TooHot above the hard limit."""
        sensor = vitals.temperature(self._settings.sysfs_root)
        pace = self._cooling.at(sensor and sensor[0])
        if sensor and pace is Pace.PAUSED:
            limit_c = self._settings.temperature_hard_c
            raise TooHot(
                "too_hot",
                f"设备温度 {sensor[0]:.1f} °C，超过上限 {limit_c} °C，降温前不再识别。请检查散热，稍后重试。",
                f"The box is at {sensor[0]:.1f} °C, its limit is {limit_c} °C; it reads again when it is cooler. "
                "See to its cooling and try again later.",
            )
        threads = 1 if pace is Pace.GENTLE else self._settings.threads
        if threads != self._threads:  # ONNX Runtime fixes a network's threads when it is loaded
            event(PROGRAM, "pace", pace=pace.name.lower(), threads=threads, temperature_c=sensor and sensor[0])
            self._load_pipeline(threads=threads)

    def rest(self) -> None:
        """Gives back the memory of the second reader, which the next doubtful line loads again."""
        if self.pipeline.second:
            self.pipeline.second.rest()

    def state(self) -> dict[str, Any]:
        """What /health says of the reader: the models that really run, and how the box feels."""
        sensor = vitals.temperature(self._settings.sysfs_root)
        return {
            "model": self._models.recognizer.name,
            "models": {
                "version": self._models.version,
                "recognizer": self._models.recognizer.name,
                "detector": self._models.detector.name,
                "characters": len(self._models.recognizer.charset),
                "second_recognizer": self._second_state(),
                "size_bytes": self._models.size_bytes,
            },
            "second_reader": {"below": self._second_below, "reason": self._second_reason},
            "lexicon": self._wording.facts(self._models.recognizer.charset),
            "version": __version__,
            "pid": os.getpid(),
            "threads": self._threads,
            "pace": self._cooling.at(sensor and sensor[0]).name.lower(),
            "pages": self.pages,
            "busy": self.page_started is not None,
            "resident_mb": vitals.resident_mb(),
            "pss_mb": vitals.pss_mb(),
            "temperature_c": sensor and sensor[0],
            "temperature_source": sensor and sensor[1],
            "throttling": vitals.throttling(self._settings.sysfs_root),
        }


    def _second_state(self) -> dict[str, Any] | None:
        """The second recognizer where one is used, and whether it is in memory now."""
        facts, second = self._models.second_recognizer, self.pipeline.second
        return facts and second and {"name": facts.name, "characters": len(facts.charset), "loaded": second.loaded}


def create_app(reader: Reader, worker: Worker) -> Callable[..., Iterable[bytes]]:
    """For ocr-web alone: POST /page/NAME (a picture; options in the query), GET /progress/NAME, GET /state."""

    def answer(environ: dict[str, Any]) -> tuple[HTTPStatus, dict[str, Any]]:
        route, _, name = environ["PATH_INFO"].lstrip("/").partition("/")
        try:
            match environ["REQUEST_METHOD"], route:
                case "POST", "page":
                    asked = options.parse(dict(parse_qsl(environ["QUERY_STRING"])))
                    return HTTPStatus.OK, reader.read(environ["wsgi.input"], asked, name)
                case "GET", "progress":
                    return HTTPStatus.OK, {"progress": reader.gate.progress(name) or worker.progress(name)}
                case "GET", "state":
                    return HTTPStatus.OK, reader.state() | {"job_page_s": worker.page_s}
            return HTTPStatus.NOT_FOUND, {"error": route}
        except ZiyanError as error:
            refusal = {"kind": type(error).__name__, "code": error.code, "zh": error.zh, "en": error.en}
            return HTTPStatus.UNPROCESSABLE_ENTITY, refusal
        except Exception as error:  # one page must not end the program; the caller is told, the log has the traceback
            event(PROGRAM, "page_failed", level=logging.ERROR, exc_info=True)
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"error": type(error).__name__}

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, told = answer(environ)
        body = json.dumps(told, ensure_ascii=False).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    return app


def watch(reader: Reader, settings: Settings) -> None:
    """Ends the program when a page takes longer than its time, or, between pages, when memory is over its bound.

    Lets the second reader rest when no page came for a while.
    """
    while True:
        time.sleep(WATCH_INTERVAL_S)
        started = reader.page_started
        if started is not None and time.monotonic() - started > settings.page_timeout_s:
            event(PROGRAM, "page_timeout", level=logging.ERROR, limit_s=settings.page_timeout_s)
            os._exit(EX_TEMPFAIL)  # the page's thread cannot be stopped from outside
        if started is None and (resident := vitals.resident_mb()) > settings.memory_limit_mb:
            event(PROGRAM, "memory_limit", level=logging.WARNING, resident_mb=resident)
            os._exit(EX_TEMPFAIL)
        if started is None and time.monotonic() - reader.page_ended > REST_AFTER_S:
            reader.rest()


def serve(settings: Settings) -> None:
    """Loads the models, then serves until the program is ended."""
    reader = Reader(settings)
    worker = Worker(settings, reader)
    threading.Thread(target=watch, args=(reader, settings), daemon=True).start()
    threading.Thread(target=worker.run, daemon=True).start()
    Path(settings.socket).parent.mkdir(parents=True, exist_ok=True)
    event(PROGRAM, "ready", **reader.state())
    waitress.serve(
        create_app(reader, worker),
        unix_socket=str(settings.socket),
        unix_socket_perms="660",
        threads=settings.waiting + 4,  # every admitted page, and /state and /progress beside them
        max_request_body_size=settings.max_body_bytes + 1,
        ident=None,
        recv_bytes=1 << 16,
        _quiet=True,
    )
