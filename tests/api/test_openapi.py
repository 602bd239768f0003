"""The committed OpenAPI document: it is the app's, complete, and without loose ends."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.offline import openapi_document
from api.openapi import COMMON, problem_classes
from api.problems import MEDIA_TYPE
from storage.problems import Problem

FILE = Path(__file__).resolve().parents[2] / "mobile_spec/openapi.json"
DOCUMENT = openapi_document()
OPERATIONS = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
OPEN = {"health", "ready", "openapi"}
each = pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[operation["operationId"] for *_, operation in OPERATIONS]
)


def references(value: Any) -> Iterator[str]:
    """Every $ref in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def all_problems() -> list[type[Problem]]:
    """Every problem class, also those that share a code."""
    assert problem_classes()  # imports them
    found, queue = [], [Problem]
    while queue:
        current = queue.pop()
        if current not in found:
            found.append(current)
        queue += current.__subclasses__()
    return [found_class for found_class in found if not found_class.__module__.startswith("tests.")]


@pytest.mark.asvs("v5.0.0-2.1.1")
def test_the_committed_file_is_what_the_app_says() -> None:
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    assert committed == json.loads(msgspec.json.encode(openapi_document())), (
        "run: ruhu openapi --json mobile_spec/openapi.json"
    )


def test_every_reference_resolves() -> None:
    for reference in set(references(DOCUMENT)):
        assert reference.startswith("#/"), reference
        place: Any = DOCUMENT
        for part in reference[2:].split("/"):
            place = place[part.replace("~1", "/").replace("~0", "~")]
        assert isinstance(place, dict)


@each
@pytest.mark.asvs("v5.0.0-8.1.1")
def test_every_operation_says_what_it_is(method: str, path: str, operation: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"])
    assert " / " in operation["summary"], "Chinese / English"
    assert len(operation["tags"]) == 1
    assert operation["description"]
    in_path = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", path))
    assert all(parameter["required"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path")
    if method in {"put", "patch"}:
        assert operation["requestBody"]["required"]


@each
def test_every_operation_says_how_it_fails(method: str, path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    assert [status for status in responses if status.startswith("2")], (method, path)
    wanted = {"500", "503"}
    if operation["operationId"] not in OPEN and "security" in operation:
        wanted |= {"401", "403"}
    if "{" in path:
        wanted |= {"404"}
    assert wanted <= set(responses)
    for status in set(responses) & set(COMMON):
        assert responses[status]["content"][MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_every_problem_has_one_code_and_titles_in_two_languages() -> None:
    classes = all_problems()
    codes = [problem.code for problem in classes]
    assert sorted(set(codes)) == sorted(codes), sorted({code for code in codes if codes.count(code) > 1})
    for problem in classes:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", problem.code)
        assert re.search(r"[\u4e00-\u9fff]", problem.title_zh), problem.code
        assert re.fullmatch(r"[ -~–—’]+", problem.title_en), problem.code
        assert str(problem.status) in COMMON, problem.code
    answered = {int(status) for *_, operation in OPERATIONS for status in operation["responses"]}
    assert {problem.status for problem in classes} - {405} <= answered  # no operation answers another method
    assert [entry["code"] for entry in DOCUMENT["x-problems"]] == sorted(codes)
