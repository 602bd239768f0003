"""`python -m tests.asvs`: writes the second part of docs/security.md from docs/asvs.toml and the tests' markers.

A test bears `@pytest.mark.asvs("v5.0.0-6.2.1")` for a requirement of OWASP ASVS that it shows to be met. The file of
requirements has ids, levels and our own short words for what each asks; a requirement without a test has a reason.
Markers are read from the source, so that nothing need be imported.
"""

import ast
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "docs/asvs.toml"
PAGE = ROOT / "docs/security.md"
MARK = "<!-- below: python -m tests.asvs -->"
KINDS = {
    "design": "by design",
    "not-applicable": "not applicable",
    "operator": "the operator",
    "not-met": "**not met**",
}


def chapters() -> list[dict[str, Any]]:
    """The chapters with their requirements."""
    found: list[dict[str, Any]] = tomllib.loads(DATA.read_text(encoding="utf-8"))["chapter"]
    return found


def marked(decorators: list[ast.expr]) -> list[str]:
    """The ids in markers among expressions."""
    return [
        str(ast.literal_eval(call.args[0]))
        for call in decorators
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.asvs"
    ]


def parsed(source: str) -> ast.Module:
    """The syntax tree. Python 3.11 fails at making one once in a while (gh-106905), and succeeds at the next try."""
    for _ in range(5):
        try:
            return ast.parse(source)
        except SystemError:
            continue
    return ast.parse(source)


def markers() -> dict[str, list[str]]:
    """Requirement → the tests that show it (`tests/…::test_…`); a module's `pytestmark` stands for the module."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "mark.asvs" not in source:
            continue
        name = path.relative_to(ROOT).as_posix()
        for node in parsed(source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
                listed = node.value.elts if isinstance(node.value, ast.List) else [node.value]
                for requirement in marked(listed):
                    found[requirement].append(name)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for requirement in marked(node.decorator_list):
                    found[requirement].append(f"{name}::{node.name}")
    return dict(found)


def answer(requirement: dict[str, Any], tests: list[str]) -> str:
    """What answers a requirement, in a cell of the table."""
    parts = [f"`{test}`" for test in sorted(set(tests))]
    if "by" in requirement:
        parts.append(f"{KINDS[requirement['by']]}: {requirement['reason']}")
    return "; ".join(parts)


def generated() -> str:
    """The generated part of the page."""
    tests, lines = markers(), [MARK, "", "## OWASP ASVS 5.0.0, levels 1 and 2", ""]
    every = [one for chapter in chapters() for one in chapter["requirement"]]
    counts = {kind: sum(one.get("by") == kind for one in every) for kind in KINDS}
    tested = sum(one["id"] in tests for one in every)
    lines.append(
        f"{len(every)} requirements: {tested} shown by tests, {counts['design']} met by design, "
        f"{counts['not-applicable']} not applicable, {counts['operator']} the operator's, {counts['not-met']} not met."
    )
    lines += ["The words are ours and short; the standard's text decides.", ""]
    for chapter in chapters():
        lines += [f"### {chapter['number']} {chapter['title']}", ""]
        lines += ["| id | level | asks | answer |", "|---|---|---|---|"]
        for one in chapter["requirement"]:
            short = one["id"].removeprefix("v5.0.0-")
            lines.append(f"| {short} | {one['level']} | {one['says']} | {answer(one, tests.get(one['id'], []))} |")
        lines.append("")
    return "\n".join(lines)


def page() -> str:
    """The whole page: what people wrote above the mark, and what is generated."""
    return PAGE.read_text(encoding="utf-8").partition(MARK)[0] + generated()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
