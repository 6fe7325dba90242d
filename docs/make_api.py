"""Writes docs/api.md from the API's description: `make docs`. A test fails when the file is not what this writes."""

from pathlib import Path
from typing import Any

from ziyan.settings import AUTO, Settings, allowed, variable
from ziyan.web import openapi

TARGET = Path(__file__).with_name("api.md")


def markdown() -> str:
    """The whole page: operations, schemas, settings."""
    document = openapi.document(Settings())
    parts = [
        "# 接口 API",
        "",
        "Made by `make docs` from `service/ziyan/web/openapi.py`; a running box shows the same at `/docs`.",
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts += _operation(method, path, operation)
    parts += ["", "## 数据 Schemas"]
    for name, schema in document["components"]["schemas"].items():
        parts += ["", f"### {name}", "", *_properties(schema)]
    return "\n".join([*parts, *_settings(), ""])


def _operation(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    parts = ["", f"## `{method.upper()} {path}`", "", operation["summary"]]
    if "description" in operation:
        parts += ["", operation["description"]]
    bodies = operation.get("requestBody", {}).get("content", {})
    if bodies:
        parts += ["", f"{'、'.join(f'`{kind}`' for kind in bodies)}:", ""]
        parts += _properties(next(iter(bodies.values()))["schema"])
    parts += ["", "| 状态 status | 含义 meaning | 数据 schema |", "|---|---|---|"]
    for status, response in operation["responses"].items():
        shapes = "、".join(dict.fromkeys(_shape(content["schema"]) for content in response.get("content", {}).values()))
        parts.append(f"| {status} | {response['description']} | {shapes} |")
    return parts


def _properties(schema: dict[str, Any], indent: str = "") -> list[str]:
    parts = []
    for name, spec in schema.get("properties", {}).items():
        default = f" (默认 default {spec['default']})" if "default" in spec else ""
        parts.append(f"{indent}- `{name}`: {_shape(spec)} {spec.get('description', '')}{default}".rstrip())
        parts += _properties(spec, indent + "  ")
        parts += _properties(spec.get("items", {}), indent + "  ")
    return parts


def _shape(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return " \\| ".join(map(str, schema["enum"]))
    kind = schema["type"]
    if kind == "array":
        return f"[{_shape(schema['items'])}]"
    return kind if isinstance(kind, str) else " \\| ".join(kind)


def _settings() -> list[str]:
    parts = ["", "## 设置 Settings", ""]
    parts += ["| 变量 variable | 默认 default | 范围 range | 含义 meaning |", "|---|---|---|---|"]
    for spec in Settings.__dataclass_fields__.values():
        default = AUTO if spec.default is None else spec.default
        parts.append(f"| `{variable(spec.name)}` | `{default}` | {allowed(spec)} | {spec.metadata['help']} |")
    return parts


if __name__ == "__main__":
    TARGET.write_text(markdown(), encoding="utf-8")
