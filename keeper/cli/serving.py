"""`equipoise serve`: the HTTP API, and the page where one is installed."""

import signal
from typing import Annotated

import typer

from keeper import settings as settings_module
from keeper.cli.common import ChainOption, ConfigOption, ExecutorOption, LedgerOption, RpcOption, address_of, given
from keeper.errors import ConfigurationError


def serve(
    vaults: Annotated[
        list[str] | None, typer.Argument(help="The vaults' addresses, in place of the settings'.", metavar="[VAULT...]")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 for one that is free.")] = 8080,
    config: ConfigOption = None,
    rpc_url: RpcOption = None,
    chain_id: ChainOption = None,
    executor: ExecutorOption = None,
    ledger_file: LedgerOption = None,
) -> None:
    """Serve the vaults over HTTP until SIGTERM: reads, quotes and unsigned transactions; signs and sends nothing."""
    try:
        from keeper.api import server
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"serve needs {error.name}: install the extra `serve`") from None
    arguments = given(rpc_url, chain_id, executor, ledger_file=ledger_file)
    if vaults:
        arguments["vaults"] = tuple(address_of(vault) for vault in vaults)
    chains = settings_module.load_chains(config, arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # the server ends by them, and the process then ends well
    server.run(chains, host, port, lambda url: typer.echo(f"Serving {url}"))
