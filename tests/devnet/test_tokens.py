"""The stand-ins keep the manners of the real tokens."""

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from devnet.addresses import LP, TOKENS, WHALE
from devnet.box import Box, calldata
from devnet.protocols.tokens import STETH_POOLED, TETHER_OWNER
from keeper.errors import TransactionError

SPENDER = "0x00000000000000000000000000000000000B0B00"
APPROVE, TRANSFER = "approve(address,uint256)", "transfer(address,uint256)"


def returned(box: Box, sender: str, symbol: str, signature: str, *args: object) -> str:
    call = {"from": sender, "to": TOKENS[symbol].address, "data": "0x" + calldata(signature, *args).hex()}
    return str(box.rpc("eth_call", call, "latest"))


def test_usdt__transfer_and_approve__return_nothing(box: Box) -> None:
    assert returned(box, WHALE, "USDT", TRANSFER, SPENDER, 1) == "0x"
    assert returned(box, WHALE, "USDT", APPROVE, SPENDER, 1) == "0x"


@pytest.mark.parametrize("symbol", ["USDT", "LDO"])
def test_approve__over_an_allowance_that_is_not_zero__reverts(box: Box, symbol: str) -> None:
    token = TOKENS[symbol].address
    box.send(WHALE, token, APPROVE, SPENDER, 5)
    with pytest.raises(TransactionError, match="approve"):
        box.send(WHALE, token, APPROVE, SPENDER, 6)
    box.send(WHALE, token, APPROVE, SPENDER, 0)
    box.send(WHALE, token, APPROVE, SPENDER, 6)


def test_usdt__with_a_fee_set__delivers_less(box: Box) -> None:
    usdt = TOKENS["USDT"].address
    box.send(TETHER_OWNER, usdt, "setParams(uint256,uint256)", 10, 49)
    box.send(WHALE, usdt, TRANSFER, SPENDER, 1_000_000)
    assert box.balance(usdt, SPENDER) == 999_000


def test_usdt__holder_on_the_black_list__cannot_send(box: Box) -> None:
    usdt = TOKENS["USDT"].address
    box.send(TETHER_OWNER, usdt, "addBlackList(address)", WHALE)
    with pytest.raises(TransactionError, match="transfer"):
        box.send(WHALE, usdt, TRANSFER, SPENDER, 1)


def test_usdt__storage__has_balances_in_slot_2(box: Box) -> None:
    slot = keccak(encode(["address", "uint256"], [WHALE, 2])).hex()
    word = box.rpc("eth_getStorageAt", TOKENS["USDT"].address, f"0x{slot}", "latest")
    assert int(word, 16) == box.balance(TOKENS["USDT"].address, WHALE) > 0


def test_ldo__transfer_that_cannot_be_paid__returns_false(box: Box) -> None:
    assert int(returned(box, SPENDER, "LDO", TRANSFER, WHALE, 1), 16) == 0
    assert int(returned(box, WHALE, "LDO", TRANSFER, SPENDER, 1), 16) == 1


def test_mkr__symbol__is_bytes32(box: Box) -> None:
    assert box.call(TOKENS["MKR"].address, "symbol()(bytes32)").rstrip(b"\0") == b"MKR"


def test_wbtc__paused__cannot_be_sent(box: Box) -> None:
    wbtc = TOKENS["WBTC"].address
    box.send(LP, wbtc, "pause()")
    with pytest.raises(TransactionError, match="transfer"):
        box.send(WHALE, wbtc, TRANSFER, SPENDER, 1)


def test_steth__rebased__changes_balances_and_the_rate_of_wsteth(box: Box) -> None:
    steth, wsteth = TOKENS["stETH"].address, TOKENS["wstETH"].address
    before, rate = box.balance(steth, WHALE), box.call(wsteth, "stEthPerToken()(uint256)")
    assert rate == 122 * 10**16
    box.send(LP, steth, "rebase(uint256)", STETH_POOLED * 11 // 10)
    assert abs(box.balance(steth, WHALE) - before * 11 // 10) <= 1
    assert box.call(wsteth, "stEthPerToken()(uint256)") == rate * 11 // 10


def test_wsteth__wrapped_and_unwrapped__comes_back_but_for_rounding(box: Box) -> None:
    steth, wsteth = TOKENS["stETH"].address, TOKENS["wstETH"].address
    box.send(WHALE, steth, APPROVE, wsteth, 10**20)
    start, held = box.balance(steth, WHALE), box.balance(wsteth, WHALE)
    box.send(WHALE, wsteth, "wrap(uint256)", 10**20)
    box.send(WHALE, wsteth, "unwrap(uint256)", box.balance(wsteth, WHALE) - held)
    assert start - 4 <= box.balance(steth, WHALE) <= start


def test_wsteth__permit_signed_by_the_holder__sets_the_allowance(box: Box) -> None:
    holder, wsteth = Account.create(), TOKENS["wstETH"].address
    fields = (
        ("owner", "address"),
        ("spender", "address"),
        ("value", "uint256"),
        ("nonce", "uint256"),
        ("deadline", "uint256"),
    )
    message = {"owner": holder.address, "spender": SPENDER, "value": 7, "nonce": 0, "deadline": 2**40}
    domain = {"name": "Wrapped liquid staked Ether 2.0", "version": "1", "chainId": 1, "verifyingContract": wsteth}
    typed = encode_typed_data(domain, {"Permit": [{"name": n, "type": t} for n, t in fields]}, message)
    signed = holder.sign_message(typed)
    permit = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"
    rs = (signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
    box.send(WHALE, wsteth, permit, holder.address, SPENDER, 7, 2**40, signed.v, *rs)
    assert box.call(wsteth, "allowance(address,address)(uint256)", holder.address, SPENDER) == 7
    with pytest.raises(TransactionError, match="invalid signature"):
        box.send(WHALE, wsteth, permit, holder.address, SPENDER, 7, 2**40, signed.v, *rs)
