"""Curve's pool of DAI, USDC, USDT and sUSD with its LP token."""

from devnet import addresses as a
from devnet.addresses import LP, TOKENS
from devnet.deployer import Deployer

AMPLIFICATION = 100
FEE = 4_000_000  # of 10^10: 0.04 %
USD_EACH = 5_000_000


def deploy(d: Deployer) -> None:
    """Put the LP token and the pool up."""
    coins = [TOKENS[symbol].address for symbol in a.CURVE_SUSD_COINS]
    lp_token = ("Curve.fi DAI/USDC/USDT/sUSD", "crvPlain3andSUSD", 18, 0)
    d.in_place(a.CURVE_SUSD_LP, d.init_code("CurveLP", "string,string,uint256,uint256", *lp_token), sender=LP)
    types = "address[4],address[4],address,uint256,uint256"
    code = d.init_code("CurveSusdPool", types, coins, coins, a.CURVE_SUSD_LP, AMPLIFICATION, FEE)
    d.in_place(a.CURVE_SUSD_POOL, code, sender=LP)
    d.box.send(LP, a.CURVE_SUSD_LP, "set_minter(address)", a.CURVE_SUSD_POOL)


def seed(d: Deployer) -> None:
    """Add the same value of each coin."""
    coins = tuple(TOKENS[symbol] for symbol in a.CURVE_SUSD_COINS)
    d.approve(LP, a.CURVE_SUSD_POOL, coins)
    amounts = [coin.units(USD_EACH) for coin in coins]
    d.box.send(LP, a.CURVE_SUSD_POOL, "add_liquidity(uint256[4],uint256)", amounts, 0)
