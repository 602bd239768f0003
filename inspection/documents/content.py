"""From material to what stands on the page: letters in sections, records in rows. Pure.

A document is data (JSON) that a template sets; no text of anybody's is ever part of the markup.
"""

import calendar
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from inspection.documents import records
from inspection.documents.letters import LETTERS
from inspection.documents.material import Issuer, Material, Signer, missing
from inspection.documents.vocabulary import TITLES, DocumentKind
from inspection.documents.wording import day, grouped, line, paragraphs, sentence

Content = dict[str, Any]
TEMPLATE_OF: Final[Mapping[DocumentKind, str]] = {
    kind: "letter" if kind in LETTERS else "record" for kind in DocumentKind
}
ROWS: Final[Mapping[DocumentKind, Callable[[Material], list[records.Row]]]] = {
    DocumentKind.RECEIPT: records.receipt,
    DocumentKind.VISIT_RECORD: records.visit_record,
}


def title(material: Material) -> str:
    """What the document is called."""
    return "陈述申辩及听证告知书" if material.hearing else TITLES[material.kind]


def compose(material: Material, *, number: str | None) -> Content:
    """The content of a document. `number` None: a draft, marked as one.

    Raises `ValueError` when anything that it needs is missing: a document has no blanks.
    """
    lacking = missing(material)
    if lacking:
        raise ValueError(f"the document lacks {', '.join(lacking)}")
    issuer, decider = signed(material)
    sections = LETTERS[material.kind](material) if material.kind in LETTERS else []
    return {
        "kind": material.kind.value,
        "template": TEMPLATE_OF[material.kind],
        "draft": number is None,
        "authority": line(issuer.name),
        "title": title(material),
        "number": number or "",
        "case_number": line(material.case_number),
        "addressees": "、".join(line(name) for name in material.addressees),
        "legal_basis": line(material.legal_basis or ""),
        "sections": [
            {"heading": f"{ORDINALS[index]}、{heading}", "paragraphs": parts}
            for index, (heading, parts) in enumerate(sections)
        ],
        "rows": [
            {"label": label, "paragraphs": list(parts)}
            for label, parts in (ROWS[material.kind](material) if material.kind in ROWS else [])
        ],
        "evidence": [
            {
                "n": str(position),
                "kind": proof.kind,
                "on": day(proof.on),
                "paragraphs": paragraphs(proof.text),
                "digest": grouped(proof.digest),
            }
            for position, proof in enumerate(material.evidence, start=1)
        ]
        if material.kind in LETTERS
        else [],
        "officers": "、".join(
            f"{line(officer.name)}（执法证号{line(officer.certificate)}）" for officer in material.officers
        ),
        "decider": f"{line(decider.name)}（执法证号{line(decider.certificate)}）",
        "contact": "，".join(
            f"{label}：{line(text)}" for label, text in (("地址", issuer.address), ("电话", issuer.phone)) if text
        ),
        "replaces": f"本文书替代已作废的{material.replaces}文书。" if material.replaces else "",
        "date": day(material.today),
        "stamp": calendar.timegm(material.today.timetuple()),
    }


def signed(material: Material) -> tuple[Issuer, Signer]:
    """Who issues it and who signs; every kind needs both. Raises `ValueError` without them."""
    if material.issuer is None or material.decider is None:
        raise ValueError("a document has an authority and an officer")
    return material.issuer, material.decider


def plain(content: Content) -> str:
    """The same as plain text, for screens."""
    parts: list[str] = [content["title"], f"文号：{content['number']}\n案号：{content['case_number']}"]
    if content["addressees"]:
        parts.append(f"{content['addressees']}：")
    for section in content["sections"]:
        parts.append("\n".join([section["heading"], *section["paragraphs"]]))
        if section["heading"].endswith("证据"):
            parts.append("\n".join(_proof(proof) for proof in content["evidence"]))
    parts.extend(f"{row['label']}：{' '.join(row['paragraphs'])}" for row in content["rows"])
    parts.extend(sentence(text) for text in (content["replaces"], content["contact"]) if text)
    if content["officers"]:
        parts.append(f"核查人员：{content['officers']}")
    parts.append(f"经办人：{content['decider']}")
    parts.append(f"{content['authority']}\n{content['date']}")
    return "\n\n".join(parts) + "\n"


def _proof(proof: Mapping[str, Any]) -> str:
    told: Sequence[str] = proof["paragraphs"]
    return f"  {proof['n']}. {proof['kind']}（{proof['on']}）：{' '.join(told)} SHA-256 {proof['digest']}"


ORDINALS: Final = "一二三四五六七八九十"
