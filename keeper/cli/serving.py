"""`equipoise serve`: the HTTP API, and the page where one is installed."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keeper import settings as settings_module
from keeper.cli.common import CHAIN, Given, address_of, show, takes
from keeper.errors import ConfigurationError, ToolchainError

if TYPE_CHECKING:
    from keeper.services.demo import Stage


@takes(*CHAIN, "executor", "zap", "ledger_file")
def serve(
    given: Given,
    vaults: Annotated[
        list[str] | None, typer.Argument(help="The vaults' addresses, in place of the settings'.", metavar="[VAULT...]")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 for one that is free.")] = 8080,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Whether to serve the page beside the API.")] = True,
) -> None:
    """Serve the vaults over HTTP until SIGTERM: reads, quotes and unsigned transactions; signs and sends nothing."""
    try:
        from keeper.api import server
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"serve needs {error.name}: install the extra `serve`") from None
    arguments = dict(given.values)
    if vaults:
        arguments["vaults"] = tuple(address_of(vault) for vault in vaults)
    chains = settings_module.load_chains(given.config, arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # the server ends by them, and the process then ends well
    server.run(chains, host, port, lambda url: typer.echo(f"Serving {url}"), _page() if page else None)


def page_shower() -> "Callable[[Stage, int, Callable[[str], None]], None]":
    """What serves the demo's page.

    :raises ConfigurationError: the extra is missing
    """
    try:
        from keeper.cli.showing import show_demo
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"the page needs {error.name}: install the extra `serve`") from None
    return show_demo


def _page() -> Path | None:
    """The page's folder; None, with a line that says why, where it cannot be built: the API needs none."""
    from keeper.page import ensure_page

    try:
        return ensure_page()
    except ToolchainError as error:
        show(ToolchainError(f"{error}; the API is served without the page"))
        return None
