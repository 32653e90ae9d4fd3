"""Permits in a zap: what they are good for, and that nobody else's are good for anything."""

import pytest
from eth_utils.crypto import keccak

from devnet.addresses import PERMIT2, TOKENS
from devnet.box import calldata
from unit.index_zap.conftest import ERC2612, THOUSAND, USDC, WETH, Zap
from unit.route_executor.conftest import ETHER, V3
from unit.world import FAR, WAD, revert

GARBAGE = (27, b"\1" * 32, b"\2" * 32)
PERMIT = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"


def allowance(zap: Zap, token: str, owner: object) -> int:
    """What the zap may take."""
    address = getattr(owner, "address", owner)
    return int(zap.box.call(token, "allowance(address,address)(uint256)", address, zap.contract.address))


def test_zap_mint__with_the_tokens_own_permit__needs_no_allowance(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.box.give(USDC, caller.address, 10 * THOUSAND)
    receipt = zap.mint(caller, zap.buying(), permit=zap.permit(caller, USDC, 10 * THOUSAND), least=85 * WAD)
    assert allowance(zap, USDC, caller) == 0
    zap.assert_clean(receipt)


def test_zap_mint__permit_was_brought_by_somebody_before__works_all_the_same(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.box.give(USDC, caller.address, 10 * THOUSAND)
    permit = zap.permit(caller, USDC, 10 * THOUSAND)
    _, amount, _, deadline, *signature = permit
    brought = (caller.address, zap.contract.address, amount, deadline, *signature)
    zap.box.send(zap.world.attacker.address, USDC, PERMIT, *brought)
    zap.mint(caller, zap.buying(), permit=permit, least=85 * WAD)


def test_zap_redeem__with_the_shares_permit__used_before_or_not(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    for is_front_run in (False, True):
        zap.fund_shares(caller, may_take=0)
        permit = zap.permit(caller, world.vault.address, 100 * WAD)
        _, amount, _, deadline, *signature = permit
        if is_front_run:
            world.vault.permit(caller, zap.contract, amount, deadline, *signature, sender=world.attacker)
        zap.redeem(caller, zap.selling(), permit=permit, least=11_300 * 10**6)
        assert world.vault.allowance(caller, zap.contract) == 0


def test_zap_mint__permit_of_another__gives_the_caller_nothing(zap: Zap) -> None:
    """A signature that was seen on its way is of no use to who saw it."""
    world, victim = zap.world, zap.world.depositor
    zap.box.give(USDC, victim.address, 10 * THOUSAND)
    with pytest.raises(Exception, match="exceeds"):
        zap.mint(world.attacker, zap.buying(), permit=zap.permit(victim, USDC, 10 * THOUSAND))
    assert zap.holdings(victim)["USDC"] == 10 * THOUSAND
    assert allowance(zap, USDC, victim) == 0


def test_zap_mint__phantom_permit__reaches_no_allowance_of_others(zap: Zap) -> None:
    """WETH answers every call: a permit that it does not know seems to succeed."""
    victim, attacker = zap.world.depositor, zap.world.attacker
    zap.fund(victim, 50 * ETHER, "WETH")
    assert (
        zap.box.rpc("eth_call", {"to": WETH, "data": "0x" + calldata(PERMIT, *_of(victim, zap)).hex()}, "latest")
        == "0x"
    )
    operations = [zap.market.operation(V3, "WETH", "USDC", 500, WAD // 2)]
    with pytest.raises(Exception, match=r"reverted|failed|revert"):
        zap.mint(attacker, operations, token=WETH, amount=ETHER, permit=(ERC2612, ETHER, 0, FAR, *GARBAGE))
    assert zap.box.balance(WETH, victim.address) == 50 * ETHER
    assert allowance(zap, WETH, victim) == 50 * ETHER
    # With an allowance of one's own it is no hindrance.
    zap.fund(attacker, 3 * ETHER, "WETH")
    through = zap.market.operation
    operations = [
        through(V3, "WETH", "USDC", 500, WAD * 44 // 100),
        through(V3, "WETH", "WBTC", 500, WAD * 385 // 1000),
    ]
    zap.mint(attacker, operations, token=WETH, amount=3 * ETHER, permit=(ERC2612, 0, 0, FAR, *GARBAGE))
    assert zap.box.balance(WETH, victim.address) == 50 * ETHER


def _of(owner: object, zap: Zap) -> tuple[object, ...]:
    return getattr(owner, "address", owner), zap.contract.address, ETHER, FAR, *GARBAGE


# --- Permit2


def test_zap_mint__by_permit2__needs_no_allowance_of_the_zaps(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.box.give(USDC, caller.address, 10 * THOUSAND)
    receipt = zap.mint(caller, zap.buying(), permit=zap.permit2(caller, USDC, 10 * THOUSAND), least=85 * WAD)
    assert allowance(zap, USDC, caller) == 0
    zap.assert_clean(receipt)


def test_zap_mint__by_permit2_for_less_than_signed__takes_what_is_said(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.box.give(USDC, caller.address, 30 * THOUSAND)
    zap.mint(caller, zap.buying(), permit=zap.permit2(caller, USDC, 30 * THOUSAND), least=85 * WAD)
    assert zap.holdings(caller)["USDC"] >= 20 * THOUSAND


def test_zap_redeem__by_permit2__takes_the_shares(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    zap.fund_shares(caller, may_take=0)
    permit = zap.permit2(caller, world.vault.address, 100 * WAD)
    zap.redeem(caller, zap.selling(), permit=permit, least=11_400 * 10**6)


PERMIT2_ERRORS = {
    "InvalidSigner()": ["another's", "another spender's", "another token's", "an order's"],
    "InvalidNonce()": ["twice"],
    "SignatureExpired(uint256)": ["too late"],
    "InvalidAmount(uint256)": ["less than is said"],
}


@pytest.mark.parametrize(
    ("error", "case"), [(error, case) for error, cases in PERMIT2_ERRORS.items() for case in cases]
)
def test_zap_mint__permit2_signature_that_is_not_for_this__reverts(zap: Zap, error: str, case: str) -> None:
    victim, attacker = zap.world.depositor, zap.world.attacker
    zap.box.give(USDC, victim.address, 20 * THOUSAND)
    permit = zap.permit2(
        victim,
        TOKENS["DAI"].address if case == "another token's" else USDC,
        10 * THOUSAND - (case == "less than is said"),
        spender=attacker.address if case == "another spender's" else None,
        deadline=1 if case == "too late" else FAR,
        witness="an order of something else" if case == "an order's" else "",
    )
    zap.box.send(victim.address, USDC, "approve(address,uint256)", PERMIT2, 20 * THOUSAND)
    caller = attacker if case == "another's" else victim
    if case == "twice":
        zap.mint(caller, zap.buying(), permit=permit)
    held = zap.holdings(victim)
    with pytest.raises(Exception, match=f"0x{keccak(text=error)[:4].hex()}"):
        zap.mint(caller, zap.buying(), permit=permit)
    assert zap.holdings(victim) == held


def test_zap_redeem__without_allowance_or_permit__reverts(zap: Zap) -> None:
    zap.fund_shares(zap.world.stranger, may_take=0)
    with revert("erc20: insufficient allowance"):
        zap.redeem(zap.world.stranger, zap.selling())
