"""`ruhu db`."""

import click

from api.cli.common import open_house, run_async


@click.group()
def db() -> None:
    """数据库 / The database."""


@db.command()
@run_async
async def upgrade() -> None:
    """升级到当前版本 / Brings the database to this release's schema; harmless when it is there."""
    async with open_house() as house:
        from storage.migrations.runner import newest

        click.echo(f"{newest()} {house.settings.database_name}")
