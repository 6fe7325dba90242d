"""The API's description, OpenAPI 3.1. /docs and docs/api.md are made from it; tests hold every answer against it."""

from typing import Any

from ziyan import __version__, options, outputs
from ziyan.settings import Settings
from ziyan.web import access, exports

JSON = "application/json"


def document(settings: Settings) -> dict[str, Any]:
    """The whole description, with the limits that this box really has."""
    described = {
        "openapi": "3.1.0",
        "info": {
            "title": "Ziyan 字眼",
            "version": __version__,
            "summary": "把图片变成文字，不用云，也不用 GPU。 Pictures in, text out; no cloud, no GPU.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/api/ocr": {"post": _ocr(settings)},
            "/api/progress/{request_id}": {"get": _progress()},
            "/api/export": {"post": _export()},
            **_jobs(settings),
            "/api/options": {
                "get": _get("options", "可用的选项、格式与上限。 Options, formats and limits.", _ref("Options"))
            },
            "/health": {"get": _health()},
            "/metrics": {
                "get": {
                    "operationId": "metrics",
                    "summary": "Prometheus 指标。 Metrics for Prometheus.",
                    "responses": {"200": _text("The metrics in Prometheus' text format.")},
                }
            },
            "/openapi.json": {
                "get": _get("openapi", "本说明的机器可读版本。 This description for programs.", {"type": "object"})
            },
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "OCR_TOKENS"}},
        },
    }
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            _guard(operation, token=access.asks_for_token(path), changing=method in ("post", "delete"))
    return described


def _guard(operation: dict[str, Any], *, token: bool, changing: bool) -> None:
    """Adds what is refused before a request is looked at."""
    refusals = {}
    if token:
        refusals["401"] = _error("设置了令牌时。 Where tokens are set: token_missing, token_invalid.")
        operation["security"] = [{}, {"token": []}]
    if changing:
        refusals["403"] = _error("来自其他网页。 From the page of another site: origin_refused.")
        refusals["429"] = _error("设置了限速时。 Where a rate is set: too_many_requests; see Retry-After.")
    operation["responses"] = dict(sorted({**operation["responses"], **refusals}.items()))


def _ocr(settings: Settings) -> dict[str, Any]:
    picture = f"图片，连同请求体不超过 {settings.max_body_bytes} 字节。 The picture; the body may have this many bytes."
    asked = {name: {key: spec[key] for key in spec} for name, spec in options.describe().items()}
    as_text = {"type": "string", "description": "Base64，可带 data: 前缀。 Base64, with or without a data: prefix."}
    as_file = {"type": "string", "contentMediaType": "application/octet-stream", "description": picture}

    def body(image: dict[str, Any]) -> dict[str, Any]:
        return {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": image, **asked},
                "additionalProperties": False,
            }
        }

    return {
        "operationId": "ocr",
        "summary": "识别一张图片。 Read one picture.",
        "description": (
            f"格式 Formats: {', '.join(options.FORMATS)}. 像素上限 At most {settings.max_pixels} pixels, "
            "渐进式 JPEG 与 HEIC 略少 a little less for progressive JPEG and HEIC. "
            "没有文字时 text 为空列表。 Where there is no text, `text` is an empty list; a failure is never 200."
        ),
        "parameters": [
            {"name": "X-Request-ID", "in": "header", "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
             "description": "自选编号，供 /api/progress 查询。 An id of your own, to ask /api/progress for."},
        ] + [
            {"name": name, "in": "query", "schema": {k: v for k, v in spec.items() if k != "description"},
             "description": spec["description"]}
            for name, spec in asked.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": body(as_file),
                JSON: body(as_text),
                "application/x-www-form-urlencoded": body(as_text),
            },
        },
        "responses": {
            "200": _json("识别结果。 The page.", _ref("Page")),
            "400": _error(
                "请求有误。 A wrong request: image_missing, unknown_option, option_invalid, lexicon_invalid, "
                "bad_base64, bad_request."
            ),
            "413": _error("太大。 Too large: image_too_large, body_too_large."),
            "415": _error("不支持的格式。 Not read here: unsupported_format, unsupported_content_type."),
            "422": _error("图片无法读取。 Not readable: image_empty, image_damaged."),
            "500": _error("识别出错。 Something broke: reading_failed, internal_error."),
            "503": _error("暂时无法识别。 Not now: busy, reader_unavailable, too_hot; Retry-After tells the seconds."),
        },
    }


def _progress() -> dict[str, Any]:
    return {
        "operationId": "progress",
        "summary": "一张图片识别到哪里了。 How far a picture is.",
        "description": (
            "发送图片时用 X-Request-ID 头自选编号（8–64 个字母、数字、_ 或 -），等待期间即可查询。 "
            "Send a picture with an id of your own in the header X-Request-ID (8 to 64 letters, digits, _ or -), "
            "and ask while you wait, for example every 0.3 seconds."
        ),
        "parameters": [{"name": "request_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {
            "200": _json("等待中或识别中。 It waits or is being read.", _ref("Progress")),
            "404": _error("还没收到，或已经完成。 Not here yet, or done: progress_unknown."),
            "503": _error("识别程序未就绪。 The reader is not ready: reader_unavailable."),
        },
    }


def _export() -> dict[str, Any]:
    page = "页面的 JSON，与 /api/ocr 的回答同形，可先修改。 The page in JSON, as /api/ocr answers it, edited or not."
    picture = "仅 pdf 需要：JPEG 或普通 PNG。 For pdf alone: a JPEG, or a PNG that is opaque and not interlaced."
    name = "下载的文件名，不含扩展名。 The file's name without its ending."
    fields = {
        "page": {"type": "string", "contentMediaType": JSON, "contentSchema": _ref("Sheet"), "description": page},
        "format": {"type": "string", "enum": list(outputs.FORMATS), "description": "输出格式。 The file's format."},
        "image": {"type": "string", "contentMediaType": "application/octet-stream", "description": picture},
        "name": {"type": "string", "maxLength": exports.NAME_LENGTH, "default": "ocr", "description": name},
    }
    schema = {"type": "object", "required": ["page", "format"], "properties": fields, "additionalProperties": False}
    files = {form.media_type.partition(";")[0]: {"schema": {"type": "string"}} for form in outputs.FORMATS.values()}
    return {
        "operationId": "export",
        "summary": "把一页文字变成文件：TXT、JSON、CSV、hOCR、可搜索 PDF。 A page's text as a file.",
        "description": f"至多 At most {exports.LINES} lines of {exports.LINE_LENGTH} characters.",
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}},
        "responses": {
            "200": {"description": "文件。 The file.", "content": files},
            "400": _error(
                "请求有误。 A wrong request: page_missing, page_invalid, unknown_format, unknown_field, name_invalid, "
                "image_missing, image_mismatch, bad_request."
            ),
            "413": _error("太大。 Too large: body_too_large."),
            "415": _error("不支持的格式。 Not taken here: unsupported_format, unsupported_content_type."),
            "422": _error("图片无法读取。 Not readable: image_damaged."),
        },
    }


def _jobs(settings: Settings) -> dict[str, Any]:
    """The paths of jobs."""
    named = [{"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}]
    page = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
    form = {
        "name": "format", "in": "query", "schema": {"type": "string", "enum": list(outputs.FORMATS), "default": "json"},
        "description": "输出格式。 The file's format.",
    }  # fmt: skip
    files = {kind.media_type.partition(";")[0]: {"schema": {"type": "string"}} for kind in outputs.FORMATS.values()}
    unknown = _error("没有此任务，或已过期删除。 No such job, or not any more: job_unknown.")
    no_page = _error("没有此任务或此页。 No such job or page: job_unknown, page_unknown.")
    corrected = "按顺序每行一个文本。 A text for each of its lines, in their order."
    lines = {"type": "array", "items": {"type": "string", "maxLength": exports.LINE_LENGTH}, "description": corrected}
    corrections = {"type": "object", "required": ["lines"], "properties": {"lines": lines}}
    picture = {"description": "JPEG。", "content": {"image/jpeg": {"schema": {"type": "string"}}}}
    return {
        "/api/jobs": {"post": _job(settings)},
        "/api/jobs/{job_id}": {
            "get": {
                **_get("job", "任务进行到哪里了。 How far a job is.", _ref("Job")),
                "parameters": named,
                "responses": {"200": _json("任务的状态。 The job's state.", _ref("Job")), "404": unknown},
            },
            "delete": {
                "operationId": "deleteJob",
                "summary": "取消任务，已结束的则删除。 Cancel a job that has not ended, delete one that has.",
                "parameters": named,
                "responses": {
                    "200": _json("已取消，收到的文件已删除。 Cancelled; what was sent is removed.", _ref("Job")),
                    "204": {"description": "已删除。 Deleted."},
                    "404": unknown,
                },
            },
        },
        "/api/jobs/{job_id}/result": {
            "get": {
                "operationId": "jobResult",
                "summary": "任务的结果：JSON、TXT、CSV、hOCR、可搜索 PDF。 A job's result.",
                "description": (
                    "?format=txt 等选择格式，默认 JSON：{\"pages\": [JobPage, …]}。未能识别的页在每种格式中都会注明。 "
                    "Choose by ?format=txt and so on; a page that could not be read says so in every format."
                ),
                "parameters": [*named, form],
                "responses": {
                    "200": {"description": "文件。 The file.", "content": files},
                    "400": _error("未知的格式。 A wrong request: unknown_format."),
                    "404": unknown,
                    "409": _error("没有结果。 No result (yet): job_unfinished, job_failed, job_cancelled."),
                },
            }
        },
        "/api/jobs/{job_id}/pages/{number}": {
            "get": {
                "operationId": "jobPage",
                "summary": "任务中已完成的一页，从 1 起。 One page of a job as soon as it is done, from 1.",
                "parameters": [*named, page],
                "responses": {"200": _json("一页。 The page.", _ref("JobPage")), "404": no_page},
            },
            "put": {
                "operationId": "correctJobPage",
                "summary": "修改这一页的文字，此后的结果都含修改。 Correct a page; every result holds it from then on.",
                "parameters": [*named, page],
                "requestBody": {"required": True, "content": {JSON: {"schema": corrections}}},
                "responses": {
                    "200": _json("改过的一页。 The page as it is now.", _ref("JobPage")),
                    "400": _error("请求有误。 A wrong request: lines_invalid, bad_request."),
                    "404": no_page,
                },
            },
        },
        "/api/jobs/{job_id}/pages/{number}/picture": {
            "get": {
                "operationId": "jobPagePicture",
                "summary": "这一页的图片，可能已缩小。 The page's picture, perhaps scaled down.",
                "parameters": [*named, page],
                "responses": {"200": picture, "404": no_page},
            }
        },
    }


def _job(settings: Settings) -> dict[str, Any]:
    file = {
        "type": "array",
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
        "description": "PDF、TIFF、图片、图片的 zip，可多个。 PDF, TIFF, pictures, a zip of pictures; one or more.",
    }
    force = {
        "type": "boolean",
        "default": False,
        "description": "PDF 页已带文字时仍然识别，而不是取用其文字。 "
        "Read PDF pages that carry text already, instead of taking that text.",
    }
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, "force": force, **options.describe()},
        "additionalProperties": False,
    }
    return {
        "operationId": "createJob",
        "summary": "识别文档：PDF、多页 TIFF、zip、多张图片。 Read documents: PDF, TIFF, zip, many pictures.",
        "description": (
            f"至多 {settings.jobs_body_bytes} 字节、{settings.jobs_pages} 页；结果保留 {settings.jobs_keep_s} 秒，"
            "空间不足时先删最旧的。 "
            f"At most {settings.jobs_body_bytes} bytes and {settings.jobs_pages} pages. A job that was accepted "
            f"survives a power cut. Results are kept for {settings.jobs_keep_s} seconds; where room is short, "
            "the oldest go first."
        ),
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}},
        "responses": {
            "202": _json("已接受。 Accepted.", _ref("JobLinks")),
            "400": _error("请求有误。 A wrong request: file_missing, unknown_option, option_invalid, lexicon_invalid."),
            "413": _error("太大。 Too large: body_too_large."),
            "415": _error("不支持的格式。 Not read here: unsupported_format, unsupported_content_type."),
            "422": _error("空文件。 An empty file: file_empty."),
            "503": _error("暂不接受。 Not now: jobs_full; Retry-After tells the seconds."),
        },
    }


def _health() -> dict[str, Any]:
    return {
        "operationId": "health",
        "summary": "设备状态与实际运行的模型。 How the box feels, and the model that really runs.",
        "responses": {
            "200": _json("可以识别。 Ready.", _ref("Health")),
            "503": _json("识别程序未就绪。 The reader is not ready.", _ref("Health")),
        },
    }


def _get(name: str, summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "responses": {"200": _json(summary, schema)}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def _error(description: str) -> dict[str, Any]:
    return _json(description, _ref("Error"))


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _schemas() -> dict[str, Any]:
    text, number, integer = {"type": "string"}, {"type": "number"}, {"type": "integer"}
    corner = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    score = {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "预计读对的字所占的比例。 The share of its characters that is expected to be right.",
    }
    box = {
        "type": "array",
        "items": corner,
        "minItems": 4,
        "maxItems": 4,
        "description": "四角，从文字左上角起顺时针，单位为原图像素。 "
        "Corners, clockwise from the text's top left, in the sent picture's pixels.",
    }
    vertical = {"type": "boolean", "description": "自上而下的竖排。 A column, read downwards."}
    turned = {
        **integer,
        "enum": [0, 90, 180, 270],
        "description": "为识别而顺时针旋转的度数。 Degrees clockwise by which the picture was turned to be read.",
    }
    block = {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "此行属于 text 中的第几项，从 0 数；逐行时为 null。 The index in `text` of the paragraph or row "
        "that this line is part of; null where `text` holds the lines.",
    }
    capped = {
        "type": "boolean",
        "description": "budget_ms 用尽，还有没把握的行未再读；这样的结果不入缓存。 budget_ms was over before "
        "all doubtful lines were read again; such an answer is not kept.",
    }
    read = {
        "lines": {"type": "array", "items": _ref("Line")},
        "width": {**integer, "description": "按 EXIF 转正后的宽。 Width after the EXIF turn."},
        "height": {**integer, "description": "按 EXIF 转正后的高。 Height after the EXIF turn."},
        "turned": turned,
        "capped": capped,
    }
    return {
        "Line": _object(text=text, score=score, box=box, block=block, vertical=vertical),
        "Page": _object(
            text={
                "type": "array",
                "items": text,
                "description": "按阅读顺序的各行文字；选项 layout 可改为段落或整行。 The lines in reading order; the "
                "option layout makes them paragraphs or rows.",
            },
            time={"type": "number", "description": "本次请求用时（秒）。 Seconds that this request took."},
            **read,
            cached={"type": "boolean", "description": "结果来自缓存。 Known from before."},
            request_id=text,
        ),
        "Progress": _object(
            state={"enum": ["waiting", "reading"]},
            ahead={**integer, "description": "前面的页数，含正在识别的。 Pages before it, with the one being read."},
            stage={
                "type": ["string", "null"],
                "description": "等待时为 null。 decode, detect or recognize; null while it waits.",
            },
            done={**integer, "description": "recognize 时为已识别的行数。 In recognize, the lines that are read."},
            of=integer,
        ),
        "Sheet": {
            "type": "object",
            "required": ["lines", "width", "height"],
            "properties": {
                "lines": {
                    "type": "array",
                    "maxItems": exports.LINES,
                    "items": {
                        "type": "object",
                        "required": ["text", "box"],
                        "properties": {
                            "text": {**text, "maxLength": exports.LINE_LENGTH},
                            "score": {**score, "default": 1},
                            "box": box,
                            "vertical": {"type": "boolean", "default": False, "description": "竖排。 A column."},
                            "block": {"type": ["integer", "null"], "description": "所属文字块。 The block it is in."},
                        },
                    },
                },
                "width": {**integer, "minimum": 1, "maximum": exports.SIDE},
                "height": {**integer, "minimum": 1, "maximum": exports.SIDE},
                "turned": {"type": "integer", "default": 0, "description": "需顺时针转正的度数。 Degrees, clockwise."},
            },
            "description": "其他字段原样忽略。 Other fields are ignored, so that an answer can be sent as it came.",
        },
        **_job_schemas(read),
        "Error": _object(
            error=_object(
                code={**text, "description": "稳定，供程序使用。 Stable, for programs."},
                message={**text, "description": "发生了什么、上限、怎么办。 What happened, the limit, what to do."},
                request_id={"type": ["string", "null"]},
            )
        ),
        "Health": _object(
            status={"enum": ["ok", "degraded"]},
            model={"type": ["string", "null"]},
            version=text,
            queue=_object(
                in_use=integer,
                capacity=integer,
                jobs={**integer, "description": "未结束的任务数。 Jobs that have not ended."},
            ),
            web=_object(pss_mb=number),
            reader={"type": ["object", "null"]},
            last_page={
                "type": ["object", "null"],
                "description": "最近识别的一页：各阶段秒数与行数。 The page last read: seconds by stage, lines.",
            },
        ),
        "Options": _object(
            options={"type": "object"},
            formats={"type": "array", "items": text},
            outputs={"type": "array", "items": text},
            access=_object(
                token={"type": "boolean", "description": "需要访问令牌。 A token is needed: Authorization: Bearer."},
                rate_limit={"type": ["string", "null"], "description": "每个客户端的限速。 Requests of one client."},
            ),
            limits={"type": "object"},
            jobs={"type": "object", "description": "任务的上限与保留时间。 What a job may have, how long it is kept."},
        ),
    }


def _job_schemas(read: dict[str, Any]) -> dict[str, Any]:
    text, integer = {"type": "string"}, {"type": "integer"}
    texts, maybe = {"type": "array", "items": text}, {"type": ["string", "null"]}
    error = {
        "type": ["object", "null"],
        "properties": {"code": text, "message": text},
        "description": "为何失败。 Why it failed.",
    }
    when = "任务结束前为 null。 null until it ended."
    return {
        "JobLinks": _object(id=text, url=text, result_url=text),
        "Job": _object(
            id=text,
            state={"type": "string", "enum": ["queued", "running", "done", "failed", "cancelled"]},
            stage={
                **maybe,
                "description": "当前页的阶段。 Of the page at hand: open, draw, decode, detect, recognize, keep; or "
                "what it waits for: waiting (pictures come first), cooling; null where nobody knows.",
            },
            done={**integer, "description": "recognize 时为此页已识别的行数。 In recognize, the lines that are read."},
            of=integer,
            pages={"type": ["integer", "null"], "description": "总页数，打开文件后可知。 Known once it was opened."},
            pages_done=integer,
            pages_from_text={
                **integer,
                "description": "取自 PDF 自带文字的页数。 Taken from the text that the PDF carries.",
            },
            pages_failed=integer,
            queue_position={"type": ["integer", "null"], "description": "前面的任务数。 Jobs before it."},
            estimate_s={"type": ["number", "null"], "description": "估计剩余秒数。 Seconds until it is done, about."},
            files={**texts, "description": "收到的文件名。 What was sent."},
            options={"type": "object"},
            force={"type": "boolean"},
            created={**text, "format": "date-time"},
            ended={**maybe, "format": "date-time", "description": when},
            expires={**maybe, "format": "date-time", "description": "何时删除。 When it is removed. " + when},
            error=error,
            url=text,
            result_url=text,
        ),
        "JobPage": _object(
            page={**integer, "description": "任务中的页码，从 1 起。 Its number in the job, from 1."},
            file={**text, "description": "来自哪个文件。 The file that it is from."},
            file_page={**integer, "description": "在文件中的页码。 Its number in that file."},
            picture_name={**text, "description": "zip 中的文件名。 Its name in a zip."},
            dpi={"type": ["number", "null"], "description": "width 与 height 的分辨率。 Dots per inch of these."},
            source={
                "type": "string",
                "enum": ["read", "text", "failed"],
                "description": "识别、取自 PDF 文字，或失败。 Read, taken from the PDF's text, or neither.",
            },
            text=texts,
            **read,
            seconds={"type": "object", "description": "各阶段秒数。 Seconds by stage."},
            error=error,
        ),
    }
