"""Morpho Blue with one market that lends USDC, for flash loans. An extra, since its compiler runs for minutes."""

from devnet import addresses as a
from devnet.addresses import LP, TOKENS
from devnet.deployer import Deployer

LLTV = 86 * 10**16
USD = 50_000_000
MARKET = "(address,address,address,address,uint256)"  # loan token, collateral, oracle, rate model, LLTV


def deploy(d: Deployer) -> None:
    """Put the singleton up, with the zero rate model and one loan-to-value allowed."""
    d.in_place(a.MORPHO_BLUE, d.init_code("Morpho", "address", a.MORPHO_OWNER))
    d.box.fund(a.MORPHO_OWNER)
    d.box.send(a.MORPHO_OWNER, a.MORPHO_BLUE, "enableIrm(address)", a.ZERO)
    d.box.send(a.MORPHO_OWNER, a.MORPHO_BLUE, "enableLltv(uint256)", LLTV)


def seed(d: Deployer) -> None:
    """Open a market of USDC against wstETH and lend to it."""
    usdc = TOKENS["USDC"]
    market = (usdc.address, TOKENS["wstETH"].address, a.ZERO, a.ZERO, LLTV)
    d.approve(LP, a.MORPHO_BLUE, (usdc,))
    d.box.send(LP, a.MORPHO_BLUE, f"createMarket({MARKET})", market)
    supply = f"supply({MARKET},uint256,uint256,address,bytes)"
    d.box.send(LP, a.MORPHO_BLUE, supply, market, usdc.units(USD), 0, LP, b"")
