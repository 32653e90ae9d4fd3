"""The proof of a box holds on a good one, fails on a bad one, and leaves no trace."""

from decimal import Decimal

from devnet import addresses as a
from devnet import market
from devnet.box import Box
from devnet.verify import Check, verify


def failures(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if not check.passed}


def test_verify__fresh_box__passes_and_leaves_no_trace(box: Box) -> None:
    height, balance = box.rpc("eth_blockNumber"), box.balance(a.TOKENS["USDC"].address, a.LP)
    checks = verify(box)
    assert failures(checks) == set()
    assert len(checks) >= 20
    assert box.rpc("eth_blockNumber") == height
    assert box.balance(a.TOKENS["USDC"].address, a.LP) == balance


def test_verify__after_markets_moved__still_passes(box: Box) -> None:
    market.move_price(box, "WETH", Decimal(2500))
    assert failures(verify(box)) == set()


def test_verify__one_byte_of_code_changed__names_the_contract(box: Box) -> None:
    code = bytearray(box.code(a.V3_QUOTER_V2))
    code[-1] ^= 1
    box.rpc("anvil_setCode", a.V3_QUOTER_V2, "0x" + code.hex())
    checks = verify(box)
    assert failures(checks) == {"code equals the published mainnet code"}
    assert a.V3_QUOTER_V2 in next(check.detail for check in checks if not check.passed)


def test_verify__stale_feeds_and_an_empty_pair__fails_where_it_should(box: Box) -> None:
    market.warp(box, 3600, refresh_feeds=False)
    box.rpc("anvil_setCode", a.V2_PAIRS[0].address, "0x")
    assert failures(verify(box)) == {
        "code equals the published mainnet code",
        "every feed is fresh",
        "Uniswap V2 Router02: 10 WETH to USDC",
    }
