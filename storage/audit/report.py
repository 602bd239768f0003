"""The outcome of a verification, for people and for programs."""

from typing import Any

from storage.audit.faults import Fault
from storage.audit.verify import Loss, Report
from storage.clock import SHANGHAI


def as_json(report: Report) -> dict[str, Any]:
    """For programs; `first` is the first thing that is wrong."""
    head = report.head
    return {
        "sound": report.sound,
        "sealed": report.tally.links,
        "unsealed": report.unsealed,
        "oldest_unsealed": report.oldest_unsealed and report.oldest_unsealed.isoformat(),
        "payloads": report.tally.payloads,
        "erased": report.tally.erased,
        "heads": report.tally.heads,
        "copies": report.copies,
        "head": head and {
            "epoch": head.epoch, "sequence": head.sequence, "digest": head.digest.hex(), "at": head.at.isoformat(),
            "key_id": head.key_id,
        },
        "first": _fault(report.faults[0]) if report.faults else None,
        "faults": [_fault(fault) for fault in report.faults],
        "more_faults": report.more,
        "lost_by_restores": [_loss(loss) for loss in report.losses],
    }  # fmt: skip


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "code": fault.code.value,
        "zh": fault.zh,
        "en": fault.en,
        "sequence": fault.sequence,
        "entry_id": fault.entry_id and str(fault.entry_id),
        "epoch": fault.epoch,
        "detail": fault.detail,
    }


def _loss(loss: Loss) -> dict[str, Any]:
    return {
        "epoch": loss.epoch,
        "first": loss.first,
        "last": loss.last,
        "restored_at": loss.restored_at.isoformat(),
        "backup_id": loss.backup_id and str(loss.backup_id),
        "backup_taken_at": loss.backup_taken_at and loss.backup_taken_at.isoformat(),
    }


def as_text(report: Report) -> list[str]:
    """For people, in Chinese and English, the verdict first."""
    tally = report.tally
    if report.sound:
        lines = [f"审计记录完好：{tally.links} 条已核验 / the audit log is sound: {tally.links} rows checked"]
    else:
        lines = ["审计记录有误，第一处 / the audit log is NOT sound, first of all:", *_told(report.faults[0])]
        for fault in report.faults[1:]:
            lines += _told(fault)
        if report.more:
            lines.append(f"  另有 {report.more} 处 / and {report.more} more")
    lines.append(
        f"签名摘要 {tally.heads}，副本 {report.copies}，附加内容 {tally.payloads}（已依法删除 {tally.erased}） / "
        f"heads {tally.heads}, copies {report.copies}, payloads {tally.payloads} (erased {tally.erased})"
    )
    if report.head is not None:
        head = report.head
        lines.append(f"末端 / head: {head.epoch}-{head.sequence} {head.digest.hex()}")
    if report.unsealed:
        lines.append(f"待封存 {report.unsealed} 条 / {report.unsealed} rows wait to be sealed")
    for loss in report.losses:
        at = loss.restored_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        lines.append(
            f"第 {loss.epoch} 期第 {loss.first}–{loss.last} 条因 {at} 恢复至备份 {loss.backup_id} 而丢失 / "
            f"rows {loss.first}–{loss.last} of epoch {loss.epoch} were lost by the restore of {at} "
            f"to backup {loss.backup_id}"
        )
    return lines


def _told(fault: Fault) -> list[str]:
    where = [
        f"{name} {value}"
        for name, value in (
            ("序号 sequence", fault.sequence),
            ("记录 entry", fault.entry_id),
            ("期 epoch", fault.epoch),
            ("", fault.detail),
        )
        if value not in (None, "")
    ]
    return [f"  {fault.zh} / {fault.en} [{fault.code}]", "    " + "；".join(where)]
