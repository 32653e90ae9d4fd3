"""What an account signs in place of sending an approval: a token's own permit (ERC-2612), or a transfer of Permit2's.

It says what the approval says, the exact amount, and until when. One is offered only where the token is certain to take it, and
none to an account that is a contract: its signature has another form.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data

from keeper.aggregators.pins import PERMIT2
from keeper.chain import abi
from keeper.chain.abi import Means
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.errors import ConfigurationError
from keeper.execution.eip1559 import HALF_ORDER
from keeper.services.unsigned import Approval
from keeper.settings import Settings

_DOMAIN = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
_FIELDS = 0b01111  # those of `_DOMAIN`, as EIP-5267 counts them
_TYPES = {
    Means.ERC2612: {
        "Permit": {
            "owner": "address",
            "spender": "address",
            "value": "uint256",
            "nonce": "uint256",
            "deadline": "uint256",
        },
    },
    Means.PERMIT2: {
        "PermitTransferFrom": {
            "permitted": "TokenPermissions",
            "spender": "address",
            "nonce": "uint256",
            "deadline": "uint256",
        },
        "TokenPermissions": {"token": "address", "amount": "uint256"},
    },
}
_NONCE_BITS = 248  # 75 digits at most
_COMPACT, _PLAIN = 64, 65  # bytes of a signature; the compact ones are EIP-2098's


class BadPermit(ConfigurationError):
    """A signed permission that does not let the spender take what is given."""


@dataclass(frozen=True, slots=True)
class Permit:
    """IIndexZap.Permit: a signed permission, or none."""

    means: Means = Means.NONE
    amount: int = 0
    nonce: int = 0
    deadline: int = 0
    v: int = 0
    r: bytes = bytes(32)
    s: bytes = bytes(32)

    @property
    def encoded(self) -> tuple[object, ...]:
        """As the zap takes it."""
        return (int(self.means), self.amount, self.nonce, self.deadline, self.v, self.r, self.s)


NO_PERMIT = Permit()


@dataclass(frozen=True, slots=True)
class Signature:
    """What an account signed, as it says: the permission's deadline in unix s and its nonce, and 65 bytes, or EIP-2098's 64."""

    means: Means
    nonce: int
    deadline: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Permission:
    """What an owner may sign: the same as an approval says, until `deadline`, unix s."""

    means: Means
    domain: Mapping[str, str | int]
    approval: Approval
    owner: str
    nonce: int
    deadline: int

    @property
    def typed_data(self) -> dict[str, Any]:
        """EIP-712, as `eth_signTypedData_v4` takes it: numbers of 256 bits are decimal strings."""
        types, approval, amount = _TYPES[self.means], self.approval, str(self.approval.amount)
        if self.means is Means.ERC2612:
            what: dict[str, object] = {"owner": self.owner, "spender": approval.spender, "value": amount}
        else:
            what = {"permitted": {"token": approval.asset, "amount": amount}, "spender": approval.spender}
        domain = {name: kind for name, kind in _DOMAIN.items() if name in self.domain}
        return {
            "types": {name: _members(fields) for name, fields in {"EIP712Domain": domain, **types}.items()},
            "primaryType": next(iter(types)),
            "domain": dict(self.domain),
            "message": what | {"nonce": str(self.nonce), "deadline": str(self.deadline)},
        }

    @property
    def signable(self) -> SignableMessage:
        """What is hashed and signed; its header is the domain's separator."""
        return encode_typed_data(full_message=self.typed_data)

    def signed(self, signature: bytes) -> Permit:
        """The permit that the owner's signature makes of it.

        :raises BadPermit: no signature, or another's, or one of something else
        """
        v, r, s = _parts(signature)
        try:
            signer = Account.recover_message(self.signable, vrs=(v, r, s))
        except Exception:  # whatever the library makes of a curve point that is none
            raise BadPermit("the permit's signature is none that a key made: sign it again") from None
        if signer != self.owner:
            raise BadPermit(
                f"the permit's signature is of {signer} where it is of this order, and {self.owner} has to sign it: "
                "sign what the order's answer offers, with the same amount, deadline and nonce"
            )
        return Permit(self.means, self.approval.amount, self.nonce, self.deadline, v, _word(r), _word(s))


def offered(
    client: Client, settings: Settings, owner: str, approval: Approval, deadline: int, block: Block
) -> Permission | None:
    """What the owner may sign in place of an approval: the token's own permit, or else Permit2's; None where neither would do.

    :param deadline: unix s
    :raises ChainError: the endpoint fails
    """
    if client.code(owner, block):
        return None
    found = _possible(client, settings, owner, approval, deadline, block)
    return found.get(Means.ERC2612) or found.get(Means.PERMIT2)


def accepted(
    client: Client, settings: Settings, owner: str, approval: Approval, signature: Signature, now: int, block: Block
) -> Permit:
    """The permit that stands for an approval, by the owner's signature: checked as far as it can be before it is used.

    :param now: unix s
    :raises BadPermit: it is too late, used, not of this owner and this amount, or the token takes none of the kind
    :raises ChainError: the endpoint fails
    """
    means, deadline = signature.means, signature.deadline
    if deadline < now:
        raise BadPermit(f"the permit's deadline {deadline} has passed, it is {now}: sign what is offered anew")
    permission = _possible(client, settings, owner, approval, deadline, block).get(means)
    if permission is None:
        raise BadPermit(f"token {approval.asset} takes no {means.name} permit of {owner} now: approve in its place")
    if means is Means.ERC2612 and permission.nonce != signature.nonce:
        raise BadPermit(
            f"the permit's nonce is {signature.nonce}, and the token is at {permission.nonce}: sign what is offered anew"
        )
    if means is Means.PERMIT2:
        word, bit = divmod(signature.nonce, 256)
        used = abi.Permit2.nonce_bitmap.encode(owner, word)
        if abi.Permit2.nonce_bitmap.decode(client.call(PERMIT2, used, block)) >> bit & 1:
            raise BadPermit(f"the permit's nonce {signature.nonce} was used: sign what is offered anew")
    return replace(permission, nonce=signature.nonce).signed(signature.signature)


def _possible(
    client: Client, settings: Settings, owner: str, approval: Approval, deadline: int, block: Block
) -> dict[Means, Permission]:
    """The permissions that would be understood."""
    token, told = approval.asset, abi.Permitting
    reads = [
        Read(token, told.nonces, (owner,)),
        Read(token, abi.Token.allowance, (owner, PERMIT2)),
        *(Read(address, told.separator) for address in (token, PERMIT2)),
        *(Read(token, each) for each in (told.domain, told.name, told.version)),
    ]
    answers = (answer.value for answer in read_all(client, reads, block, settings.multicall))
    nonce, allowance, *separators, told_domain, name, version = answers
    found = []
    if nonce is not None:
        domain = _domain(told_domain, name, version) | {"chainId": settings.chain_id, "verifyingContract": token}
        found.append(Permission(Means.ERC2612, domain, approval, owner, nonce, deadline))
    if (allowance or 0) >= approval.amount:
        domain = {"name": "Permit2", "chainId": settings.chain_id, "verifyingContract": PERMIT2}
        # Its nonces are in no order: one at random is free, and no other order's.
        found.append(Permission(Means.PERMIT2, domain, approval, owner, secrets.randbits(_NONCE_BITS), deadline))
    separator_of = dict(zip((Means.ERC2612, Means.PERMIT2), separators, strict=True))
    return {
        each.means: each
        for each in found
        # A token that answers every call knows no separator.
        if each.signable.header == separator_of[each.means]
        and (each.means is Means.PERMIT2 or _is_understood(client, settings, each, block))
    }


def _domain(told: tuple[Any, ...] | None, name: str | None, version: str | None) -> dict[str, str | int]:
    """Name and version, as the token tells its domain (ERC-5267), or as tokens without a word of it have it."""
    if told is not None and told[0] == bytes([_FIELDS]):
        name, version = told[1], told[2]
    return {"name": name or "", "version": version or "1"}


def _is_understood(client: Client, settings: Settings, permission: Permission, block: Block) -> bool:
    """Whether the token takes such a permit: it is given one of an account that nobody has, and asked what that allows.

    That tells those apart whose domain is right and whose permit is another one, as DAI's.
    """
    nobody, approval = Account.create(), permission.approval
    signed = nobody.sign_message(replace(permission, owner=nobody.address, nonce=0).signable)
    allowing = (nobody.address, approval.spender)
    arguments = (*allowing, approval.amount, permission.deadline, signed.v, _word(signed.r), _word(signed.s))
    reads = [
        Read(approval.asset, abi.Permitting.permit, arguments),
        Read(approval.asset, abi.Token.allowance, allowing),
    ]
    return bool(read_all(client, reads, block, settings.multicall)[1].value == approval.amount)


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _members(fields: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in fields.items()]


def _parts(signature: bytes) -> tuple[int, int, int]:
    """v, as 27 or 28, r and s. Raises BadPermit."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if len(signature) == _COMPACT:
        v, s = 27 + (s >> 255), s & (2**255 - 1)
    elif len(signature) == _PLAIN:
        v = signature[64] if signature[64] >= 27 else signature[64] + 27  # some wallets count from zero
    else:
        raise BadPermit(
            f"the permit's signature has {len(signature)} bytes: give the {_PLAIN} of r, s and v, or EIP-2098's {_COMPACT}"
        )
    if v not in {27, 28} or s > HALF_ORDER:
        raise BadPermit("the permit's signature is none that a token takes: its v is 27 or 28, and its s the lower one")
    return v, r, s
