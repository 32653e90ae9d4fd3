"""`equipoise forecast` and `equipoise strategist`: how much prices are expected to move, and bands set by it."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keeper.cli.common import (
    CHAIN,
    KEY,
    Given,
    JsonOption,
    VaultArgument,
    address_of,
    client_of,
    print_json,
    signer_of,
    takes,
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
@takes(*CHAIN, *KEY, "ledger_file")
def once(
    given: Given,
    vault: VaultArgument,
    history: Annotated[
        Path | None, typer.Option("--history", help="Prices; those that the ledger has of the vault when left out.")
    ] = None,
    arm: Annotated[bool, typer.Option("--arm", help="Set the bands. Without it this is a dry run.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forecast, say how wide each band should be and may be set now; set them when armed."""
    from keeper import history as histories
    from keeper.cli import outlook_view, render
    from keeper.execution.signer.gated import GatedSigner
    from keeper.ledger import Ledger
    from keeper.operations.assembly import Gate
    from keeper.services.strategist import strategist_pass

    address = address_of(vault)
    settings = given.settings()
    prices = None if history is None else histories.read(history)
    client = client_of(settings)
    # Before anything is asked of the endpoint: what is wrong with the key needs no chain to be seen.
    signer = signer_of(settings, client, arm)
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
