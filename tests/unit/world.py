"""A vault over mock tokens and feeds, and the people around it.

Everything that a test turns is in plain sight: tokens anybody may mint, feeds that answer what they are told, a scripted
executor.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import ape
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from unit import reference
from unit.reference import WAD

FAR = 2**40  # a deadline that no test reaches
ALL = 2**256 - 1  # "all the surplus"
ZERO = "0x0000000000000000000000000000000000000000"
STEPS_AT_ONCE = 16  # ScriptedExecutor.add_steps

NO_FEES = (ZERO, 0, 0, 0)  # IIndexVault.Fees

INTERVAL, BAND, TARGETS = 1, 2, 4  # IIndexVault.Trigger
YES, NO, NOTHING = 1, 2, 4  # OddToken.Answer


@dataclass(frozen=True, slots=True)
class Terms:
    """IIndexVault.Terms; seconds and WAD."""

    triggers: int = INTERVAL | BAND
    require_all: bool = False
    interval: int = 30 * 86400
    cooldown: int = 3600
    duration: int = 1800
    start_premium: int = WAD // 200
    max_discount: int = WAD // 100
    closing_tolerance: int = WAD // 400
    max_loss: int = WAD // 50
    loss_window: int = 7 * 86400

    def as_tuple(self) -> tuple[Any, ...]:
        """In the order of the contract's struct."""
        return tuple(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class AssetPlan:
    """One asset of a basket to build: WAD prices and targets, whole numbers of decimals."""

    symbol: str
    decimals: int
    price: int
    target: int
    band: int = WAD // 40
    odd: bool = False


SIX_EIGHT_EIGHTEEN = (
    AssetPlan("USD", 6, WAD, WAD // 2),
    AssetPlan("BTC", 8, 90_000 * WAD, WAD // 4),
    AssetPlan("ETH", 18, 3_000 * WAD, WAD // 4),
)


def people(accounts: Sequence[Any]) -> dict[str, Any]:
    """Test accounts by role, as `World` names them."""
    roles = (
        *("deployer", "owner", "guardian", "depositor", "keeper", "attacker", "stranger"),
        *("strategist", "recipient"),
    )
    return dict(zip(roles, accounts, strict=False))


# One token is worth one WAD of USD per base unit of 1e-18, so that a fill can miss a bound by a single wei of value.
TO_THE_WEI = (
    AssetPlan("DAI", 18, WAD, WAD // 2),
    AssetPlan("BTC", 8, 90_000 * WAD, WAD // 4),
    AssetPlan("ETH", 18, 3_000 * WAD, WAD // 4),
)

# The least and the most decimals that a basket takes.
ZERO_AND_TWENTY_SEVEN = (
    AssetPlan("ZERO", 0, 5 * WAD, WAD // 4),
    AssetPlan("LONG", 27, 2 * WAD, WAD // 4),
    AssetPlan("USD", 6, WAD, WAD // 2),
)

ODD = tuple(replace(plan, odd=True) for plan in TO_THE_WEI)


@dataclass(slots=True)
class World:
    """A vault and everything it stands on. Amounts in base units, prices and ratios in WAD."""

    project: Any
    chain: Any
    plans: tuple[AssetPlan, ...]
    terms: Terms
    deployer: Any
    owner: Any
    guardian: Any
    depositor: Any
    keeper: Any
    attacker: Any
    stranger: Any
    strategist: Any
    recipient: Any  # of fees
    tokens: list[Any] = field(default_factory=list)
    feeds: list[Any] = field(default_factory=list)
    oracle: Any = None
    blueprint: Any = None  # the rebalancer's, ERC-5202
    vault: Any = None
    executor: Any = None  # ScriptedExecutor, run by whoever calls it
    _rebalancers: dict[str, Any] = field(default_factory=dict)  # by address

    # ------------------------------------------------------------ building

    def build(self) -> "World":
        """Deploy tokens, feeds, oracle and vault; a whole share is worth 100 USD at the first mint."""
        for plan in self.plans:
            contract = self.project.OddToken if plan.odd else self.project.Token
            self.tokens.append(self.deployer.deploy(contract, plan.symbol, plan.decimals))
            self.feeds.append(self.deployer.deploy(self.project.Feed, 8, plan.price // 10**10))
        feeds = [
            (token, feed, 3600 * 24, max(1, plan.price // 100), plan.price * 100)
            for token, feed, plan in zip(self.tokens, self.feeds, self.plans, strict=True)
        ]
        self.oracle = self.deployer.deploy(self.project.PriceOracle, self.owner, feeds)
        self.vault = self.deploy_vault()
        self.executor = self.deployer.deploy(self.project.ScriptedExecutor)
        return self

    def with_vault(self, **overrides: Any) -> "World":
        """The same people and tokens around another vault; see `deploy_vault`."""
        terms = {name: value for name, value in overrides.items() if name in Terms.__slots__}
        return replace(self, vault=self.deploy_vault(**overrides), terms=replace(self.terms, **terms))

    def deploy_vault(self, **overrides: Any) -> Any:
        """A vault over these tokens; `overrides` are Terms fields, or `oracle`, `owner`, `guardian`, `assets`, `fees`."""
        self.blueprint = self.blueprint or deploy_blueprint(self.deployer, self.project.Rebalancer)
        named = {name: overrides.pop(name, None) for name in ("oracle", "owner", "guardian", "assets", "fees")}
        return self.deployer.deploy(
            self.project.IndexVault,
            "Test Index",
            "TIDX",
            named["owner"] or self.owner,
            named["guardian"] or self.guardian,
            named["oracle"] or self.oracle,
            named["assets"] or self.asset_terms(),
            replace(self.terms, **overrides).as_tuple(),
            named["fees"] or NO_FEES,
            self.blueprint,
        )

    def asset_terms(self) -> list[tuple[Any, int, int, int]]:
        """IIndexVault.AssetTerms of every plan."""
        return [
            (token, 100 * plan.target * 10**plan.decimals // plan.price, plan.target, plan.band)
            for token, plan in zip(self.tokens, self.plans, strict=True)
        ]

    # -------------------------------------------------------------- acting

    def fund(self, who: Any, amounts: Sequence[int], vault: Any = None) -> None:
        """Give `who` tokens and approve the vault for exactly them."""
        for token, amount in zip(self.tokens, amounts, strict=True):
            token.mint(who, amount, sender=self.deployer)
            token.approve(vault or self.vault, amount, sender=who)

    def mint(self, who: Any, shares: int, vault: Any = None) -> list[int]:
        """Fund `who` and mint; returns what it cost."""
        vault = vault or self.vault
        amounts = list(vault.preview_mint(shares))
        self.fund(who, amounts, vault)
        vault.mint(shares, who, amounts, FAR, sender=who)
        return amounts

    def set_price(self, index: int, price: int) -> None:
        """Move a feed, with a fresh date; `price` in WAD USD."""
        self.feeds[index].set_answer(price // 10**10, sender=self.deployer)

    def refresh(self) -> None:
        """Post every feed's answer again at the present time."""
        for feed in self.feeds:
            feed.set_answer(feed.answer(), sender=self.deployer)

    def wait(self, seconds: int) -> None:
        """Let time pass; feeds stay fresh."""
        self.chain.pending_timestamp += seconds
        self.chain.mine()
        self.refresh()

    def drifted(self) -> "World":
        """Seed 20,000 shares and double ETH's price: ETH is in surplus, USD and BTC are in deficit."""
        self.mint(self.depositor, 20_000 * WAD)
        self.wait(self.terms.cooldown)
        self.set_price(2, 6_000 * WAD)
        return self

    def opened(self) -> "World":
        """As `drifted`, with the rebalance open."""
        self.drifted()
        self.vault.open_rebalance(sender=self.stranger)
        return self

    def at(self, timestamp: int) -> None:
        """Give the next block this time."""
        self.chain.pending_timestamp = timestamp

    def pass_to(self, timestamp: int) -> None:
        """Mine a block at this time, for views to look at; feeds grow old."""
        self.at(timestamp)
        self.chain.mine()

    def now(self) -> int:
        """Unix s of the last block."""
        return int(self.chain.provider.get_block("latest").timestamp)

    def set_round(self, index: int, price: int, updated_at: int) -> None:
        """Move a feed and its date; `price` in WAD USD."""
        self.feeds[index].set_round(price // 10**10, updated_at, sender=self.deployer)

    def misbehave(self, index: int, **switches: Any) -> None:
        """Set the switches of an odd token; the ones left out go back to honest."""
        honest = {
            "answer": YES, "fee_bps": 0, "extra_bps": 0, "refuses_zero": False, "does_nothing": False,
            "hook": ZERO, "kept_back": 0, "is_blocked": False, "eats_gas": False, "is_dead": False
        }  # fmt: skip
        self.tokens[index].configure(*(honest | switches).values(), sender=self.deployer)

    def legs(self, amounts: Mapping[int, int]) -> list[tuple[Any, int]]:
        """IIndexVault.Leg by place in the basket."""
        return [(self.tokens[index], amount) for index, amount in amounts.items()]

    def script(self, *steps: tuple[str, bytes, bool], executor: Any = None) -> None:
        """What the scripted executor, or another one, does when it is called; see `step`."""
        executor = executor or self.executor
        executor.clear(sender=self.deployer)
        for start in range(0, len(steps), STEPS_AT_ONCE):
            executor.add_steps(list(steps[start : start + STEPS_AT_ONCE]), sender=self.deployer)

    def brings(self, brings: Mapping[int, int]) -> list[tuple[str, bytes, bool]]:
        """Fund the executor with base units by place in the basket; the steps that send them to the vault."""
        for index, amount in brings.items():
            self.tokens[index].mint(self.executor, amount, sender=self.deployer)
        return [step(self.tokens[index].transfer, self.vault, amount) for index, amount in brings.items()]

    def fill(
        self,
        sells: Mapping[int, int],
        brings: Mapping[int, int],
        *,
        buys: Mapping[int, int] | None = None,
        steps: Sequence[tuple[str, bytes, bool]] = (),
        at: int | None = None,
        deadline: int = FAR,
    ) -> Any:
        """The attacker fills in the callback form: the executor brings `brings`, then does `steps`; the receipt.

        With `at`, the fill is mined at that time.
        """
        self.script(*self.brings(brings), *steps)
        if at is not None:
            self.at(at)
        return self.vault.rebalance(
            self.legs(sells), self.legs(buys or {}), self.executor, b"", deadline, sender=self.attacker
        )

    def pull(
        self,
        sells: Mapping[int, int],
        buys: Mapping[int, int],
        *,
        approved: Mapping[int, int] | None = None,
        at: int | None = None,
    ) -> Any:
        """The keeper fills in the pull form, funded with `buys` and having approved them, or `approved`; the receipt."""
        for index, amount in (buys if approved is None else approved).items():
            self.tokens[index].mint(self.keeper, amount, sender=self.deployer)
            self.tokens[index].approve(self.vault, amount, sender=self.keeper)
        if at is not None:
            self.at(at)
        return self.vault.rebalance(self.legs(sells), self.legs(buys), ZERO, b"", FAR, sender=self.keeper)

    # ------------------------------------------------------------- reading

    @property
    def rebalancer(self) -> Any:
        """The vault's other half, kept: ape copies the whole of a contract's type for every instance that it makes."""
        address = self.vault.rebalancer()
        if address not in self._rebalancers:
            self._rebalancers[address] = self.project.Rebalancer.at(address, fetch_from_explorer=False)
        return self._rebalancers[address]

    @property
    def dead_shares(self) -> int:
        """Shares that the first mint makes for nobody."""
        return int(self.vault.DEAD_SHARES())

    def basket(self) -> list[reference.Holding]:
        """The basket as it is, for the reference model."""
        return [
            reference.Holding(token.balanceOf(self.vault), plan.decimals, feed.answer() * 10**10, plan.target)
            for token, feed, plan in zip(self.tokens, self.feeds, self.plans, strict=True)
        ]

    def wallet(self, who: Any) -> list[int]:
        """Base units that `who` holds, in basket order."""
        return [token.balanceOf(who) for token in self.tokens]

    def bound_at(self, timestamp: int) -> int:
        """What the price bound has to be at a time while the rebalance is open, WAD."""
        terms = self.terms
        elapsed = timestamp - self.rebalancer.opened_at()
        return reference.bound(elapsed, terms.duration, terms.start_premium, terms.max_discount)

    def value_up(self, index: int, amount: int) -> int:
        """WAD USD of what leaves."""
        return reference.value_up(amount, self.feeds[index].answer() * 10**10, self.plans[index].decimals)

    def value_down(self, index: int, amount: int) -> int:
        """WAD USD of what comes."""
        return reference.value_down(amount, self.feeds[index].answer() * 10**10, self.plans[index].decimals)

    def amount_up(self, index: int, value: int) -> int:
        """Least base units whose value is at least `value` WAD USD."""
        return -(-value * 10 ** self.plans[index].decimals // (self.feeds[index].answer() * 10**10))


def log_names(receipt: Any, *names: str) -> list[str]:
    """Which of these events a receipt carries, in its order."""
    return [event.event_name for event in receipt.events if event.event_name in names]


def basket_of(vault: Any) -> list[int]:
    """Base units of each asset that belong to the basket."""
    count, _, balances = vault.holdings()
    return list(balances)[:count]


def blueprint_initcode(creation_code: bytes) -> bytes:
    """What deploys a contract that keeps a creation code as ERC-5202 has it."""
    code = bytes.fromhex("fe7100") + creation_code
    # PUSH2 size, RETURNDATASIZE, DUP2, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURN
    return b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3") + code


def deploy_blueprint(deployer: Any, contract: Any) -> str:
    """Where the creation code of a contract container is kept then."""
    return deploy_code(deployer, blueprint_initcode(bytes(contract.contract_type.get_deployment_bytecode())))


def deploy_code(deployer: Any, initcode: bytes) -> str:
    """Deploy raw creation code; the address."""
    transaction = ape.chain.provider.network.ecosystem.create_transaction(data=initcode)
    return str(deployer.call(transaction).contract_address)


def step(method: Any, *args: Any, may_fail: bool = False) -> tuple[str, bytes, bool]:
    """One call of a script, in the executor's name."""
    return method.contract.address, method.encode_input(*args), may_fail


# IPriceOracle.Fault
FAULTS = (
    *("NO_FEED", "CALL_FAILED", "NOT_POSITIVE", "STALE", "IN_FUTURE", "BELOW_MINIMUM", "ABOVE_MAXIMUM"),
    *("SEQUENCER_DOWN", "RATE_FELL", "POOL_UNFIT", "TWAP_DEVIATES"),
)


def fault(name: str) -> int:
    """A member of IPriceOracle.Fault."""
    return 1 << FAULTS.index(name)


def bad_price(asset: Any, name: str) -> AbstractContextManager[Any]:
    """Expect exactly the typed error BadPrice(asset, fault)."""
    selector = keccak(text="BadPrice(address,uint256)")[:4].hex()
    arguments = encode(["address", "uint256"], [asset.address, fault(name)]).hex()
    # The node words the error of a call in one way and that of a transaction in the other.
    return ape.reverts(re.compile(f"(0x{selector}{arguments}|custom error 0x{selector}: {arguments})$"))


def revert(reason: str) -> AbstractContextManager[Any]:
    """Expect exactly this revert reason."""
    return ape.reverts(reason)


@contextmanager
def undone(chain: Any) -> Iterator[None]:
    """Go back to the present state of the chain at the end; errors go through.

    Not ape's `chain.isolate()`: that one swallows every exception of its block, failed assertions included.
    """
    snapshot = chain.snapshot()
    try:
        yield
    finally:
        chain.restore(snapshot)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors of transactions that only carry their reason.

    Ape traces a reverted transaction through its sources, for a second and, in a rebalance, up to half a minute. The reasons
    here are unique, so they say as much.
    """
    provider = type(ape.chain.provider)
    explain = provider.get_virtual_machine_error
    with patch.object(provider, "get_virtual_machine_error", lambda self, error, **_: explain(self, error)):
        yield
