"""What verification finds, named: one code for each kind of tampering, in Chinese and English."""

import uuid
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """What is wrong. The value stands in the JSON report."""

    ENTRY_ALTERED = "entry-altered"
    ENTRY_DELETED = "entry-deleted"
    ENTRY_INSERTED = "entry-inserted"
    PAYLOAD_ALTERED = "payload-altered"
    PAYLOAD_INSERTED = "payload-inserted"
    PAYLOADS_MISSING = "payloads-missing"
    LINK_ALTERED = "link-altered"
    LINK_DELETED = "link-deleted"
    LINK_BROKEN = "link-broken"
    ROW_OR_LINK_ALTERED = "row-or-link-altered"
    TAIL_WITHOUT_HEAD = "tail-without-head"
    TAIL_CUT = "tail-cut"
    HEAD_ALTERED = "head-altered"
    HEAD_MISPLACED = "head-misplaced"
    HEAD_UNSIGNED = "head-unsigned"
    HEAD_DIFFERS = "head-differs"
    COPY_MISSING = "copy-missing"
    COPY_DIFFERS = "copy-differs"
    COPY_FORGED = "copy-forged"


WORDS: dict[Code, tuple[str, str]] = {
    Code.ENTRY_ALTERED: ("审计记录被改动或调换", "the audit row was altered or exchanged for another"),
    Code.ENTRY_DELETED: ("审计记录被删除", "the audit row was deleted"),
    Code.ENTRY_INSERTED: ("有未经封存而插入的审计记录", "an audit row was put in behind the sealer's back"),
    Code.PAYLOAD_ALTERED: ("审计记录的附加内容被改动", "the payload of the audit row was altered"),
    Code.PAYLOAD_INSERTED: ("审计记录被添加了附加内容", "a payload was added to an audit row that had none"),
    Code.PAYLOADS_MISSING: ("附加内容缺失，且没有相应的删除记录", "payloads are gone that no recorded erasure took"),
    Code.LINK_ALTERED: ("链条记录被改动", "the link was altered"),
    Code.LINK_DELETED: ("链条中有记录被删除", "links are missing from the chain"),
    Code.LINK_BROKEN: ("链条在此断开：记录被插入、删除或重写", "rows were put in, removed or written anew here"),
    Code.ROW_OR_LINK_ALTERED: ("审计记录或其链条记录被改动", "the audit row or its link was altered"),
    Code.TAIL_WITHOUT_HEAD: ("链条末端没有签名", "the end of the chain carries no signed head"),
    Code.TAIL_CUT: ("链条末端被截去", "the end of the chain was cut off"),
    Code.HEAD_ALTERED: ("签名摘要被改动：签名不符", "the head was altered: its signature does not fit"),
    Code.HEAD_MISPLACED: ("签名摘要的顺序不符：被调换、删除或插入", "the head does not follow the one before it"),
    Code.HEAD_UNSIGNED: ("签名摘要由未知的密钥签署", "the head is signed by a key that is not known"),
    Code.HEAD_DIFFERS: ("链条与签名摘要不符：整段被重写", "the chain is not the one that was signed"),
    Code.COPY_MISSING: ("签名摘要的副本缺失", "the copy of the head is missing"),
    Code.COPY_DIFFERS: ("签名摘要与副本不符", "the head and its copy differ"),
    Code.COPY_FORGED: ("文件存储中有伪造的签名摘要副本", "there is a copy of a head that we never signed"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `sequence`, `epoch`: where in the chain or among the heads; `entry_id`: of which row."""

    code: Code
    sequence: int | None = None
    entry_id: uuid.UUID | None = None
    epoch: int | None = None
    detail: str = ""

    @property
    def zh(self) -> str:
        """In Chinese."""
        return WORDS[self.code][0]

    @property
    def en(self) -> str:
        """In English."""
        return WORDS[self.code][1]
