"""The share's ERC-2612 permit: real signatures."""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from unit.world import FAR, WAD, World, revert, undone

HOLDER = Account.create()


@pytest.fixture(scope="module")
def seeded(world: World) -> Iterator[World]:
    with undone(world.chain):
        world.mint(world.depositor, 10 * WAD)
        world.vault.transfer(HOLDER.address, 10 * WAD, sender=world.depositor)
        yield world


def signed(world: World, signer: Any = HOLDER, **overrides: Any) -> tuple[Any, ...]:
    """Arguments of `permit` for the keeper and 5 shares, signed over them after `overrides`."""
    message = {
        "owner": HOLDER.address,
        "spender": world.keeper.address,
        "value": 5 * WAD,
        "nonce": world.vault.nonces(HOLDER.address),
        "deadline": FAR,
    } | overrides.pop("message", {})
    domain = {
        "name": "Test Index", "version": "1", "chainId": world.chain.chain_id, "verifyingContract": world.vault.address
    } | overrides.pop("domain", {})  # fmt: skip
    types = {
        "Permit": [
            {"name": "owner", "type": "address"},
            {"name": "spender", "type": "address"},
            {"name": "value", "type": "uint256"},
            {"name": "nonce", "type": "uint256"},
            {"name": "deadline", "type": "uint256"},
        ]
    }
    signature = signer.sign_message(encode_typed_data(domain, types, message))
    r, s = (number.to_bytes(32, "big") for number in (signature.r, signature.s))
    return message["owner"], message["spender"], message["value"], message["deadline"], signature.v, r, s


def test_permit__signed_by_the_holder__anybody_may_bring_it(seeded: World) -> None:
    seeded.vault.permit(*signed(seeded), sender=seeded.stranger)
    assert seeded.vault.allowance(HOLDER.address, seeded.keeper) == 5 * WAD
    assert seeded.vault.nonces(HOLDER.address) == 1
    seeded.vault.transferFrom(HOLDER.address, seeded.keeper, 5 * WAD, sender=seeded.keeper)
    assert seeded.vault.balanceOf(seeded.keeper) == 5 * WAD


def test_permit__replayed__reverts(seeded: World) -> None:
    arguments = signed(seeded)
    seeded.vault.permit(*arguments, sender=seeded.stranger)
    with revert("erc20: invalid signature"):
        seeded.vault.permit(*arguments, sender=seeded.stranger)


def test_permit__a_second_after_its_deadline__reverts(seeded: World) -> None:
    deadline = seeded.chain.pending_timestamp + 100
    arguments = signed(seeded, message={"deadline": deadline})
    seeded.at(deadline + 1)
    with revert("erc20: expired deadline"):
        seeded.vault.permit(*arguments, sender=seeded.stranger)


def test_permit__exactly_at_its_deadline__passes(seeded: World) -> None:
    deadline = seeded.chain.pending_timestamp + 100
    arguments = signed(seeded, message={"deadline": deadline})
    seeded.at(deadline)
    seeded.vault.permit(*arguments, sender=seeded.stranger)
    assert seeded.vault.allowance(HOLDER.address, seeded.keeper) == 5 * WAD


def test_permit__signed_by_somebody_else__reverts(seeded: World) -> None:
    with revert("erc20: invalid signature"):
        seeded.vault.permit(*signed(seeded, signer=Account.create()), sender=seeded.attacker)


@pytest.mark.parametrize(
    "domain", [{"chainId": 2}, {"verifyingContract": "0x" + "11" * 20}, {"version": "2"}, {"name": "Other"}], ids=str
)
def test_permit__signed_for_another_domain__reverts(seeded: World, domain: dict[str, Any]) -> None:
    with revert("erc20: invalid signature"):
        seeded.vault.permit(*signed(seeded, domain=domain), sender=seeded.attacker)


def test_permit__amount_changed_after_signing__reverts(seeded: World) -> None:
    owner, spender, _, *rest = signed(seeded)
    with revert("erc20: invalid signature"):
        seeded.vault.permit(owner, spender, 6 * WAD, *rest, sender=seeded.attacker)


def test_eip712Domain__names_this_vault(seeded: World) -> None:
    fields, name, version, chain_id, contract, *_ = seeded.vault.eip712Domain()
    assert (name, version, chain_id, contract) == ("Test Index", "1", seeded.chain.chain_id, seeded.vault.address)
    assert bytes(fields) == b"\x0f"
