"""`equipoise history`: get prices over time, and look at what a file of them holds."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keeper import settings as settings_module
from keeper.cli.common import ConfigOption, JsonOption, print_json
from keeper.errors import HistoryError

if TYPE_CHECKING:
    from keeper.history.prices import PriceHistory
    from keeper.history.summary import Summary

history_app = typer.Typer(help="Get prices over time, and look at them.", no_args_is_help=True)

OutOption = Annotated[Path, typer.Option("--out", help="File to write, .csv or .parquet.", show_default=False)]
StepOption = Annotated[str, typer.Option("--step", help="Time between bars, as in 5m, 1h or 1d.")]
GapOption = Annotated[int, typer.Option("--max-gap", help="Bars in a row that may repeat a price.", min=0)]
_GAPS_SHOWN = 10


@history_app.command()
def download(
    source: Annotated[str, typer.Argument(help="binance, coingecko or coinmetrics.")],
    assets: Annotated[
        list[str], typer.Argument(help="Names and what the source calls them: WETH=ETHUSDT.", metavar="ASSET=ID...")
    ],
    out: OutOption,
    start: Annotated[str, typer.Option("--from", help="First bar, as in 2024-01-01.", show_default=False)],
    end: Annotated[str | None, typer.Option("--to", help="Last bar; now without it.")] = None,
    step: StepOption = "1h",
    max_gap: GapOption = 3,
    url: Annotated[str | None, typer.Option("--url", help="Another server of the source.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download prices into a file, or continue the file that is there; goes on where it was when it is run again."""
    from keeper.history.download import download as get
    from keeper.history.moments import span, unix
    from keeper.history.server import Patience
    from keeper.history.sources import SOURCES

    if source not in SOURCES:
        raise HistoryError(f"source {source!r} is unknown: use one of {', '.join(SOURCES)}")
    settings = settings_module.load(config)
    wanted = settings.history
    key = settings_module.api_key(wanted.coingecko_api_key, wanted.coingecko_api_key_file)
    patience = Patience(timeout_s=settings.request_timeout_s, attempts=settings.read_attempts)
    steps = Console(stderr=True, highlight=False)
    found = get(
        SOURCES[source](url, key, patience),
        {name: identifier for name, (identifier,) in pairs(assets).items()},
        unix(start),
        None if end is None else unix(end),
        span(step),
        max_gap,
        out,
        lambda line: steps.print(f"[dim]…[/] {escape(line)}"),
    )
    _show(found, as_json)


@history_app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="binance, coingecko or coinmetrics.", metavar="FORMAT")],
    assets: Annotated[
        list[str], typer.Argument(help="Names and files; several of one name are joined.", metavar="ASSET=FILE...")
    ],
    out: OutOption,
    step: StepOption = "1h",
    max_gap: GapOption = 3,
    as_json: JsonOption = False,
) -> None:
    """Put files of a source on one axis of time, into one file."""
    from keeper.history import align, read_series, write
    from keeper.history.moments import span

    histories = [read_series(kind, name, [Path(file) for file in files]) for name, files in pairs(assets).items()]
    found = align(histories, span(step), max_gap)
    write(found, out)
    _show(found, as_json)


@history_app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A history, .csv or .parquet.", metavar="FILE")],
    as_json: JsonOption = False,
) -> None:
    """Bars, span, gaps, annual volatility and correlation."""
    from keeper.history import read

    _show(read(file), as_json)


def pairs(texts: Sequence[str]) -> dict[str, list[str]]:
    """What stands after each name, in the order of the names.

    :raises HistoryError: one is no `NAME=VALUE`
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name or not value:
            raise HistoryError(f"{text!r}: write it as NAME=VALUE, as in WETH=ETHUSDT")
        found.setdefault(name, []).append(value)
    return found


def _show(history: "PriceHistory", as_json: bool) -> None:
    from keeper.cli import render
    from keeper.history.summary import summarise

    found = summarise(history)
    if as_json:
        print_json(payload(found))
        return
    console = render.console()
    console.print(_table(found))
    for line in _lines(found):
        console.print(line)


def payload(found: "Summary") -> dict[str, Any]:
    """A summary as JSON. Numbers that nobody knows are null."""
    rows = zip(found.assets, found.volatility, found.drawdown, found.growth, found.flat, strict=True)
    names = ("asset", "volatility", "drawdown", "growth", "flat")
    return {
        "bars": found.bars,
        "first": found.first,
        "last": found.last,
        "step_s": found.step_s,
        "gaps": [{"after": gap.after, "before": gap.before, "bars": gap.bars} for gap in found.gaps],
        "assets": [dict(zip(names, row, strict=True)) for row in rows],
        "correlation": [[None if math.isnan(each) else each for each in row] for row in found.correlation],
    }


def _table(found: "Summary") -> Table:
    table = Table(title="Each asset, and how its log returns go with the others'", title_justify="left")
    table.add_column("asset")
    for name in ("volatility a year", "drawdown", "last / first", "unmoved", *map(escape, found.assets)):
        table.add_column(name, justify="right")
    for place, asset in enumerate(found.assets):
        table.add_row(
            escape(asset),
            f"{found.volatility[place]:.1%}",
            f"{found.drawdown[place]:.1%}",
            f"{found.growth[place]:.3g}",
            f"{found.flat[place]:.1%}",
            *("–" if math.isnan(each) else f"{each:.2f}" for each in found.correlation[place]),
        )
    return table


def _lines(found: "Summary") -> list[str]:
    from keeper.history.moments import iso

    lines = [f"{found.bars:,} bars every {found.step_s:g} s, {iso(found.first)} to {iso(found.last)}"]
    if not found.gaps:
        return [*lines, "No gaps"]
    missing = sum(gap.bars for gap in found.gaps)
    lines.append(f"{len(found.gaps)} gaps, {missing:,} bars missing")
    lines += [f"  {iso(gap.after)} to {iso(gap.before)}: {gap.bars:,} bars" for gap in found.gaps[:_GAPS_SHOWN]]
    return lines + ([f"  and {len(found.gaps) - _GAPS_SHOWN} more"] if len(found.gaps) > _GAPS_SHOWN else [])
