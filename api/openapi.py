"""The OpenAPI document: what Litestar generates, completed with security and with every error a route can answer."""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Litestar

import api.problems
import gate_integration
import inspection
import storage
from api import answers, limits
from api.once import parameter, suits
from api.problems import MEDIA_TYPE
from storage.problems import Problem

DESCRIPTION = """\
入户 Ruhu：公共租赁住房入户走访、门禁比对与违规整改接口。

错误一律为 RFC 9457 问题文档，`code` 稳定，标题有中英文。时间为 ISO 8601 UTC。
Errors are RFC 9457 problems with a stable `code` and titles in Chinese and English. Times are ISO 8601 in UTC.
"""
COMMON = {
    "400": "请求格式有误 / The request is not of the right form",
    "401": "未登录或登录已失效 / Not signed in",
    "403": "角色无权 / The role does not allow it",
    "404": "不存在或不在管辖范围 / Missing, or outside the caller's scope",
    "405": "不支持此方法 / Method not allowed",
    "409": "与当前状态冲突 / In conflict with the present state",
    "410": "已按规定删除 / Erased",
    "412": "版本不符 / The version given is not the present one",
    "413": "内容过大 / The body is too large",
    "415": "类型不支持 / Unsupported media type",
    "422": "内容有误 / The content is not valid",
    "429": "请求过于频繁 / Too many requests",
    "500": "服务器内部错误 / Internal error",
    "503": "暂不可用，未保存 / Unavailable; nothing was stored",
}


def problem_classes() -> list[type[Problem]]:
    """Every problem the house can answer, by code."""
    for package in (storage, inspection, gate_integration, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(".errors"):
                importlib.import_module(module.name)
    found: dict[str, type[Problem]] = {}
    queue: list[type[Problem]] = [Problem]
    while queue:
        current = queue.pop()
        found.setdefault(current.code, current)
        queue += current.__subclasses__()
    return [found[code] for code in sorted(found)]


def statuses(path: str, method: str, operation: dict[str, Any], *, guarded: bool) -> list[str]:
    """The error statuses an operation can answer."""
    found = ["500", "503"]
    if guarded:
        found += ["401", "403"]
    if "{" in path:
        found.append("404")
    if operation.get("parameters") or operation.get("requestBody"):
        found.append("400")
    if method in {"post", "put", "patch"}:
        found += ["404", "409", "413", "422"]
    if method == "delete":
        found += ["409", "422"]
    if any(p["in"] == "header" and p["name"].lower() == "if-match" for p in operation.get("parameters", [])):
        found.append("412")
    if path.startswith(("/api/v1/session", "/api/v1/me/")):
        found += ["401", "403", "429"]
    if limits.of(operation.get("operationId")) is not None:
        found.append("429")
    return sorted(set(found))


def kinds_of_file(operation: dict[str, Any], media_types: Sequence[str]) -> None:
    """Says each kind of file that a success can be, of the one schema that Litestar knows."""
    for status, answer in operation["responses"].items():
        if status.startswith("2") and media_types:
            schema = next(iter(answer["content"].values()))
            answer["content"] = dict.fromkeys(media_types, schema)


def allowed_roles(app: Litestar) -> dict[tuple[str, str], frozenset[str] | None]:
    """For each (method, path): the roles its guard allows, or None for a public route."""
    found: dict[tuple[str, str], frozenset[str] | None] = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            roles = next((g.allowed_roles for g in handler.guards or () if hasattr(g, "allowed_roles")), None)
            for method in handler.http_methods:
                if method != "OPTIONS":
                    found[method, route.path_format] = roles
    return found


def build(app: Litestar) -> dict[str, Any]:
    """The complete document."""
    document: dict[str, Any] = msgspec.to_builtins(app.openapi_schema.to_schema())  # defaults may be structs
    problems = problem_classes()
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = {
        "type": "object",
        "description": "RFC 9457",
        "required": ["code", "status", "title", "title_zh", "title_en"],
        "properties": {
            "type": {"type": "string"},
            "code": {"type": "string", "enum": [p.code for p in problems]},
            "status": {"type": "integer"},
            "title": {"type": "string"},
            "title_zh": {"type": "string"},
            "title_en": {"type": "string"},
            "detail": {"type": "string"},
            "detail_zh": {"type": "string"},
            "detail_en": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}},
            "extra": {"type": "object"},
        },
    }
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    document["x-problems"] = [
        {"code": p.code, "status": p.status, "title_zh": p.title_zh, "title_en": p.title_en} for p in problems
    ]
    roles = allowed_roles(app)
    handlers = {str(h.operation_id): h for r in app.routes for h in getattr(r, "route_handlers", [])}
    heard = {name for name, handler in handlers.items() if suits(handler)}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            allowed = roles.get((method.upper(), path))
            if allowed is not None:
                operation["security"] = [{"bearer": []}]
                operation["x-roles"] = sorted(allowed)
                if operation["operationId"] in heard:
                    operation.setdefault("parameters", []).append(parameter())
            opt = handlers[operation["operationId"]].opt
            kinds_of_file(operation, answers.media_types_of(opt))
            errors = {*statuses(path, method, operation, guarded=allowed is not None), *answers.statuses_of(opt)}
            for status in sorted(errors):
                operation["responses"][status] = {
                    "description": COMMON[status],
                    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
    return document
