"""`equipoise devnet`: start, end, look at and verify a box from the command line.

The commands raise the package's own errors; the program that mounts this app prints them as one line.
"""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from devnet import node
from devnet.box import Box
from devnet.verify import verify as run_checks

app = typer.Typer(
    name="devnet",
    help="A mainnet in a box: real contracts at their real addresses, on a local chain.",
    no_args_is_help=True,
)

Port = Annotated[int, typer.Option(help="TCP port on this machine.", min=1, max=65535)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def up(
    port: Port = node.DEFAULT_PORT,
    with_morpho: Annotated[bool, typer.Option(help="Add Morpho Blue, compiled the first time.")] = False,
    as_json: Json = False,
) -> None:
    """Start the box and leave it running; the first time it is downloaded and built."""
    box = node.up_detached(port, with_morpho=with_morpho)
    if as_json:
        _print_json({"running": True, **asdict(box)})
    else:
        typer.echo(f"{box.url}  (chain id 1, pid {box.pid}; end it with `equipoise devnet down`)")


@app.command()
def down(port: Port = node.DEFAULT_PORT, as_json: Json = False) -> None:
    """End the box that `up` left running."""
    ended = node.down(port)
    if as_json:
        _print_json({"ended": ended})
    else:
        typer.echo(f"the devnet on port {port} has ended" if ended else f"no devnet was running on port {port}")


@app.command()
def status(port: Port = node.DEFAULT_PORT, as_json: Json = False) -> None:
    """Tell whether the box runs, and where; exits with 1 when it does not."""
    box = node.status(port)
    height = int(Box(box.url).rpc("eth_blockNumber"), 16) if box else None
    if as_json:
        _print_json({"running": True, **asdict(box), "block": height} if box else {"running": False, "port": port})
    elif box:
        typer.echo(f"{box.url}  block {height}, pid {box.pid}" + (", with Morpho Blue" if box.with_morpho else ""))
    else:
        typer.echo(f"no devnet runs on port {port}: start one with `equipoise devnet up`")
    if box is None:
        raise typer.Exit(1)


@app.command()
def verify(
    url: Annotated[
        str, typer.Option(help="RPC of the box, or of an anvil that forks it.")
    ] = f"http://127.0.0.1:{node.DEFAULT_PORT}",
    as_json: Json = False,
) -> None:
    """Compare code hashes with mainnet's and trade through every router; exits with 1 when a check fails."""
    checks = run_checks(Box(url))
    if as_json:
        _print_json({"url": url, "checks": [asdict(check) for check in checks]})
    else:
        table = Table("", "check", "seen", box=None)
        for check in checks:
            table.add_row("[green]ok[/]" if check.passed else "[red]failed[/]", check.name, check.detail)
        Console().print(table)
    if not all(check.passed for check in checks):
        raise typer.Exit(1)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value))
