"""What people see: the page at / and the API's description at /docs. Everything on them comes from this box."""

from pathlib import Path

from flask import Blueprint, Response, current_app, render_template

from ziyan import __version__
from ziyan.settings import Settings
from ziyan.web import openapi
from ziyan.web.api import describe

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


def blueprint(settings: Settings) -> Blueprint:
    """The routes of the pages."""
    pages = Blueprint("pages", __name__)

    @pages.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-cache"
        return response

    modules = sorted(path.name for path in (Path(__file__).parent / "static" / "js").glob("*.js"))
    @pages.get("/")
    def index() -> str:
        # the page offers what this box can do, and nothing else
        paths = sorted({rule.rule for rule in current_app.url_map.iter_rules()})
        known = {"options": describe(settings), "paths": paths, "modules": modules, "guarded": bool(settings.tokens)}
        return render_template("index.html", **known, version=__version__)

    @pages.get("/docs")
    def docs() -> str:
        return render_template("docs.html", document=openapi.document(settings), version=__version__)

    return pages
