"""Four ways to bring a contract to its mainnet address, each without a key.

CREATE     the original account, impersonated at its original nonce, sends the creation code: the address comes out by itself
FACTORY    the real factory contract, its nonce set, creates it
CREATE2    the real factory or the deterministic deployer creates it; nothing to set
IN PLACE   where deployer or nonce are unknown: the creation code is put at the target address and executed there, so that the
           constructor's storage, immutables and own creations belong to that account; what it returns replaces it
"""

from collections.abc import Callable, Mapping
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet.addresses import HELPER, Token
from devnet.artifacts import Code
from devnet.box import GAS_LIMIT, Box, split_signature
from keeper.errors import ChainError

MAX_UINT = 2**256 - 1
FAR_FUTURE = 2**40  # a deadline in seconds that never passes


def create_address(sender: str, nonce: int) -> str:
    """Where CREATE puts the contract: last 20 bytes of keccak(rlp([sender, nonce])), Yellow Paper section 7."""
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:])


class Deployer:
    """Deploys the bundle's code on a box. Every method raises ChainError when a contract does not come out as expected."""

    def __init__(self, box: Box, bundle: Mapping[str, Code]) -> None:
        self.box = box
        self.bundle = bundle
        self._funded: set[str] = set()

    def init_code(self, name: str, types: str = "", *args: Any, libraries: Mapping[str, str] | None = None) -> bytes:
        """Creation code of a bundle entry with its libraries linked and constructor arguments appended."""
        entry = self.bundle[name]
        code = bytearray.fromhex(_blank_links(entry))
        for library, at in entry.links:
            code[at : at + 20] = bytes.fromhex((libraries or {})[library][2:])
        return bytes(code) + encode(split_signature(f"constructor({types})")[1], args)

    def create(self, deployer: str, nonce: int, init_code: bytes, expected: str) -> str:
        """CREATE from `deployer` at `nonce`. Nonces of one account must come in ascending order: anvil refuses used ones."""
        self._fund_once(deployer)
        self.set_nonce(deployer, nonce)
        receipt = self.box.transact(deployer, None, init_code)
        return self.expect(receipt["contractAddress"], expected)

    def create2(self, factory: str, salt: bytes, init_code: bytes, expected: str) -> str:
        """CREATE2 through the deterministic deployer, which takes the salt followed by the creation code."""
        self._fund_once(HELPER)
        self.box.transact(HELPER, factory, salt + init_code)
        return self.expect(expected, expected)

    def in_place(
        self,
        at: str,
        init_code: bytes,
        sender: str = HELPER,
        adjust: Callable[[bytes], bytes] = lambda runtime: runtime,
    ) -> str:
        """Execute the creation code inside the account `at` as `sender`, then install `adjust(what it returned)`."""
        self._fund_once(sender)
        self.box.rpc("anvil_setCode", at, "0x" + init_code.hex())
        self.set_nonce(at, 1)
        runtime = self.box.rpc("eth_call", {"from": sender, "to": at, "gas": hex(GAS_LIMIT)}, "latest")
        self.box.transact(sender, at, b"")
        self.set_code(at, adjust(bytes.fromhex(runtime[2:])))
        return self.expect(at, at)

    def anywhere(self, init_code: bytes) -> str:
        """CREATE at whatever address comes next, for parts whose place does not matter."""
        self._fund_once(HELPER)
        return to_checksum_address(self.box.transact(HELPER, None, init_code)["contractAddress"])

    def set_code(self, at: str, runtime: bytes) -> None:
        """Install runtime code without running anything."""
        self.box.rpc("anvil_setCode", at, "0x" + runtime.hex())

    def set_nonce(self, account: str, nonce: int) -> None:
        """Set an account's, or a factory contract's, next nonce."""
        self.box.settle()
        self.box.rpc("anvil_setNonce", account, hex(nonce))

    def approve(self, owner: str, spender: str, tokens: tuple[Token, ...]) -> None:
        """Let `spender` take all of `owner`'s tokens."""
        for token in tokens:
            self.box.send(owner, token.address, "approve(address,uint256)", spender, MAX_UINT)

    def expect(self, found: str, expected: str) -> str:
        """`expected`, after making sure that the contract came out there and has code."""
        if to_checksum_address(found) != expected:
            raise ChainError(
                f"a contract came out at {to_checksum_address(found)}, not at {expected}: its code, deployer or nonce is wrong"
            )
        if not self.box.code(expected):
            raise ChainError(f"no code came out at {expected}: its constructor returned nothing")
        return expected

    def _fund_once(self, account: str) -> None:
        if account not in self._funded:
            self.box.fund(account)
            self._funded.add(account)


def _blank_links(entry: Code) -> str:
    """Unlinked code has placeholders that are no hexadecimal digits: twenty zero bytes stand for each."""
    code = entry.code
    for _, at in entry.links:
        code = code[: at * 2] + "0" * 40 + code[at * 2 + 40 :]
    return code
