"""`equipoise report`: how a vault did, what is to be taxed, and whether all that tells of it agrees."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from keeper.cli.common import (
    CHAIN,
    Given,
    JsonOption,
    VaultArgument,
    address_of,
    client_of,
    print_json,
    takes,
    write,
)
from keeper.errors import ConfigurationError
from keeper.report.formats import Format
from keeper.report.lots import Method

if TYPE_CHECKING:
    from keeper.report.books import Books
    from keeper.report.performance import Performance

report_app = typer.Typer(help="Performance, tax and reconciliation of a vault.", no_args_is_help=True)

SinceOption = Annotated[str | None, typer.Option("--from", help="Block, or date and time (UTC); the first mint.")]
UntilOption = Annotated[str | None, typer.Option("--to", help="Block, or date and time (UTC); the latest block.")]
FirstOption = Annotated[
    int | None, typer.Option("--first-block", help="The vault's first block, where it cannot be searched for.")
]
MethodOption = Annotated[Method, typer.Option("--method", help="Which lots are disposed of first.")]


@report_app.command()
@takes(*CHAIN, "ledger_file")
def performance(
    given: Given,
    vault: VaultArgument,
    since: SinceOption = None,
    until: UntilOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with charts to this file.")] = None,
    method: MethodOption = Method.FIFO,
    grid: Annotated[int, typer.Option("--grid", min=0, help="Points beside those at which something happened.")] = 200,
    first_block: FirstOption = None,
    as_json: JsonOption = False,
) -> None:
    """NAV per share against hold and the targets, and what it cost; needs an archive node."""
    from keeper.cli import report_views
    from keeper.services import report

    address = address_of(vault)
    settings = given.settings()
    with _telling() as tell:
        past = report.read(client_of(settings).connect(), settings, address, since, until, first_block, grid, tell)
        found = report.performance_of(past)
        if html is not None:
            write(html, _page(found, report.books_of(past, method)))
    if as_json:
        print_json(report_views.of_performance(found))
    else:
        report_views.console().print(report_views.performance_view(found))


@report_app.command()
@takes(*CHAIN, "ledger_file")
def tax(
    given: Given,
    vault: VaultArgument,
    holders: Annotated[
        list[str] | None,
        typer.Option("--holder", help="An account's books in place of the vault's; all of one person."),
    ] = None,
    method: MethodOption = Method.FIFO,
    until: UntilOption = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the lines to this file.")] = None,
    style: Annotated[Format, typer.Option("--format", help="Of the CSV file.")] = Format.GENERIC,
    first_block: FirstOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lots, and the gain of every disposal, of the vault or of a holder; bookkeeping, not tax advice."""
    from keeper.cli import report_views
    from keeper.report import exports
    from keeper.services import report

    address, accounts = address_of(vault), [address_of(holder) for holder in holders or []]
    settings = given.settings()
    with _telling() as tell:
        past = report.read(client_of(settings).connect(), settings, address, None, until, first_block, 0, tell)
        books = report.books_of(past, method, accounts)
    if csv is not None:
        write(csv, exports.write(books, style, past.symbols, past.decimals))
    if as_json:
        print_json(report_views.of_books(books, past.symbols, past.decimals))
    else:
        report_views.console().print(report_views.books_view(books, past.symbols, past.decimals))


@report_app.command()
@takes(*CHAIN, "ledger_file")
def reconcile(
    given: Given,
    vault: VaultArgument,
    first_block: FirstOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whether ledger, events, lots and performance agree to the base unit; exits with 1 when they do not."""
    from keeper.cli import report_views
    from keeper.services import report

    address = address_of(vault)
    settings = given.settings()
    with _telling() as tell:
        checks = report.check(client_of(settings).connect(), settings, address, first_block, tell)
    if as_json:
        print_json(report_views.of_checks(checks))
    else:
        report_views.console().print(report_views.checks_view(checks))
    if not all(check.holds for check in checks):
        raise typer.Exit(1)


@contextmanager
def _telling() -> Iterator[Callable[[int, int], None]]:
    """Tells a person how far the logs were read."""
    with Console(stderr=True).status("Reading the vault's past") as status:
        yield lambda block, last: status.update(f"Reading logs: block {block:,} of {last:,}")


def _page(found: "Performance", books: "Books") -> str:
    try:
        from keeper.report import page
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"--html needs {error.name}: install the extra `research`") from None
    return page.render(found, found.symbols[found.vault], books)
