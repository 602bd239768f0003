"""Routes that need the bytes as they were sent, since a digest was made of them; and ETags of versions."""

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody

from api.problems import InvalidRequest
from inspection.registry.exports.sheets import XLSX_TYPE


def json_body(struct: type[msgspec.Struct]) -> type[Operation]:
    """An OpenAPI operation whose body is the JSON of `struct`, read by the handler itself."""
    return _operation({"application/json": _schema(struct)})


def picture_body() -> type[Operation]:
    """An OpenAPI operation whose body is a picture's bytes."""
    binary = {"type": "string", "contentMediaType": "image/*"}
    return _operation(dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/heic"), binary))


def sheet_body() -> type[Operation]:
    """An OpenAPI operation whose body is a CSV or XLSX file, by itself or as the field `file` of a form."""
    binary = {"type": "string", "contentMediaType": XLSX_TYPE}
    form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    return _operation({"text/csv": {"type": "string"}, XLSX_TYPE: binary, "multipart/form-data": form})


def archive_body() -> type[Operation]:
    """An OpenAPI operation whose body is a ZIP file, read as it comes."""
    return _operation({"application/zip": {"type": "string", "contentMediaType": "application/zip"}})


def _operation(contents: dict[str, dict[str, Any]]) -> type[Operation]:
    @dataclass
    class WithBody(Operation):
        """The operation with its body."""

        def __post_init__(self) -> None:
            content = {kind: OpenAPIMediaType(schema=cast("Any", schema)) for kind, schema in contents.items()}
            self.request_body = RequestBody(content=content, required=True)

    return WithBody


def _schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a struct with its parts written out in place; no struct here contains itself."""
    (reference,), parts = msgspec.json.schema_components([struct], ref_template="{name}")

    def expand(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            if "$ref" in value:
                return expand(parts[value["$ref"]])
            return {key: expand(inner) for key, inner in value.items()}
        return [expand(inner) for inner in value] if isinstance(value, list) else value

    return cast("dict[str, Any]", expand(reference))


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def version_of(if_match: str | None) -> int | None:
    """The version that a caller names in If-Match; None for `*` or no header. Raises `InvalidRequest`."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not text.isascii() or not text.isdigit():
        raise InvalidRequest("If-Match 须为读取案件时返回的 ETag", "If-Match is the ETag that came with the case")
    return int(text)
