"""`equipoise forecast` and `equipoise strategist`: how much prices are expected to move, and bands set by it."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keeper import settings as settings_module
from keeper.cli.common import (
    ChainOption,
    ConfigOption,
    JsonOption,
    KeyOption,
    LedgerOption,
    PasswordFdOption,
    PasswordOption,
    RpcOption,
    VaultArgument,
    address_of,
    ask_password,
    client_of,
    given,
    print_json,
)

strategist_app = typer.Typer(help="Set a vault's bands by forecasts of volatility.", no_args_is_help=True)

ForecasterOption = Annotated[
    str, typer.Option("--forecaster", help="auto, ewma, rm2006, garch, gjr, har or boosting; auto judges them all.")
]


def forecast(
    history: Annotated[Path, typer.Argument(help="CSV or Parquet of prices: a time, and a column for each asset.")],
    horizon: Annotated[int | None, typer.Option("--horizon", help="Bars ahead; those of a day when left out.")] = None,
    forecaster: ForecasterOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """How volatile assets are expected to be, by the forecaster that did best on their past, and why that one."""
    from keeper.cli import outlook_view, render
    from keeper.services.forecast import forecast as make

    found = make(history, horizon, forecaster)
    if as_json:
        print_json(outlook_view.payload_of_outlook(found))
    else:
        render.console().print(outlook_view.outlook_view(found))


@strategist_app.command()
def once(
    vault: VaultArgument,
    history: Annotated[
        Path | None, typer.Option("--history", help="Prices; those that the ledger has of the vault when left out.")
    ] = None,
    arm: Annotated[bool, typer.Option("--arm", help="Set the bands. Without it this is a dry run.")] = False,
    config: ConfigOption = None,
    rpc_url: RpcOption = None,
    chain_id: ChainOption = None,
    key_file: KeyOption = None,
    password_file: PasswordOption = None,
    password_fd: PasswordFdOption = None,
    ledger_file: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast, say how wide each band should be and may be set now; set them when armed."""
    from keeper import history as histories
    from keeper.cli import outlook_view, render
    from keeper.execution import signer as signers
    from keeper.execution.signer.gated import GatedSigner
    from keeper.ledger import Ledger
    from keeper.operations.assembly import Gate
    from keeper.services.strategist import strategist_pass

    address = address_of(vault)
    arguments = given(
        rpc_url, chain_id, None, key_file, password_file, password_fd=password_fd, ledger_file=ledger_file
    )
    settings = settings_module.load(config, arguments)
    prices = None if history is None else histories.read(history)
    client = client_of(settings)
    # Before anything is asked of the endpoint: what is wrong with the key needs no chain to be seen.
    signer = signers.of(settings, client, ask_password if sys.stdin.isatty() else None) if arm else None
    gate = Gate.of(settings)
    client.connect()
    ledger = Ledger.of(settings)
    try:
        refuse = partial(gate.refuse, settings.chain_id, "" if signer is None else signer.address, address)
        hand = None if signer is None else GatedSigner(signer, refuse)
        result = strategist_pass(client, settings, address, ledger, prices, hand)
    finally:
        ledger.close()
    if as_json:
        print_json(outlook_view.payload_of_bands(result))
    else:
        render.console().print(outlook_view.bands_view(result))
