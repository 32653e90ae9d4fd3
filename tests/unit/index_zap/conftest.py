"""A seeded vault over real tokens, the zap, and the devnet's own pools between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from devnet.addresses import PERMIT2, TOKENS, V3_FACTORY
from devnet.box import Box
from unit.route_executor.conftest import V3, Market, build_market
from unit.world import FAR, WAD, undone

ERC2612, BY_PERMIT2 = 1, 2  # IIndexZap.Means
NO_PERMIT = (0, 0, 0, 0, 0, b"\0" * 32, b"\0" * 32)
USDC, WETH = TOKENS["USDC"].address, TOKENS["WETH"].address
THOUSAND = 1_000 * 10**6  # USDC


@dataclass(frozen=True, slots=True)
class Zap:
    """The zap, around the vault of a `Market`."""

    market: Market
    contract: Any

    @property
    def world(self) -> Any:
        """The vault and the people."""
        return self.market.world

    @property
    def box(self) -> Box:
        """Reads and impersonated writes."""
        return self.market.box

    def buying(self) -> list[Any]:
        """USDC to WETH and a part of that to WBTC, over V3: about the basket."""
        through = self.market.operation
        return [
            through(V3, "USDC", "WETH", 500, WAD * 565 // 1000),
            through(V3, "WETH", "WBTC", 500, WAD * 385 // 1000),
        ]

    def selling(self) -> list[Any]:
        """All of WBTC and WETH to USDC."""
        return [self.market.operation(V3, "WBTC", "WETH", 500), self.market.operation(V3, "WETH", "USDC", 500)]

    def fund(self, who: Any, amount: int = 10 * THOUSAND, symbol: str = "USDC") -> None:
        """Give tokens and let the zap take them."""
        self.box.give(TOKENS[symbol].address, who.address, amount)
        self.box.send(who.address, TOKENS[symbol].address, "approve(address,uint256)", self.contract.address, amount)

    def fund_shares(self, who: Any, shares: int = 100 * WAD, may_take: int | None = None) -> None:
        """Give shares and let the zap take them."""
        self.world.vault.transfer(who, shares, sender=self.world.depositor)
        self.world.vault.approve(self.contract, shares if may_take is None else may_take, sender=who)

    def mint(
        self,
        who: Any,
        operations: Sequence[Any],
        *,
        token: str = USDC,
        amount: int = 10 * THOUSAND,
        least: int = 0,
        calls: Sequence[Any] = (),
        permit: Any = NO_PERMIT,
        vault: Any = None,
        deadline: int = FAR,
        value: int = 0,
    ) -> Any:
        """`zap_mint`; the receipt."""
        arguments = (vault or self.world.vault, token, amount, least, operations, calls, deadline, permit)
        return self.contract.zap_mint(*arguments, sender=who, value=value)

    def redeem(
        self,
        who: Any,
        operations: Sequence[Any],
        *,
        shares: int = 100 * WAD,
        token: str = USDC,
        least: int = 0,
        calls: Sequence[Any] = (),
        permit: Any = NO_PERMIT,
        vault: Any = None,
        deadline: int = FAR,
    ) -> Any:
        """`zap_redeem`; the receipt."""
        arguments = (vault or self.world.vault, shares, token, least, operations, calls, deadline, permit)
        return self.contract.zap_redeem(*arguments, sender=who)

    def permit(self, owner: Any, token: str, amount: int, spender: str | None = None) -> tuple[Any, ...]:
        """An ERC-2612 permit of the owner's for the zap, IIndexZap.Permit."""
        domain = self.box.call(token, "DOMAIN_SEPARATOR()(bytes32)")
        nonce = self.box.call(token, "nonces(address)(uint256)", owner.address)
        kind = keccak(text="Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")
        types = ["bytes32", "address", "address", "uint256", "uint256", "uint256"]
        told = encode(types, [kind, owner.address, spender or self.contract.address, amount, nonce, FAR])
        return (ERC2612, amount, 0, FAR, *signed(owner, domain, told))

    def permit2(
        self,
        owner: Any,
        token: str,
        amount: int,
        nonce: int = 7,
        spender: str | None = None,
        deadline: int = FAR,
        witness: str = "",
    ) -> tuple[Any, ...]:
        """A signature transfer of Permit2's for the zap, IIndexZap.Permit; Permit2 may take the token.

        With a `witness`, some text, it is signed for more than a transfer, as orders are.
        """
        self.box.send(owner.address, token, "approve(address,uint256)", PERMIT2, amount)
        domain = self.box.call(PERMIT2, "DOMAIN_SEPARATOR()(bytes32)")
        permitted = "TokenPermissions(address token,uint256 amount)"
        whole = "Permit{}TransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline{})"
        whole = whole.format(*(("Witness", ",bytes32 witness") if witness else ("", ""))) + permitted
        inner = keccak(encode(["bytes32", "address", "uint256"], [keccak(text=permitted), token, amount]))
        types = ["bytes32", "bytes32", "address", "uint256", "uint256"]
        told = encode(types, [keccak(text=whole), inner, spender or self.contract.address, nonce, deadline])
        told += keccak(text=witness) if witness else b""
        return (BY_PERMIT2, amount, nonce, deadline, *signed(owner, domain, told))

    def holdings(self, who: Any) -> dict[str, int]:
        """What somebody holds of the tokens that are in play, shares and ether apart."""
        return self.market.holdings(who)

    def assert_clean(self, receipt: Any) -> None:
        """Nothing is here and nobody may take anything."""
        assert self.holdings(self.contract) == {}
        assert self.world.vault.balanceOf(self.contract) == self.contract.balance == 0
        Market.approvals(Market(self.world, self.contract, self.box), receipt)


def signed(owner: Any, domain: bytes, told: bytes) -> tuple[int, bytes, bytes]:
    """v, r and s of an EIP-712 signature over an encoded struct."""
    digest = keccak(b"\x19\x01" + domain + keccak(told))
    signature = Account.unsafe_sign_hash(digest, owner.private_key)
    return signature.v, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big")


@pytest.fixture(scope="package", autouse=True)
def zap(project: Any, chain: Any, accounts: Any, rpc_url: str) -> Iterator[Zap]:
    """A vault of 2.3 million USD in USDC, WBTC and WETH; the owner is a stranger to it."""
    with undone(chain):
        market = build_market(project, chain, accounts, Box(rpc_url))
        yield Zap(market, market.world.deployer.deploy(project.IndexZap, market.world.owner, V3_FACTORY, WETH))


@pytest.fixture
def greedy_vault(zap: Zap) -> Any:
    """A vault that takes what it may, as yet without assets."""
    return zap.world.deployer.deploy(zap.world.project.GreedyVault)
