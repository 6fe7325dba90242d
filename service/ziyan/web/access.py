"""Who may ask: the right host name, the same origin, a token, and not too often. Each is refused in words."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from ziyan.errors import Forbidden, RequestRejected, Unauthorized
from ziyan.settings import Settings
from ziyan.tokens import Tokens

_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
# What tells nothing of anybody's pictures stays open: a page that can ask for the token, and what watches the box.
_OPEN_API = {"/api/options"}
_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def register(app: Flask, settings: Settings) -> None:
    """Puts the checks before every request of `app`, the cheapest first."""
    hosts = _names(settings.trusted_hosts)
    tokens = Tokens(Path(settings.tokens)) if settings.tokens else None

    @app.before_request
    def check() -> None:
        _check_host(hosts)
        if request.method in _CHANGING:
            _check_origin()
        if tokens and asks_for_token(request.path):
            _check_token(tokens)

    @app.after_request
    def protect(response: Response) -> Response:
        # The pages have a policy of their own; whatever else a browser is led to must not run, nor be shown elsewhere.
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    if settings.rate_limit:
        _limit_rate(app, settings.rate_limit)


def asks_for_token(path: str) -> bool:
    """Whether a path is behind the tokens, where there are any."""
    return path.startswith("/api/") and path not in _OPEN_API


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


# --- the host name: against DNS rebinding -----------------------------------------------------------------------------


def _check_host(hosts: frozenset[str]) -> None:
    """Refuses a name that somebody else could let point here, so that his page in a browser would be of our origin."""
    host = request.environ.get("HTTP_HOST", "")
    if host and not trusted(host, hosts):
        raise RequestRejected(
            "host_refused",
            f"不以主机名 {host!r} 提供服务；请用 IP 地址、名称.local，或在 OCR_TRUSTED_HOSTS 中加入此名称。",
            f"The box does not answer to the host name {host!r}. Use its IP address or NAME.local, or add this name to "
            "OCR_TRUSTED_HOSTS.",
        )


def trusted(host: str, hosts: frozenset[str]) -> bool:
    """Whether a Host header is one of ours.

    An address, a name of one word and .local cannot be had in the public DNS; `hosts` holds names that may be used
    besides: `ocr.example.com`, `.example.com` for all below it, `*` for any.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if "*" in hosts or name in hosts or name.endswith(tuple(one for one in hosts if one.startswith("."))):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return bool(name) and ("." not in name or name.endswith((".local", ".localhost")))
    return True


# --- the origin: against other pages in the same browser --------------------------------------------------------------


def _check_origin() -> None:
    """Refuses what a browser sends for another page. Programs send neither header."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
    same = urlsplit(origin).netloc == request.host if origin is not None else site in ("same-origin", "none")
    if not same:
        raise Forbidden(
            "origin_refused",
            "只接受从本设备页面发出的请求；其他网页不能使用它。",
            "Only the page of this box may send this; a page from elsewhere may not.",
        )


# --- the token --------------------------------------------------------------------------------------------------------


def _check_token(tokens: Tokens) -> None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthorized(
            "token_missing",
            "需要访问令牌；请加上请求头 Authorization: Bearer 令牌（ziyan token 可生成）。",
            "A token is needed. Send the header Authorization: Bearer TOKEN (`ziyan token` makes one).",
        )
    name = tokens.name(token.strip())
    if name is None:
        raise Unauthorized(
            "token_invalid",
            "访问令牌无效；请检查，或用 ziyan token 生成新的。",
            "This token is not known. Check it, or make a new one with `ziyan token`.",
        )
    g.token = name


# --- the rate ---------------------------------------------------------------------------------------------------------


def _limit_rate(app: Flask, limit: str) -> None:
    """At most `limit` (such as "30/minute") changing requests of one address. Imported when needed: 7 MB."""
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address

    limiter = Limiter(
        get_remote_address,
        app=app,
        application_limits=[limit],
        storage_uri="memory://",
        headers_enabled=True,  # Retry-After
    )
    limiter.request_filter(lambda: request.method not in _CHANGING)
