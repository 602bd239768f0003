"""`ruhu demo`."""

import signal
import sys

import click

from api.cli.common import write_json


@click.command()
@click.option("--exit", "leave", is_flag=True, help="讲完即止 / end after the story.")
@click.option("--json", "json_to", is_flag=False, flag_value="-", default=None, metavar="[FILE]",
              help="写出结果（隐含 --exit） / write the result; implies --exit.")  # fmt: skip
@click.option("--language", type=click.Choice(["zh", "en"]), default=None, help="语言 / language (by locale).")
def demo(leave: bool, json_to: str | None, language: str | None) -> None:
    """演示 / Two months of gate events to a closed case on a simulated clock, then serves on loopback."""
    from api.demo.narrator import Narrator
    from api.demo.play import play
    from api.demo.stack import NotADemo
    from gate_integration.faces.sample_pictures import PicturesUnavailable

    narrator = Narrator(chinese=None if language is None else language == "zh")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        played = play(narrator)
    except (NotADemo, PicturesUnavailable) as error:
        raise click.ClickException(str(error)) from None
    try:
        result = {key: value for key, value in played.result.items() if key != "texts_en"}
        if json_to is not None:
            write_json(result, json_to)
        narrator.line(f"用时 {result['seconds']} 秒", f"{result['seconds']} seconds")
        if leave or json_to is not None:
            return
        narrator.farewell(played.stack.url, {p.login: p.password for p in played.players.values()})
        while True:
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        for player in played.players.values():
            player.close()
        played.stack.stop()
