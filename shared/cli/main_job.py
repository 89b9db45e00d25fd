"""The command that runs the demo: a platform as a child process, and the year of The Complete Journey over HTTP."""

from pathlib import Path
from typing import Annotated, Final

import typer

from shared.cli.child import ChildPlatform
from shared.cli.options import DATA, AsJson, Bus, Data, OnBus
from shared.cli.places import token_for
from shared.cli.terminal import Exit, fail, output, print_json, words

SIMULATED_FROM: Final = "2016-11-01T00:00:00Z"


def demo(
    data: Data = DATA,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the platform; 0 takes a free one.")] = 0,
    report: Annotated[Path, typer.Option(help="Where the report page goes.")] = Path("report.html"),
    bus: OnBus = Bus.EMBEDDED,
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the platform running afterwards, until ctrl-C.")] = False,
) -> None:
    """Run the main job on real purchases and check it; exits with 3 when a check fails. A run that was stopped goes on."""
    from demo import report as telling
    from demo.api import Gone, Platform, Unexpected
    from demo.run import read_input, run

    words.print("Clo on The Complete Journey: a year of real purchases, through the public HTTP interface.")
    with ChildPlatform(data, port=port, simulated_from=SIMULATED_FROM, bus=bus) as child:
        words.print(f"The platform listens at {child.base_url}; its data lies in {data}. Reading a year of baskets ...")
        platform = Platform(base_url=child.base_url, token=lambda who, scopes: token_for(data, who, scopes), alive=child.alive)
        try:
            story = run(read_input(), platform, words)
        except FileNotFoundError as error:
            fail(str(error))
        except (Gone, Unexpected) as error:
            fail(str(error) if child.alive() else f"The platform died in the middle: {error}\nRun the demo again: it goes on.")
        report.write_text(telling.write_page(story), encoding="utf-8")
        if as_json:
            print_json(telling.summary(story))
        else:
            telling.print_summary(story, output())
        words.print(f"The report is in {report.resolve()}.")
        if keep:
            words.print(f"The platform keeps running at {child.base_url}. Ctrl-C stops it.")
            child.wait()
    if failed := [check.name for check in story.checks if not check.ok]:
        fail(f"{len(failed)} of {len(story.checks)} checks fail: {'; '.join(failed)}.", Exit.CHECK_FAILED)
    words.print(f"All {len(story.checks)} checks hold.", style="bold green")
