"""The address book is consistent in itself; the deployer holds it against the chain."""

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet import addresses as a
from keeper.errors import ConfigurationError


def create2(factory: str, salt: bytes, init_code_hash: str) -> str:
    """EIP-1014."""
    packed = b"\xff" + bytes.fromhex(factory[2:]) + salt + bytes.fromhex(init_code_hash[2:])
    return to_checksum_address(keccak(packed)[12:])


def sorted_tokens(symbols: tuple[str, str]) -> list[bytes]:
    return sorted(bytes.fromhex(a.TOKENS[symbol].address[2:]) for symbol in symbols)


@pytest.mark.parametrize("pair", a.V2_PAIRS, ids=lambda p: "-".join(p.tokens))
def test_v2_pair__from_factory_and_init_code_hash__is_the_address_in_the_book(pair: a.V2Pair) -> None:
    salt = keccak(b"".join(sorted_tokens(pair.tokens)))
    assert create2(a.V2_FACTORY, salt, a.V2_INIT_CODE_HASH) == pair.address


@pytest.mark.parametrize("pool", a.V3_POOLS, ids=lambda p: f"{'-'.join(p.tokens)}-{p.fee}")
def test_v3_pool__from_factory_and_init_code_hash__is_the_address_in_the_book(pool: a.V3Pool) -> None:
    words = [token.rjust(32, b"\0") for token in sorted_tokens(pool.tokens)] + [pool.fee.to_bytes(32, "big")]
    assert create2(a.V3_FACTORY, keccak(b"".join(words)), a.V3_INIT_CODE_HASH) == pool.address


def test_book__holds_fifteen_feeds_and_decimals_6_8_and_18() -> None:
    assert len(a.FEEDS) == 15
    assert {token.decimals for token in a.TOKENS.values()} == {6, 8, 18}
    assert all(description in a.FEEDS for description in a.USD_FEEDS.values())


def test_token__by_symbol_and_by_address_in_any_case__is_the_same() -> None:
    usdc = a.TOKENS["USDC"]
    assert a.token("USDC") is a.token(usdc.address) is a.token(usdc.address.lower()) is usdc


def test_token__unknown__names_the_input() -> None:
    with pytest.raises(ConfigurationError, match="DOGE"):
        a.token("DOGE")
