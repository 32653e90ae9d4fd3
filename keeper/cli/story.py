"""The demo's story for people."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keeper.chain.snapshot import VaultSnapshot
from keeper.cli import render
from keeper.services.demo import Holding, Story


def tell(console: Console, story: Story) -> None:
    """Print what happened."""
    console.print()
    console.print(render.weights_table(story.minted, "After the deposits"))
    console.print(render.weights_table(story.before, "After the markets moved"))
    console.print(render.verdict(story.opened.plan))
    console.print(escape(render.cost_line(story.opened.plan)))
    for result in story.rebalances:
        if result.mined is not None:
            console.print(render.legs_table(result.mined.swaps, story.before, "Swaps, as the executor logged them"))
    console.print(render.weights_table(story.after, "After the rebalance", story.before))
    for mined in story.mined:
        console.print(escape(render.mined_line(mined)))
    console.print(
        f"\n[bold]Cost against the oracle: {float(story.cost_bps):.1f} bps[/], "
        f"{render.usd(story.value_out - story.value_in)} of the {render.usd(story.value_out)} sold"
    )
    console.print(_holdings(story.holdings, story.after))


def _holdings(holdings: tuple[Holding, ...], snapshot: VaultSnapshot) -> Table:
    table = Table(title="What the depositors hold", title_justify="left", title_style="bold")
    table.add_column("depositor")
    table.add_column("shares", justify="right")
    for asset in snapshot.assets:
        table.add_column(escape(asset.symbol), justify="right")
    table.add_column("worth", justify="right")
    for holding in holdings:
        table.add_row(
            holding.name,
            render.amount(holding.shares, 18),
            *(render.amount(holding.tokens[asset.symbol], asset.decimals) for asset in snapshot.assets),
            render.usd(holding.worth),
        )
    return table
