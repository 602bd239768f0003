"""Bodies and parameters made from the OpenAPI document: a new route is tried without anybody writing it down."""

import re
import uuid
from typing import Any

DATE = "2026-03-03"
MOMENT = "2026-03-02T01:00:00Z"  # when the clock of the tests begins
TEXTS = {
    "division_code": "999999001001",
    "notice_version": "v1",
    "login": f"made-{uuid.uuid4().hex[:8]}",
    "password": "a-long-password-1",
}


class Examples:
    """Makes values for schemas of one document; ids of known nouns come from `known` by field name."""

    def __init__(self, document: dict[str, Any], known: dict[str, str]) -> None:
        self.document = document
        self.known = known

    def value(self, schema: dict[str, Any], name: str = "") -> Any:
        """A value that the schema allows, as small as it allows."""
        if "$ref" in schema:
            return self.value(self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], name)
        if name in self.known and "array" not in str(schema.get("type")):
            return self.known[name]
        for choice in ("oneOf", "anyOf", "allOf"):
            if choice in schema:
                real = [part for part in schema[choice] if part.get("type") != "null"]
                return self.value(real[0], name)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            kind = next(k for k in kind if k != "null")
        return getattr(self, f"of_{kind}")(schema, name)

    def of_object(self, schema: dict[str, Any], name: str) -> dict[str, Any]:
        """Required fields, and optional ones that name a known thing."""
        del name
        properties = schema.get("properties", {})
        wanted = set(schema.get("required", ())) | {key for key in properties if key.removesuffix("s") in self.known}
        return {key: self.value(properties[key], key) for key in properties if key in wanted}

    def of_array(self, schema: dict[str, Any], name: str) -> list[Any]:
        """As few items as allowed; one, where items are known by the name in the singular."""
        if name.removesuffix("s") in self.known:
            return [self.known[name.removesuffix("s")]]
        return [self.value(schema.get("items", {}), name) for _ in range(schema.get("minItems", 0))]

    def of_string(self, schema: dict[str, Any], name: str) -> str:
        """A text of the right format, length and pattern."""
        if name in TEXTS:
            return TEXTS[name]
        match schema.get("format"):
            case "uuid":
                return str(uuid.uuid4())
            case "date":
                return DATE
            case "date-time":
                return MOMENT
        pattern = schema.get("pattern")
        for candidate in ("填写说明文字", "abcdefgh", "2026-03-03", "999999", "0123456789"):
            text: str = candidate[: schema.get("maxLength", 1000)]
            text += "x" * (schema.get("minLength", 0) - len(text))
            if pattern is None or re.search(pattern, text):
                return text
        raise AssertionError(f"no example for {name} with pattern {pattern}")

    def of_integer(self, schema: dict[str, Any], name: str) -> int:
        """The smallest number allowed."""
        del name
        return int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))

    def of_number(self, schema: dict[str, Any], name: str) -> float:
        """A number allowed."""
        del name
        return float(schema.get("minimum", 1))

    def of_boolean(self, schema: dict[str, Any], name: str) -> bool:
        """Yes."""
        del schema, name
        return True
