"""Permits of real tokens: which are offered, that the token takes what was signed, and what is refused before it is sent."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from devnet import node
from devnet.addresses import PERMIT2, TOKENS
from devnet.box import Box
from keeper.chain import abi
from keeper.chain.abi import Means, checksum
from keeper.chain.rpc import Client
from keeper.services import permits
from keeper.services.permits import BadPermit, Permission, Permit, Signature, accepted, offered
from keeper.services.unsigned import Approval
from keeper.settings import Settings, load

SPENDER = checksum("0x" + "5e" * 20)
OWNER = Account.create()
AMOUNT = 10_000 * 10**6
LATER_S = 1_200


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Box, Client, Settings]]:
    with node.up() as chain:
        settings = load(arguments={"rpc_url": chain.url}, environment={})
        box = Box(chain.url)
        box.fund(OWNER.address, 1)
        box.fund(SPENDER, 1)
        yield box, Client(chain.url, 1).connect(), settings


@pytest.fixture
def box(running) -> Iterator[Box]:
    """What a test does to the chain is undone."""
    state = running[0].snapshot()
    yield running[0]
    running[0].revert(state)


def approval(symbol: str) -> Approval:
    return Approval(TOKENS[symbol].address, SPENDER, AMOUNT, 0)


def offer(running, symbol: str, owner: str = OWNER.address) -> Permission | None:
    _, client, settings = running
    head = client.head()
    return offered(client, settings, owner, approval(symbol), head.timestamp + LATER_S, head)


def signature_of(permission: Permission, signer: LocalAccount = OWNER) -> Signature:
    """As a wallet gives it: of the typed data."""
    signed = signer.sign_typed_data(full_message=permission.typed_data)
    return Signature(permission.means, permission.nonce, permission.deadline, bytes(signed.signature))


def accept(running, symbol: str, signature: Signature) -> Permit:
    _, client, settings = running
    head = client.head()
    return accepted(client, settings, OWNER.address, approval(symbol), signature, head.timestamp, head)


def compact(signature: bytes) -> bytes:
    """EIP-2098."""
    top = bytes([signature[32] | (signature[64] - 27) << 7])
    return signature[:32] + top + signature[33:64]


@pytest.mark.parametrize("form", [bytes, compact, lambda plain: plain[:64] + bytes([plain[64] - 27])])
def test_offered__usdc__is_taken_as_it_was_signed_in_any_form(running, box, form):
    permission = offer(running, "USDC")
    assert permission.means is Means.ERC2612
    assert permission.typed_data["domain"]["version"] == "2"
    signature = signature_of(permission)
    permit = accept(running, "USDC", replace(signature, signature=form(signature.signature)))
    arguments = (OWNER.address, SPENDER, permit.amount, permit.deadline, permit.v, permit.r, permit.s)
    box.send(SPENDER, TOKENS["USDC"].address, abi.Permitting.permit.signature, *arguments)
    allowance = box.call(TOKENS["USDC"].address, "allowance(address,address)(uint256)", OWNER.address, SPENDER)
    assert allowance == AMOUNT
    with pytest.raises(BadPermit, match="the permit's nonce is 0, and the token is at 1: sign what is offered anew"):
        accept(running, "USDC", signature)


def test_offered__of_every_token__only_where_the_token_takes_it(running):
    found = {symbol: offer(running, symbol) for symbol in TOKENS}
    assert {symbol for symbol, each in found.items() if each is not None} == {"USDC", "wstETH"}


def test_offered__dai_whose_domain_is_right_and_whose_permit_is_another__is_none(running, box):
    dai = TOKENS["DAI"].address
    domain = {"name": "Dai Stablecoin", "version": "1", "chainId": 1, "verifyingContract": dai}
    permission = Permission(Means.ERC2612, domain, approval("DAI"), OWNER.address, 0, LATER_S)
    assert permission.signable.header == box.call(dai, "DOMAIN_SEPARATOR()(bytes32)")
    assert offer(running, "DAI") is None


def test_offered__uni_whose_domain_is_another__is_none_without_being_tried(running, monkeypatch):
    """It has nonces and permits, and its domain has no version."""
    monkeypatch.setattr(permits, "_is_understood", lambda *_: True)
    assert running[0].call(TOKENS["UNI"].address, "nonces(address)(uint256)", OWNER.address) == 0
    assert offer(running, "UNI") is None
    assert offer(running, "USDC") is not None


def test_offered__where_permit2_may_take_enough_of_it__is_a_transfer_of_permit2_s(running, box):
    usdt = TOKENS["USDT"].address
    box.send(OWNER.address, usdt, "approve(address,uint256)", PERMIT2, AMOUNT - 1)
    assert offer(running, "USDT") is None
    box.send(OWNER.address, usdt, "approve(address,uint256)", PERMIT2, 0)
    box.send(OWNER.address, usdt, "approve(address,uint256)", PERMIT2, AMOUNT)
    permission = offer(running, "USDT")
    assert permission.means is Means.PERMIT2
    permit = accept(running, "USDT", signature_of(permission))
    box.give(usdt, OWNER.address, AMOUNT)
    signature = permit.r + permit.s + bytes([permit.v])
    box.send(
        SPENDER,
        PERMIT2,
        "permitTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes)",
        ((usdt, permit.amount), permit.nonce, permit.deadline),
        (SPENDER, AMOUNT),
        OWNER.address,
        signature,
    )
    assert box.balance(usdt, SPENDER) == AMOUNT
    box.send(OWNER.address, usdt, "approve(address,uint256)", PERMIT2, AMOUNT)
    with pytest.raises(BadPermit, match=f"the permit's nonce {permission.nonce} was used: sign what is offered anew"):
        accept(running, "USDT", signature_of(permission))


def test_domain__as_a_token_tells_it__comes_before_its_name():
    told = ("Bridged Dollar", "3", 1, SPENDER, bytes(32), ())
    for fields, domain in (
        (b"\x0f", {"name": "Bridged Dollar", "version": "3"}),
        (b"\x1f", {"name": "Dollar", "version": "2"}),  # with a salt, which is not asked for
    ):
        assert permits._domain((fields, *told), "Dollar", "2") == domain
    assert permits._domain(None, "Dollar", None) == {"name": "Dollar", "version": "1"}


def test_offered__to_an_account_that_is_a_contract__is_none(running, box):
    box.rpc("anvil_setCode", OWNER.address, "0x00")
    box.mine()
    assert offer(running, "USDC") is None


REFUSED = {
    "another's": "the permit's signature is of 0x.* and 0x.* has to sign it",
    "another amount's": "the permit's signature is of 0x",
    "another spender's": "the permit's signature is of 0x",
    "another deadline's": "the permit's signature is of 0x",
    "too late": "the permit's deadline 1 has passed, it is",
    "too short": "the permit's signature has 63 bytes: give the 65 of r, s and v, or EIP-2098's 64",
    "of nobody": "is none that a key made",
    "with another v": "its v is 27 or 28",
    "with the higher s": "its s the lower one",
    "of Permit2": "takes no PERMIT2 permit of 0x.* now: approve in its place",
}


@pytest.mark.parametrize("case", REFUSED)
def test_accepted__signature_that_is_not_for_this__says_why(running, case):
    permission = offer(running, "USDC")
    plain = signature_of(permission)
    r, s = plain.signature[:32], plain.signature[32:64]
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1
    high = (order - int.from_bytes(s, "big")).to_bytes(32, "big")
    given = {
        "another's": lambda: signature_of(permission, Account.create()),
        "another amount's": lambda: signature_of(
            replace(permission, approval=replace(permission.approval, amount=AMOUNT + 1))
        ),
        "another spender's": lambda: signature_of(
            replace(permission, approval=replace(permission.approval, spender=PERMIT2))
        ),
        "another deadline's": lambda: replace(plain, deadline=plain.deadline + 1),
        "too late": lambda: signature_of(replace(permission, deadline=1)),
        "too short": lambda: replace(plain, signature=plain.signature[:63]),
        "of nobody": lambda: replace(plain, signature=bytes(64) + bytes([27])),
        "with another v": lambda: replace(plain, signature=r + s + bytes([29])),
        "with the higher s": lambda: replace(plain, signature=r + high + plain.signature[64:]),
        "of Permit2": lambda: replace(plain, means=Means.PERMIT2),
    }
    with pytest.raises(BadPermit, match=REFUSED[case]):
        accept(running, "USDC", given[case]())


def test_accepted__token_that_takes_every_call__is_refused(running):
    """WETH answers whatever it is asked, so that a permit of it seems to succeed."""
    weth = TOKENS["WETH"].address
    domain = {"name": "Wrapped Ether", "version": "1", "chainId": 1, "verifyingContract": weth}
    later = running[1].head().timestamp + LATER_S
    permission = Permission(Means.ERC2612, domain, approval("WETH"), OWNER.address, 0, later)
    with pytest.raises(BadPermit, match="takes no ERC2612 permit"):
        accept(running, "WETH", signature_of(permission))
