"""`ruhu objects`."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

import click

from api.cli.common import EXIT_PROBLEM, json_option, open_house, run_async, settings, write_json

if TYPE_CHECKING:
    from storage.objects.check import Faulty, Report
    from storage.objects.store import StoreFailed

EXIT_STORE = 4
SHOWN = 20


@click.group()
def objects() -> None:
    """文件存储 / The object store."""


def fail_store(error: "StoreFailed") -> NoReturn:
    """Says why the store cannot do it, and ends with exit code 4."""
    click.echo(error.sentence, err=True)
    sys.exit(EXIT_STORE)


@objects.command()
def init() -> None:
    """准备存储 / Makes the bucket or folder that OBJECT_STORE_URL names, if it is not there, and tries it out."""
    from api.house import store_for
    from storage.objects.s3 import S3Store
    from storage.objects.store import StoreFailed

    store = store_for(settings())
    try:
        made = store.create() if isinstance(store, S3Store) else False
        store.check()
        concerns = store.concerns() if isinstance(store, S3Store) else []
    except StoreFailed as error:
        fail_store(error)
    click.echo("存储桶已创建 / bucket made" if made else "存储可用 / the store works")
    if isinstance(store, S3Store):
        click.echo(
            "服务器拒绝覆盖已有文件 / the server refuses to overwrite"
            if store.honours
            else "服务器不支持条件写入，由程序避免覆盖 / no conditional writes: the program avoids overwriting"
        )
    for concern in concerns:
        click.echo(f"注意 / note: {concern}", err=True)


@objects.command()
@click.option("--deep", is_flag=True, help="逐个解密核对 / read and open every object.")
@json_option
@run_async
async def check(json_to: str | None, *, deep: bool) -> None:
    """核对文件 / Compares the rows of objects with the store and names each that is missing or damaged.

    退出码：0 完好；1 有缺失或损坏；4 存储不可用。Exit codes: 0 sound, 1 missing or damaged, 4 no answer.
    """
    from storage.objects.check import check_objects
    from storage.objects.store import StoreFailed

    def progress(count: int) -> None:
        click.echo(f"已核对 {count} / {count} looked at", err=True)

    async with open_house() as house:
        try:
            report = await check_objects(house.database, house.objects, now=house.clock.now(), deep=deep, say=progress)
        except StoreFailed as error:
            fail_store(error)
    if json_to is not None:
        write_json(as_json(report), json_to)
    else:
        tell(report)
    if not report.sound:
        sys.exit(EXIT_PROBLEM)


@objects.command()
@click.argument("from_url")
@click.argument("to_url")
@click.option("--parallel", type=click.IntRange(1, 32), default=4, help="同时复制数 / objects at a time.")
@json_option
def copy(from_url: str, to_url: str, json_to: str | None, *, parallel: int) -> None:
    """迁移文件 / Copies every object from one store to another, encrypted as they are, and reads each copy back.

    地址同 OBJECT_STORE_URL。可中断、可重复执行。URLs as in OBJECT_STORE_URL; to be repeated at will. Credentials:
    OBJECT_STORE_ACCESS_KEY and OBJECT_STORE_SECRET_KEY(_FILE); a target with others of its own: TO_OBJECT_STORE_….

    退出码：0 全部一致；1 有不同或失败；3 设置有误；4 存储不可用。Exit codes: 0 all there, 1 some differ or failed,
    3 settings, 4 no answer.
    """
    import os

    from api.cli.common import fail_settings
    from api.house import store_at
    from storage.objects.address import parse
    from storage.objects.copy import Copied, copy_objects
    from storage.objects.store import StoreFailed
    from storage.settings import SettingsError, load

    if not urls_differ(from_url, to_url):
        raise click.UsageError("两个地址相同 / both addresses are the same")
    try:
        source = load({**os.environ, "OBJECT_STORE_URL": from_url})
        target = load({**os.environ, **of_target(os.environ), "OBJECT_STORE_URL": to_url})
    except SettingsError as error:
        fail_settings(error)

    def progress(done: Copied) -> None:
        if done.seen % 100 == 0:
            click.echo(f"已处理 {done.seen}，{done.bytes_copied >> 20} MiB / {done.seen} done", err=True)

    try:
        store = store_at(parse(to_url), target)
        store.check()
        done = copy_objects(store_at(parse(from_url), source), store, at_once=parallel, say=progress)
    except StoreFailed as error:
        fail_store(error)
    if json_to is not None:
        write_json(
            {
                "complete": done.complete, "copied": done.copied, "same": done.same, "vanished": done.vanished,
                "bytes_copied": done.bytes_copied, "different": done.different, "failed": done.failed,
            },
            json_to,
        )  # fmt: skip
    else:
        click.echo(
            f"复制 {done.copied}，已有 {done.same}，期间删除 {done.vanished} / "
            f"{done.copied} copied, {done.same} there already, {done.vanished} deleted meanwhile"
        )
        for words, keys in (("不同 / different", done.different), ("失败 / failed", done.failed)):
            for key in keys:
                click.echo(f"{words}: {key}")
        if done.last_failure is not None:
            click.echo(done.last_failure.sentence, err=True)
    if not done.complete:
        sys.exit(EXIT_PROBLEM)


def urls_differ(one: str, other: str) -> bool:
    """Whether two URLs name different places; what cannot be read is left to the settings to explain."""
    from storage.objects.address import BadAddress, parse

    try:
        return parse(one) != parse(other)
    except BadAddress:
        return True


def of_target(environ: Mapping[str, str]) -> dict[str, str]:
    """The target's own credentials, where `TO_OBJECT_STORE_*` gives some."""
    names = ("ACCESS_KEY", "ACCESS_KEY_FILE", "SECRET_KEY", "SECRET_KEY_FILE", "CA_FILE")
    own = {f"OBJECT_STORE_{name}": environ.get(f"TO_OBJECT_STORE_{name}", "") for name in names}
    return own if any(own.values()) else {}


def as_json(report: "Report") -> dict[str, object]:
    """A report as JSON: ids, kinds and estates, nothing of any content."""

    def faulty(found: "list[Faulty]") -> list[dict[str, object]]:
        return [
            {"object_id": one.object_id, "estate_id": one.estate_id, "kind": one.kind, "created_at": one.created_at}
            for one in found
        ]

    return {
        "sound": report.sound, "deep": report.deep, "kept": report.kept, "stored": report.stored, "read": report.read,
        "missing": faulty(report.missing), "damaged": faulty(report.damaged), "keyless": faulty(report.keyless),
        "left_over": report.left_over, "orphans": report.orphans, "strange": report.strange, "young": report.young,
    }  # fmt: skip


def tell(report: "Report") -> None:
    """A report for people."""
    click.echo(f"应有 {report.kept}，存有 {report.stored} / {report.kept} to be kept, {report.stored} stored")
    if report.deep:
        click.echo(f"已解密核对 {report.read} / {report.read} opened")
    else:
        click.echo("未逐个解密核对（--deep）/ not opened one by one (--deep)")
    for words, found in (
        ("缺失 / missing", report.missing),
        ("损坏 / damaged", report.damaged),
        ("密钥已销毁 / key destroyed", report.keyless),
    ):
        for one in found:
            click.echo(f"{words}: {one.object_id}  {one.kind}  {one.estate_id}  {one.created_at:%Y-%m-%d}")
    for words, names in (
        ("已销毁但内容仍在 / destroyed, bytes still there", report.left_over),
        ("无记录 / without a row", report.orphans),
        ("名称不明 / strange name", report.strange),
    ):
        if names:
            click.echo(f"{words}: {len(names)}")
            for name in names[:SHOWN]:
                click.echo(f"  {name}")
            if len(names) > SHOWN:
                click.echo(f"  … {len(names) - SHOWN} (--json)")
    click.echo("完好 / sound" if report.sound else "有缺失或损坏 / something is missing or damaged")
