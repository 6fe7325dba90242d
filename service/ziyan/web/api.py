"""The REST interface. `openapi.py` describes it; a test holds the two together."""

import time
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from ziyan import __version__, options, outputs
from ziyan.jobs import Store
from ziyan.settings import Settings
from ziyan.vitals import pss_mb
from ziyan.web import exports, openapi, uploads
from ziyan.web.desk import Desk
from ziyan.web.metrics import CONTENT_TYPE, Metrics


def blueprint(settings: Settings, desk: Desk, metrics: Metrics, store: Store) -> Blueprint:
    """The routes of the API, around `desk`."""
    api = Blueprint("api", __name__)

    @api.post("/api/ocr")
    def ocr() -> ResponseReturnValue:
        started = time.perf_counter()
        with desk.admitted():
            upload = uploads.parse(request)
            page, cached = desk.page(upload, g.request_id)
        seconds = time.perf_counter() - started
        g.facts = {"bytes": upload.size_bytes, "lines": len(page["lines"]), "cached": cached, "stages": page["seconds"]}
        return jsonify(answer(page, seconds, cached=cached, request_id=g.request_id))

    @api.get("/api/progress/<request_id>")
    def progress(request_id: str) -> ResponseReturnValue:
        return jsonify(desk.progress(request_id))

    @api.post("/api/export")
    def export() -> ResponseReturnValue:
        return exports.answer(exports.parse(request))

    @api.get("/health")
    def health() -> ResponseReturnValue:
        state = desk.state()
        queue = {"in_use": desk.in_use, "capacity": desk.capacity, "jobs": len(store.unfinished())}
        known = {"version": __version__, "queue": queue, "web": {"pss_mb": pss_mb()}, "reader": state}
        known["last_page"] = desk.last_page
        if state is None:
            return jsonify(status="degraded", model=None, **known), 503
        return jsonify(status="ok", model=state["model"], **known)

    @api.get("/metrics")
    def prometheus() -> ResponseReturnValue:
        return Response(metrics.render(), content_type=CONTENT_TYPE)

    @api.get("/api/options")
    def known_options() -> ResponseReturnValue:
        return jsonify(describe(settings))

    @api.get("/openapi.json")
    def document() -> ResponseReturnValue:
        return jsonify(openapi.document(settings))

    return api


def answer(page: dict[str, Any], seconds: float, *, cached: bool, request_id: str) -> dict[str, Any]:
    """What POST /api/ocr says of a page. `text` (lines, unless asked otherwise) and `time` are the first contract."""
    return {
        "text": page["text"],
        "time": round(seconds, 3),
        "lines": page["lines"],
        "width": page["width"],
        "height": page["height"],
        "turned": page["turned"],
        "capped": page["capped"],
        "cached": cached,
        "request_id": request_id,
    }


def describe(settings: Settings) -> dict[str, Any]:
    """What can be asked for, with defaults, and the limits of this box."""
    return {
        "options": options.describe(),
        "formats": list(options.FORMATS),
        "outputs": list(outputs.FORMATS),
        "access": {"token": bool(settings.tokens), "rate_limit": settings.rate_limit or None},
        "limits": {
            "body_bytes": settings.max_body_bytes,
            "pixels": settings.max_pixels,
            "waiting_pages": settings.waiting,
            "page_seconds": settings.page_timeout_s,
            "temperature_soft_c": settings.temperature_soft_c,
            "temperature_hard_c": settings.temperature_hard_c,
        },
        "jobs": {
            "formats": ["PDF", "TIFF", "ZIP", *(name for name in options.FORMATS if name != "TIFF")],
            "body_bytes": settings.jobs_body_bytes,
            "pages": settings.jobs_pages,
            "waiting_jobs": settings.jobs_waiting,
            "keep_seconds": settings.jobs_keep_s,
            "keep_bytes": settings.jobs_bytes,
        },
    }
