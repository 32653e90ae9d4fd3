"""The client: signatures, reads, impersonated writes, and its errors."""

import pytest

from devnet import addresses as a
from devnet.anvil import free_port
from devnet.box import Box, split_signature
from keeper.errors import ChainError, ConfigurationError, TransactionError

WETH, USDC = a.TOKENS["WETH"].address, a.TOKENS["USDC"].address
SOMEBODY = "0x00000000000000000000000000000000000A11cE"


@pytest.mark.parametrize(
    ("signature", "name", "arguments", "returns"),
    [
        ("f()", "f()", [], []),
        ("f()(uint256)", "f()", [], ["uint256"]),
        (
            "f(address,(bytes,(uint8,bool)[])[2])",
            "f(address,(bytes,(uint8,bool)[])[2])",
            ["address", "(bytes,(uint8,bool)[])[2]"],
            [],
        ),
        (
            "f((bool,bytes)[])((bool,bytes)[],uint256)",
            "f((bool,bytes)[])",
            ["(bool,bytes)[]"],
            ["(bool,bytes)[]", "uint256"],
        ),
    ],
)
def test_split_signature__nested_and_empty__is_taken_apart(
    signature: str, name: str, arguments: list[str], returns: list[str]
) -> None:
    assert split_signature(signature) == (name, arguments, returns)


@pytest.mark.parametrize("signature", ["f", "f(", "f(uint)(", "f(uint256,)"])
def test_split_signature__malformed__names_the_input(signature: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        split_signature(signature)
    assert repr(signature) in str(error.value)


def test_call__several_values__is_a_tuple_and_addresses_are_checksummed(box: Box) -> None:
    pair = a.V2_PAIRS[0]
    reserves = box.call(pair.address, "getReserves()(uint112,uint112,uint32)")
    assert len(reserves) == 3
    assert box.call(pair.address, "token0()(address)") == USDC


def test_send__reverting__carries_the_reason(box: Box) -> None:
    box.fund(SOMEBODY)
    with pytest.raises(TransactionError, match="transfer amount exceeds balance"):
        box.send(SOMEBODY, USDC, "transfer(address,uint256)", a.WHALE, 1)


@pytest.mark.parametrize("symbol", a.TOKENS)
def test_give__each_token__arrives(box: Box, symbol: str) -> None:
    token = a.TOKENS[symbol]
    amount = token.units(1_000)
    box.give(token.address, SOMEBODY, amount)
    rounding = 2 if symbol == "stETH" else 0  # shares round down
    assert amount - rounding <= box.balance(token.address, SOMEBODY) <= amount


def test_revert__of_a_snapshot__undoes_and_works_once(box: Box) -> None:
    before = box.balance(WETH, SOMEBODY)
    snapshot = box.snapshot()
    box.give(WETH, SOMEBODY, 10**18)
    assert box.balance(WETH, SOMEBODY) == before + 10**18
    box.revert(snapshot)
    assert box.balance(WETH, SOMEBODY) == before
    with pytest.raises(ChainError, match="has no snapshot"):
        box.revert(snapshot)


def test_rpc__nobody_listens__names_the_url_and_the_fix() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ChainError, match=f"no chain answers at {url}.*equipoise devnet up"):
        Box(url).rpc("eth_chainId")
