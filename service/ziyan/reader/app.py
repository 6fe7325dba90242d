"""The reader program: a pipeline behind a Unix socket, one page at a time.

It is crash-only. Killed, hung over its time or above its memory, it ends; supervisor starts it again, and ocr-web
answers 503 meanwhile.
"""

import logging
import os
import threading
import time
from pathlib import Path

import cv2
import waitress
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from ziyan import __version__, manifest, options, vitals
from ziyan.errors import ZiyanError
from ziyan.log import event
from ziyan.pipeline import Pipeline
from ziyan.settings import Settings

PROGRAM = "ocr-reader"
WATCH_INTERVAL_S = 0.5
EX_TEMPFAIL = 75  # <sysexits.h>: try again


class Reader:
    """The loaded pipeline, the lock that lets one page in at a time, and what it did so far."""

    def __init__(self, settings: Settings) -> None:
        cv2.setNumThreads(settings.threads)
        self._models = manifest.load(settings.models_dir)
        self._pipeline = Pipeline(self._models, threads=settings.threads, max_pixels=settings.max_pixels)
        self._settings = settings
        self._one_page = threading.Lock()
        self.page_started: float | None = None
        self.pages = 0

    def read(self, data: bytes, asked: options.Options) -> dict:
        """The page in `data` as JSON types, after the pages that came before it."""
        with self._one_page:
            self.page_started = time.monotonic()
            try:
                return self._pipeline.read(data, asked).as_dict()
            finally:
                self.page_started = None
                self.pages += 1

    def state(self) -> dict:
        """What /health says of the reader: the models that really run, and how the box feels."""
        sensor = vitals.temperature(self._settings.sysfs_root)
        return {
            "model": self._models.recognizer.name,
            "models": {
                "version": self._models.version,
                "recognizer": self._models.recognizer.name,
                "detector": self._models.detector.name,
                "characters": len(self._models.recognizer.charset),
                "size_bytes": self._models.size_bytes,
            },
            "version": __version__,
            "pid": os.getpid(),
            "threads": self._settings.threads,
            "pages": self.pages,
            "busy": self.page_started is not None,
            "resident_mb": vitals.resident_mb(),
            "pss_mb": vitals.pss_mb(),
            "temperature_c": sensor and sensor[0],
            "temperature_source": sensor and sensor[1],
            "throttling": vitals.throttling(self._settings.sysfs_root),
        }


def create_app(reader: Reader) -> Flask:
    """POST /page (the picture's bytes, options in the query) and GET /state, for ocr-web alone."""
    app = Flask(__name__, static_folder=None)

    @app.post("/page")
    def page() -> ResponseReturnValue:
        return jsonify(reader.read(request.get_data(cache=False), options.parse(request.args.to_dict())))

    @app.get("/state")
    def state() -> ResponseReturnValue:
        return jsonify(reader.state())

    @app.errorhandler(ZiyanError)
    def refused(error: ZiyanError) -> ResponseReturnValue:
        return jsonify(kind=type(error).__name__, code=error.code, zh=error.zh, en=error.en), 422

    @app.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        event(PROGRAM, "page_failed", level=logging.ERROR, exc_info=True, error=type(error).__name__)
        return jsonify(error=type(error).__name__), 500

    return app


def watch(reader: Reader, settings: Settings) -> None:
    """Ends the program when a page takes longer than its time, or, between pages, when memory is over its bound."""
    while True:
        time.sleep(WATCH_INTERVAL_S)
        started = reader.page_started
        if started is not None and time.monotonic() - started > settings.page_timeout_s:
            event(PROGRAM, "page_timeout", level=logging.ERROR, limit_s=settings.page_timeout_s)
            os._exit(EX_TEMPFAIL)  # the page's thread cannot be stopped from outside
        if started is None and (resident := vitals.resident_mb()) > settings.memory_limit_mb:
            event(PROGRAM, "memory_limit", level=logging.WARNING, resident_mb=resident)
            os._exit(EX_TEMPFAIL)


def serve(settings: Settings) -> None:
    """Loads the models, then serves until the program is ended."""
    reader = Reader(settings)
    threading.Thread(target=watch, args=(reader, settings), daemon=True).start()
    Path(settings.socket).parent.mkdir(parents=True, exist_ok=True)
    event(PROGRAM, "ready", **reader.state())
    waitress.serve(
        create_app(reader),
        unix_socket=str(settings.socket),
        unix_socket_perms="660",
        threads=settings.waiting + 4,  # every admitted page, and /state beside them
        max_request_body_size=settings.max_body_bytes + 1,
        ident=None,
        recv_bytes=1 << 16,
    )
