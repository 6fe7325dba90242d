"""The border between our errors and HTTP: the only place that knows which status belongs to which class."""

import json
import logging

from flask import Flask, g, jsonify
from flask.typing import ResponseReturnValue
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask
from werkzeug.exceptions import HTTPException

from ziyan import errors
from ziyan.log import event

# The most particular class first.
STATUSES: tuple[tuple[type[errors.ZiyanError], int], ...] = (
    (errors.UnsupportedFormat, 415),
    (errors.UnsupportedBody, 415),
    (errors.ImageTooLarge, 413),
    (errors.ImageRejected, 422),
    (errors.RequestRejected, 400),
    (errors.Unauthorized, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Unavailable, 503),
    (errors.ZiyanError, 500),
)

# RFC 6750, section 3: what is wrong with a token is said only where one was sent.
_CHALLENGES = {
    "token_missing": 'Bearer realm="ziyan"',
    "token_invalid": 'Bearer realm="ziyan", error="invalid_token"',
}

# What werkzeug and waitress refuse by themselves, in our words: status -> (code, Chinese, English).
REFUSALS = {
    400: ("bad_request", "请求格式有误，请对照 /docs 检查。", "The request is malformed. Compare it with /docs."),
    404: ("not_found", "没有这个地址，接口见 /docs。", "There is nothing at this address. /docs lists what there is."),
    405: ("method_not_allowed", "不支持此方法，可用的见 Allow 头。", "Use a method that the Allow header names."),
    413: (
        "body_too_large",
        "请求体太大，上限见 /api/options；请缩小图片后再发送。",
        "The body is too large; /api/options tells the limit. Scale the picture down and send it again.",
    ),
    415: (
        "unsupported_content_type",
        "请用 multipart/form-data 或 JSON 发送图片。",
        "Send the picture as multipart/form-data or JSON.",
    ),
    429: (
        "too_many_requests",
        "请求太频繁；请按 Retry-After 头的秒数等待后重试。",
        "Too many requests. Wait for the seconds that Retry-After tells, then try again.",
    ),
    431: ("headers_too_large", "请求头太大。", "The request's headers are too large."),
    500: ("internal_error", "程序内部出错，请附上 request_id 报告。", "Something broke; report the request_id."),
}


def register(app: Flask, program: str) -> None:
    """Answers every error of `app` in the one shape."""

    @app.errorhandler(errors.ZiyanError)
    def refused(error: errors.ZiyanError) -> ResponseReturnValue:
        status = next(status for kind, status in STATUSES if isinstance(error, kind))
        response = jsonify(shape(error.code, error.message, g.request_id))
        response.status_code = status
        if isinstance(error, errors.Unavailable):
            response.headers["Retry-After"] = str(error.retry_after_s)
        if isinstance(error, errors.Unauthorized):
            response.headers["WWW-Authenticate"] = _CHALLENGES[error.code]
        return response

    @app.errorhandler(HTTPException)
    def refused_by_werkzeug(error: HTTPException) -> ResponseReturnValue:
        status = error.code if error.code in REFUSALS else 400
        code, zh, en = REFUSALS[status]
        response = jsonify(shape(code, f"{zh} {en}", g.request_id))
        allowed = [header for header in error.get_headers() if header[0] == "Allow"]
        response.headers.extend(allowed)
        return response, status

    @app.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        event(program, "request_failed", level=logging.ERROR, exc_info=True, request_id=g.request_id)
        code, zh, en = REFUSALS[500]
        return jsonify(shape(code, f"{zh} {en}", g.request_id)), 500


def shape(code: str, message: str, request_id: str | None) -> dict:
    """The one shape of an error."""
    return {"error": {"code": code, "message": message, "request_id": request_id}}


class _JsonErrorTask(ErrorTask):
    """What Waitress refuses before the application sees it, in the one shape as well."""

    def execute(self) -> None:
        error = self.request.error
        code, zh, en = REFUSALS.get(error.code, REFUSALS[400])
        body = json.dumps(shape(code, f"{zh} {en}", None), ensure_ascii=False).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class JsonErrorChannel(HTTPChannel):
    """A Waitress connection that refuses in JSON."""

    error_task_class = _JsonErrorTask
