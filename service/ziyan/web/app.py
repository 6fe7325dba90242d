"""The web program's application: this module only assembles."""

import re
import tempfile
import threading
import time
import uuid

from flask import Flask, Response, g, request
from waitress.server import create_server

from ziyan import log
from ziyan.jobs import Store
from ziyan.settings import Settings
from ziyan.watch import Watch
from ziyan.web import access, api, jobs, pages, problems
from ziyan.web.desk import Desk
from ziyan.web.metrics import Metrics

PROGRAM = "ocr-web"
# Ours is the JSON answer; Waitress refuses only what is far above, without receiving it.
REFUSE_FACTOR = 2
# What a caller may choose as the id of its request, to ask /api/progress for it; anything else is replaced.
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ASKED_OFTEN = ("/health", "/metrics", "/api/progress/<request_id>", "/api/jobs/<job_id>")


def create_app(settings: Settings) -> Flask:
    """The page, the API and their errors, around one desk."""
    app = Flask(__name__)
    # Werkzeug refuses a body that reaches its limit; ours may be reached.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes + 1
    app.json.ensure_ascii = False
    app.json.sort_keys = False
    metrics = Metrics()
    desk, store = Desk(settings, metrics), Store(settings)
    metrics.observe_jobs(unfinished=lambda: len(store.unfinished()), size_bytes=store.size_bytes)
    app.extensions["ziyan"] = desk
    problems.register(app, PROGRAM)
    app.register_blueprint(api.blueprint(settings, desk, metrics, store))
    app.register_blueprint(jobs.blueprint(settings, desk, store))
    app.register_blueprint(pages.blueprint(settings))
    _trace(app, metrics)
    access.register(app, settings)
    return app


def _trace(app: Flask, metrics: Metrics) -> None:
    """Gives every request an id, counts it, and logs what it took; pictures and texts stay out of the log."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex[:16]
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        route = request.url_rule.rule if request.url_rule else "unknown"
        metrics.requests.labels(route, response.status_code).inc()
        if route not in _ASKED_OFTEN:
            log.event(
                PROGRAM,
                "request",
                request_id=g.request_id,
                method=request.method,
                route=route,
                status=response.status_code,
                seconds=round(time.perf_counter() - g.started, 4),
                **({"token": g.token} if "token" in g else {}),
                **g.get("facts", {}),
            )
        return response


def serve(settings: Settings) -> None:
    """Serves until the program is ended."""
    # Where Waitress and Werkzeug put bodies while they arrive: on the disk, since /tmp is often memory.
    tempfile.tempdir = str(Store(settings).prepare())
    app = create_app(settings)
    app.extensions["ziyan"].watch()
    if settings.watch:
        threading.Thread(target=Watch(settings).run, daemon=True).start()
    log.event(PROGRAM, "listening", host=settings.host, port=settings.port)
    server = create_server(
        app,
        host=settings.host,
        port=settings.port,
        threads=settings.web_threads,
        connection_limit=250,
        channel_timeout=30,  # seconds without a byte; half-open connections go, slow uploads stay
        max_request_body_size=REFUSE_FACTOR * max(settings.max_body_bytes, settings.jobs_body_bytes),
        recv_bytes=1 << 16,
        ident=None,
    )
    server.channel_class = problems.JsonErrorChannel
    server.run()
