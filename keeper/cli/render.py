"""Tables and bars for people."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from keeper.chain.snapshot import VaultSnapshot
from keeper.chain.tokens import Token
from keeper.execution.receipt import Mined, Swap
from keeper.operations.breakers import mend
from keeper.operations.redaction import neutral
from keeper.policy import Kind
from keeper.routing import Certificate, Leg
from keeper.services.alternatives import Alternatives
from keeper.services.doctor import Row, Status
from keeper.services.plan import Plan
from keeper.services.route import SwapRoute
from keeper.services.status import KeeperStatus

WAD = 10**18
_BAR_HALF = 14  # characters from the target to the end of the bar, which shows two bands to each side
_KIND_STYLE = {Kind.OPEN: "bold yellow", Kind.REBALANCE: "bold green", Kind.WAIT: "bold cyan"}
_NEXT = {Kind.OPEN: "rebalance from", Kind.REBALANCE: "until", Kind.WAIT: "until"}
_STATUS_STYLE = {Status.OK: "green", Status.WARN: "yellow", Status.ERROR: "bold red"}
_VENUES = {
    "uniswap_v2": "Uniswap V2",
    "uniswap_v3": "Uniswap V3",
    "balancer_v2": "Balancer V2",
    "curve": "Curve",
    "erc4626": "ERC-4626",
    "wsteth": "wstETH",
    "velora": "Velora",
    "kyberswap": "KyberSwap",
    "openocean": "OpenOcean",
    "cow": "CoW",
}


def usd(value: int) -> str:
    """WAD USD."""
    return f"{value / WAD:,.2f} USD"


def percent(value: int) -> str:
    """A WAD share."""
    return f"{value / WAD:.2%}"


def amount(base_units: int, decimals: int) -> str:
    """Base units as whole tokens, to seven significant digits."""
    whole = base_units / 10**decimals
    return f"{whole:,.2f}" if abs(whole) >= 10_000 else f"{whole:,.7g}"


def exact_amount(base_units: int, decimals: int) -> str:
    """Base units as whole tokens, every digit of them."""
    whole, rest = divmod(base_units, 10**decimals)
    return f"{whole:,}" + (f".{rest:0{decimals}d}".rstrip("0") if rest else "")


def band_bar(weight: int, target: int, band: int) -> Text:
    """Where a weight stands: `|` the target, `[` and `]` the band, `●` the weight; all WAD."""
    cells = ["·"] * (2 * _BAR_HALF + 1)
    for column in range(_BAR_HALF // 2, _BAR_HALF + _BAR_HALF // 2 + 1):
        cells[column] = "─"
    cells[_BAR_HALF] = "|"
    cells[_BAR_HALF // 2], cells[_BAR_HALF + _BAR_HALF // 2] = "[", "]"
    place = _BAR_HALF + round((weight - target) * _BAR_HALF / (2 * band))
    inside = abs(weight - target) <= band
    text = Text("".join(cells))
    at = min(max(place, 0), 2 * _BAR_HALF)
    mark = "◄" if place < 0 else "►" if place > 2 * _BAR_HALF else "●"
    return Text.assemble(text[:at], (mark, "bold green" if inside else "bold red"), text[at + 1 :])


def weights_table(snapshot: VaultSnapshot, title: str, before: VaultSnapshot | None = None) -> Table:
    """Weights against targets and bands; with the weights of `before` beside them where given."""
    valuation = snapshot.priced()
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("asset")
    table.add_column("price", justify="right")
    table.add_column("held", justify="right")
    table.add_column("worth", justify="right")
    if before is not None:
        table.add_column("before", justify="right")
    table.add_column("weight", justify="right")
    table.add_column("target ± band", justify="right")
    table.add_column("twice the band to each side", justify="center")
    for i, asset in enumerate(snapshot.assets):
        price, weight = valuation.prices[i], valuation.weights[i]
        table.add_row(
            escape(asset.symbol),
            f"{price / WAD:,.4g}" if price < WAD * 1000 else f"{price / WAD:,.0f}",
            amount(asset.balance, asset.decimals),
            f"{asset.balance * price // 10**asset.decimals / WAD:,.0f}",
            *([] if before is None else [percent(before.priced().weights[i])]),
            percent(weight),
            f"{percent(asset.target)}{_leading_to(snapshot, i)} ± {percent(asset.band)}",
            band_bar(weight, asset.target, asset.band),
        )
    drift = percent(valuation.drift)
    if before is not None:
        drift = f"{percent(before.priced().drift)} → {drift}"
    table.caption = f"NAV {usd(valuation.nav)}, drift {drift}, block {snapshot.block.number}"
    if _targets_move(snapshot):
        schedule = snapshot.schedule
        table.caption += f"\nTargets move from {moment(schedule.start)} to {moment(schedule.end)}"
    table.caption_justify = "left"
    return table


def _targets_move(snapshot: VaultSnapshot) -> bool:
    """Whether a change of targets is ahead or under way."""
    return snapshot.block.timestamp < snapshot.schedule.end


def _leading_to(snapshot: VaultSnapshot, i: int) -> str:
    """An arrow to the target to come, where there is another."""
    final = snapshot.schedule.targets[i]
    return f" → {percent(final)}" if _targets_move(snapshot) and final != snapshot.assets[i].target else ""


def legs_table(legs: Iterable[Leg | Swap], snapshot: VaultSnapshot, title: str) -> Table:
    """Swaps in the order in which they run."""
    decimals = {asset.address: asset.decimals for asset in snapshot.assets}
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("venue", "pool"):
        table.add_column(heading)
    table.add_column("sells", justify="right")
    table.add_column("buys", justify="right")

    def side(token: str, base_units: int) -> str:
        known = decimals.get(token)
        text = f"{base_units:,} units of" if known is None else amount(base_units, known)
        return escape(f"{text} {snapshot.symbol_of(token)}")

    for leg in legs:
        table.add_row(
            _VENUES.get(leg.venue, leg.venue),
            leg.pool,
            side(leg.token_in, leg.amount_in),
            side(leg.token_out, leg.amount_out),
        )
    return table


def plan_view(plan: Plan) -> RenderableType:
    """What would be done now, and why."""
    snapshot, route = plan.snapshot, plan.route
    parts: list[RenderableType] = []
    title = f"{snapshot.name} ({snapshot.symbol}) {snapshot.address}"
    if snapshot.valuation is not None:
        parts.append(weights_table(snapshot, escape(title)))
    if route is not None:
        parts.append(legs_table(route.legs, snapshot, "Route"))
        parts.append(Text(cost_line(plan)))
        if route.certificate is not None:
            parts.append(Text(certificate_line(route.certificate)))
        if route.partial_reason is not None:
            parts.append(Text(f"Trades less than the vault allows: {route.partial_reason}"))
    parts.extend(Text(f"Left out: {lie.text}") for lie in plan.dropped)
    if plan.alternatives is not None and plan.alternatives.had_choice:
        parts.append(alternatives_table(plan.alternatives))
        if plan.call is not None and route is not None and plan.call.legs != route.legs:
            parts.append(legs_table(plan.call.legs, snapshot, "Swaps of the first"))
        parts.extend(Text(f"Not taken: {quote.reason}") for quote in plan.alternatives.quotes_left_out)
        parts.extend(Text(f"Worse than the reference: {line}", "yellow") for line in plan.alternatives.warnings)
    parts.append(verdict(plan))
    return Group(*parts)


def alternatives_table(found: Alternatives) -> Table:
    """The ways to rebalance, best first."""
    title = f"Ways to do it, by what the {found.beneficiary} ends with"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("way")
    for heading in ("ends with", "vault sells", "vault gets", "gas"):
        table.add_column(heading, justify="right")
    table.add_column("left out because")
    for each in found.candidates:
        run = each.simulation
        numbers = ("", "", "") if run is None else (usd(run.value_out), usd(run.value_in), f"{run.gas:,}")
        worth = "" if each.worth is None else usd(each.worth)
        table.add_row(escape(each.name), worth, *numbers, escape(each.left_out or ""))
    return table


def verdict(plan: Plan) -> Text:
    """The decision in one line, and what happens next."""
    decision = plan.decision
    text = Text.assemble((decision.kind.value.upper(), _KIND_STYLE[decision.kind]), f"  {decision.reason}")
    if decision.until is not None:
        text.append(f"\n{_NEXT[decision.kind]} {moment(decision.until)}, in {max(decision.until - plan.now, 0):,} s")
    return text


def cost_line(plan: Plan) -> str:
    """What a plan's route costs."""
    quote, route = plan.decision.quote, plan.route
    if quote is None or route is None:
        return ""
    gas = "gas of unknown worth" if quote.gas_cost is None else f"gas about {usd(quote.gas_cost)}"
    return (
        f"Sells {usd(quote.value_out)} for {usd(quote.value_in)} at oracle prices: "
        f"{float(route.cost_bps):.1f} bps, {gas}"
    )


def certificate_line(certificate: Certificate) -> str:
    """How far a route is from the best at most."""
    return (
        f"{_gap(certificate)}: worth {certificate.worth:,.2f} USD, counting {certificate.gas:,.2f} USD for the gas "
        f"of its swaps, the bound is {certificate.bound:,.2f} USD"
    )


def _gap(certificate: Certificate) -> str:
    return f"At most {certificate.gap_bps:.2f} bps from the best route"


def cost_certificate_line(certificate: Certificate) -> str:
    """As `certificate_line`, of a swap that buys all of an exact amount: it is what is sold that a route can save."""
    cost = certificate.turnover + certificate.gas
    return (
        f"{_gap(certificate)}: costs {cost:,.2f} USD, counting {certificate.gas:,.2f} USD for the gas of its "
        f"swaps, the bound is {cost - (certificate.bound - certificate.worth):,.2f} USD"
    )


def route_table(legs: Iterable[Leg], tokens: Mapping[str, Token], title: str) -> Table:
    """A route's swaps in the order in which they run, each with its share of what is there at its turn."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("venue", "pool"):
        table.add_column(heading)
    for heading in ("of what is there", "sells", "buys"):
        table.add_column(heading, justify="right")
    for leg in legs:
        token_in, token_out = tokens[leg.token_in], tokens[leg.token_out]
        table.add_row(
            _VENUES.get(leg.venue, leg.venue),
            leg.pool,
            percent(leg.share),
            escape(f"{amount(leg.amount_in, token_in.decimals)} {token_in.symbol}"),
            escape(f"{amount(leg.amount_out, token_out.decimals)} {token_out.symbol}"),
        )
    return table


def swap_route_view(found: SwapRoute) -> RenderableType:
    """A swap's route, and how good it is."""
    sold, bought, route, certificate = found.sold, found.bought, found.route, found.certificate
    table = route_table(route.legs, found.tokens, f"Route at block {found.block.number}")
    is_filled = found.is_exact_out and route.partial_reason is None
    gas = "of unknown worth" if found.eth_price is None else f"about {certificate.gas:,.2f} USD"
    lines = [
        f"Sells {exact_amount(found.amount_in, sold.decimals)} {sold.symbol} for "
        f"{exact_amount(found.amount_out, bought.decimals)} {bought.symbol}",
        f"Price {found.price:,.8g} {bought.symbol} per {sold.symbol}, {found.impact_bps:.2f} bps below the "
        f"{found.marginal_price:,.8g} that the first unit fetches",
        f"Gas of the swaps {route.gas:,} at {found.gas_price / 1e9:.3f} gwei, {gas}",
        cost_certificate_line(certificate) if is_filled else certificate_line(certificate),
        f"The bound covers every route on the {len(found.pools)} pools read that uses each at most once and runs in no "
        "circles, as far as their state was read",
        f"No oracle was asked: 1 {found.usd_token.symbol} counts as 1 USD, pools price the rest",
    ]
    if route.partial_reason is not None:
        lines.append(f"Trades less than was asked for: {route.partial_reason}")
    lines.append("Not simulated: the amounts are those of the pools' own arithmetic on their state at this block")
    return Group(table, *(Text(line) for line in lines))


def mined_line(mined: Mined) -> str:
    """One line for a mined transaction."""
    gas = f"gas {mined.gas_used:,} at {mined.gas_price / 1e9:.3f} gwei"
    if mined.value_out and mined.value_in is not None:
        cost = (mined.value_out - mined.value_in) * 10_000 / mined.value_out
        gas += f", {usd(mined.value_out)} out, {usd(mined.value_in)} in, cost {cost:.1f} bps"
    return f"{mined.mode} mined in block {mined.block_number}: {mined.hash}, {gas}"


def doctor_table(rows: Iterable[Row]) -> Table:
    """The doctor's checks."""
    table = Table(show_header=False, box=None)
    for row in rows:
        table.add_row(Text(row.status.value, _STATUS_STYLE[row.status]), row.check, escape(row.detail))
    return table


def status_view(found: KeeperStatus) -> RenderableType:
    """Kill switch, breakers, each vault's last decision, the last transactions."""
    switch = Text("Kill switch off", "green") if found.killed is None else Text(neutral(found.killed), "bold red")
    parts: list[RenderableType] = [switch]
    for breaker in found.breakers:
        text = (
            f"Breaker {breaker.name} of {breaker.scope} open since {moment(breaker.at)}: {breaker.why}; {mend(breaker)}"
        )
        parts.append(Text(neutral(text), "bold red"))
    if not found.decisions:
        return Group(*parts, Text("No decision is written down yet"))
    table = Table(title="Last decisions", title_justify="left", title_style="bold")
    for heading in ("chain", "vault", "at", "NAV USD", "drift", "decision", "reason", "until"):
        table.add_column(heading)
    for row in found.decisions:
        table.add_row(
            str(row.chain_id),
            row.vault,
            moment(row.at),
            "–" if row.nav is None else f"{int(row.nav) / WAD:,.0f}",
            "–" if row.drift is None else percent(int(row.drift)),
            row.kind + ("" if row.armed else " (dry)"),
            Text(neutral(row.reason)),
            "" if row.until is None else moment(row.until),
        )
    parts.append(table)
    if found.transactions:
        sent = Table(title="Last transactions", title_justify="left", title_style="bold")
        for heading in ("at", "nonce", "mode", "state", "hash", "error"):
            sent.add_column(heading)
        for tx in found.transactions:
            error = Text(neutral(tx.error or ""))
            sent.add_row(moment(tx.at), str(tx.nonce), tx.mode, tx.state.value, tx.hash or "–", error)
        parts.append(sent)
    return Group(*parts)


def moment(unix_s: int) -> str:
    """A point in time for people."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def console() -> Console:
    """Standard output; a pipe gets lines that are wide enough for the tables."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=140)
