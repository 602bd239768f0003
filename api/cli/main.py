"""`ruhu`: the command line. Commands are imported when they are asked for."""

import importlib
from typing import Any

import click

COMMANDS = {
    "serve": ("api.cli.run:serve", "提供接口服务 / serve the API and the gates"),
    "worker": ("api.cli.run:worker", "后台处理 / drain deliveries, run jobs"),
    "demo": ("api.cli.demo:demo", "演示 / the whole story on a simulated clock"),
    "db": ("api.cli.db:db", "数据库 / the database"),
    "user": ("api.cli.user:user", "用户 / users"),
    "basis": ("api.cli.basis:basis", "处理依据 / legal bases of processing"),
    "consent": ("api.cli.consent:consent", "同意 / consents"),
    "document": ("api.cli.document:document", "文书 / documents and who issues them"),
    "person": ("api.cli.person:person", "个人权利 / rights of the person, erasure"),
    "registry": ("api.cli.registry:registry", "住户登记 / the register"),
    "retention": ("api.cli.retention:retention", "保存期限 / what is kept how long"),
    "enrol": ("api.cli.enrol:enrol", "人脸建档 / enrolment of faces"),
    "gate": ("api.cli.gate:gate", "门禁设备 / gate devices"),
    "objects": ("api.cli.objects:objects", "文件存储 / the object store"),
    "audit": ("api.cli.audit:audit", "审计记录 / the audit log"),
    "keys": ("api.cli.keys:keys", "密钥 / keys, and replacing them"),
    "bench": ("api.cli.bench:bench", "性能测量 / measurements"),
    "openapi": ("api.cli.run:openapi", "接口文档 / print the OpenAPI document"),
}


class LazyGroup(click.Group):
    """Knows its commands by name and imports one only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found: Any = getattr(importlib.import_module(module), attribute)
        return found  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Ruhu 入户：公租房入户走访与门禁核查 / inspections of public rental housing."""
