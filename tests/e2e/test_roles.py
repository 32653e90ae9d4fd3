"""Who may call what: every role tries every function of every contract, and each answer is in a table.

The functions are those of the compiled ABIs, so a new one fails here until it has a place in the table.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode
from unit.world import ALL, FAR, NO_FEES, WAD, ZERO, World, deploy_blueprint, undone
from web3.exceptions import ContractLogicError

ROOT = Path(__file__).parents[2]
DAI, BTC, ETH = range(3)
ETHER = 10**18
DAY = 86400
DELAY = 60  # s, of the timelock
NONE = b"\0" * 32
MOST_PRICE = 10**6 * WAD
ERC3156 = 16  # IRouteExecutor.Lender
NO_PERMIT = (0, 0, 0, 0, 0, NONE, NONE)  # IIndexZap.Permit

# Who holds a role, by the name of that role; the successor is proposed for each, the keeper is listed and owns an executor.
ROLES = ("owner", "guardian", "strategist", "keeper", "depositor", "successor", "stranger", "vault")

# Why a call is refused; None where it is allowed.
Outcomes = dict[str, str | None]

NOT_OWNER = "ownable: caller is not the owner"
NOT_SUCCESSOR = "ownable_2step: caller is not the new owner"
NOT_RULES_OWNER = "rebalancer: not owner"
NOT_VAULT = "rebalancer: not the vault"
NOT_PROPOSED = "role: not proposed"
NO_ROLE = "access_control: account is missing role"


@dataclass(frozen=True, slots=True)
class Stage:
    """A vault in the middle of its life, everything around it, and what the calls are made with."""

    world: World
    contracts: Mapping[str, Any]  # by name
    addresses: Mapping[str, str]  # by role
    spare: Any  # in the basket, at target zero, none held
    fresh: Any  # not in the basket, priced
    lender: Any  # of DAI, ERC-3156
    wrapper: Any  # priced by its rate
    wrapper_terms: tuple[Any, ...]
    waiting: tuple[Any, ...]  # an operation of the timelock that is announced
    ready: tuple[Any, ...]  # and one that is due

    def attempt(self, contract: str, function: str, arguments: tuple[Any, ...], role: str) -> str | None:
        """Why a call in a role's name reverts; None when it does not."""
        target = self.contracts[contract]
        data = getattr(target, function).encode_input(*arguments)
        call = {"from": self.addresses[role], "to": target.address, "data": "0x" + bytes(data).hex()}
        try:
            self.world.chain.provider.web3.eth.call(call)
        except ContractLogicError as error:
            return told(error)
        return None

    def answer(self, contract: str, function: str, arguments: tuple[Any, ...], role: str) -> bytes:
        """What a call in a role's name returns."""
        target = self.contracts[contract]
        data = getattr(target, function).encode_input(*arguments)
        call = {"from": self.addresses[role], "to": target.address, "data": "0x" + bytes(data).hex()}
        return bytes(self.world.chain.provider.web3.eth.call(call))

    def holdings(self) -> tuple[int, list[int], list[int]]:
        """What the vault tells its rebalancer."""
        count, words, balances = self.world.vault.holdings()
        return count, list(words), list(balances)

    def begun(self) -> tuple[Any, ...]:
        """Arguments of `settle` after a fill in the pull form that began with `fill`."""
        arguments = (self.addresses["keeper"], *self.holdings(), *self.fill(), True)
        response = self.answer("Rebalancer", "begin", arguments, "vault")
        leaving, due, state = decode(["uint256[20]", "uint256[20]", "bytes"], response)
        balances = [held - out + came for held, out, came in zip(self.holdings()[2], leaving, due, strict=True)]
        return self.addresses["keeper"], ZERO, state, balances

    def fill(self) -> tuple[list[Any], list[Any]]:
        """What is sold and bought."""
        return self.world.legs({ETH: ETHER}), self.world.legs({DAI: 7_000 * WAD})

    def plan(self) -> tuple[Any, ...]:
        """IIndexFactory.Plan of a vault over the same tokens."""
        world = self.world
        return (
            *("Test Index", "TIDX", world.owner, world.guardian, world.oracle),
            *(world.asset_terms(), world.terms.as_tuple(), NO_FEES),
        )


def told(error: ContractLogicError) -> str:
    """The text of Error(string), or the data as it is."""
    data = bytes.fromhex(str(error.data)[2:]) if error.data and error.data != "no data" else b""
    if data[:4] == bytes.fromhex("08c379a0"):
        return str(decode(["string"], data[4:])[0])
    return "0x" + data.hex()


def everybody(**refused: str) -> Outcomes:
    """All may, but for the roles that are named."""
    return {role: refused.get(role) for role in ROLES}


def only(*allowed: str, otherwise: str, **particular: str) -> Outcomes:
    """These may; the others are told `otherwise`, or what is particular to them."""
    return {role: None if role in allowed else particular.get(role, otherwise) for role in ROLES}


def nobody(otherwise: str) -> Outcomes:
    """None of the roles may."""
    return only(otherwise=otherwise)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a function with these arguments, and what the others are told."""

    outcomes: Outcomes
    arguments: Callable[[Stage], tuple[Any, ...]] = lambda _: ()
    before: Callable[[Stage], object] = lambda _: None


def owned(contract_owner: str = "owner") -> dict[str, Rule]:
    """Of every contract that has an owner in two steps."""
    return {
        "transfer_ownership": Rule(only(contract_owner, otherwise=NOT_OWNER), lambda on: (on.addresses["stranger"],)),
        "accept_ownership": Rule(only("successor", otherwise=NOT_SUCCESSOR)),
    }


VAULT = owned() | {
    # shares
    "transfer": Rule(everybody(), lambda on: (on.addresses["stranger"], 1)),
    "approve": Rule(everybody(), lambda on: (on.addresses["stranger"], 1)),
    "transferFrom": Rule(
        only("keeper", otherwise="erc20: insufficient allowance"),
        lambda on: (on.addresses["depositor"], on.addresses["keeper"], 1),
    ),
    "permit": Rule(
        nobody("erc20: invalid signature"), lambda on: (on.addresses["depositor"], ZERO, 1, FAR, 27, b"\1" * 32, b"\1" * 32)
    ),
    # anybody
    "mint": Rule(
        everybody(vault="token: allowance too low"), lambda on: (WAD, on.addresses["depositor"], [ALL] * 4, FAR)
    ),
    "redeem": Rule(everybody(), lambda on: (WAD, on.addresses["depositor"], [0] * 4, FAR)),
    "claim": Rule(
        only("depositor", otherwise="basket: nothing to claim"),
        lambda on: (on.world.tokens[BTC], on.addresses["depositor"]),
    ),
    "accrue_fees": Rule(everybody()),
    "open_rebalance": Rule(everybody()),
    "rebalance": Rule(
        only("keeper", otherwise="keepers: head start"), lambda on: (*on.fill(), ZERO, b"", FAR)
    ),
    # guardian and owner
    "pause": Rule(only("guardian", "owner", otherwise="vault: not guardian")),
    "unpause": Rule(
        only("owner", otherwise=NOT_OWNER), before=lambda on: on.world.vault.pause(sender=on.world.guardian)
    ),
    "shut_down": Rule(only("owner", otherwise=NOT_OWNER)),
    "add_asset": Rule(only("owner", otherwise=NOT_OWNER), lambda on: (on.fresh,)),
    "remove_asset": Rule(only("owner", otherwise=NOT_OWNER), lambda on: (on.spare,)),
    "set_supply_cap": Rule(only("owner", otherwise=NOT_OWNER), lambda _: (0,)),
    "set_fees": Rule(only("owner", otherwise=NOT_OWNER), lambda _: (NO_FEES,)),
    "propose_guardian": Rule(only("owner", otherwise=NOT_OWNER), lambda _: (ZERO,)),
    "accept_guardian": Rule(only("successor", otherwise=NOT_PROPOSED)),
    "remove_guardian": Rule(only("owner", otherwise=NOT_OWNER)),
}  # fmt: skip

REBALANCER = {
    # the vault
    "open_rebalance": Rule(only("vault", otherwise=NOT_VAULT), lambda on: (ZERO, *on.holdings())),
    "begin": Rule(
        only("vault", otherwise=NOT_VAULT), lambda on: (on.addresses["keeper"], *on.holdings(), *on.fill(), True)
    ),
    "settle": Rule(only("vault", otherwise=NOT_VAULT), lambda on: on.begun()),
    "end_rebalance": Rule(only("vault", otherwise=NOT_VAULT)),
    "add_asset": Rule(only("vault", otherwise=NOT_VAULT), lambda on: (on.fresh, 4)),
    "remove_asset": Rule(only("vault", otherwise=NOT_VAULT), lambda on: (3, *on.holdings())),
    # strategist
    "accept_strategist": Rule(only("successor", otherwise=NOT_PROPOSED)),
    "set_bands": Rule(
        only("strategist", otherwise="rebalancer: not strategist"), lambda on: (list(on.world.rebalancer.bands()),)
    ),
    # owner
    "set_targets": Rule(
        only("owner", otherwise=NOT_RULES_OWNER), lambda on: (list(on.world.rebalancer.targets()), 0, 0)
    ),
    "set_rails": Rule(only("owner", otherwise=NOT_RULES_OWNER), lambda _: ((WAD // 10, WAD // 10, 0),)),
    "propose_strategist": Rule(only("owner", otherwise=NOT_RULES_OWNER), lambda _: (ZERO,)),
    "remove_strategist": Rule(only("owner", otherwise=NOT_RULES_OWNER)),
    "set_keepers": Rule(only("owner", otherwise=NOT_RULES_OWNER), lambda on: ([on.addresses["stranger"]], True)),
    "set_head_start": Rule(only("owner", otherwise=NOT_RULES_OWNER), lambda _: (0,)),
    "set_oracle": Rule(only("owner", otherwise=NOT_RULES_OWNER), lambda on: (on.world.oracle,)),
}

ORACLE = owned() | {
    "poke": Rule(everybody(), lambda on: (on.wrapper,)),
    "set_feed": Rule(
        only("owner", otherwise=NOT_OWNER), lambda on: ((on.fresh, on.world.feeds[DAI], DAY, 1, MOST_PRICE),)
    ),
    "set_quoted_feed": Rule(
        only("owner", otherwise=NOT_OWNER),
        lambda on: ((on.fresh, on.world.feeds[DAI], DAY, 1, MOST_PRICE), (on.world.feeds[ETH], DAY)),
    ),
    "set_wrapper": Rule(only("owner", otherwise=NOT_OWNER), lambda on: (on.wrapper_terms,)),
    "set_cross_check": Rule(only("owner", otherwise=NOT_OWNER), lambda on: ((on.fresh, ZERO, 0, 0, 0, 0),)),
    "set_sequencer": Rule(only("owner", otherwise=NOT_OWNER), lambda _: (ZERO, 0)),
}  # fmt: skip

# The executor is the keeper's own.
EXECUTOR = owned("keeper") | {
    # Without a route it pays with what it has.
    "rebalance": Rule(
        only("keeper", otherwise=NOT_OWNER),
        lambda on: (on.world.vault, *on.fill(), [], FAR),
    ),
    "rebalance_with_loan": Rule(
        only("keeper", otherwise=NOT_OWNER),
        lambda on: (on.world.vault, *on.fill(), [], FAR, (on.lender, ERC3156, on.world.tokens[DAI], WAD, 0, 0)),
    ),
    "rebalance_with_calls": Rule(
        only("keeper", otherwise=NOT_OWNER),
        lambda on: (on.world.vault, *on.fill(), [], FAR, (ZERO, 0, ZERO, 0, 0, 0), []),
    ),
    "set_aggregator": Rule(
        only("keeper", otherwise=NOT_OWNER),
        lambda on: (on.contracts["IndexLens"], b"\1\2\3\4", on.contracts["IndexLens"]),
    ),
    "sweep": Rule(only("keeper", otherwise=NOT_OWNER), lambda on: (on.world.tokens[DAI],)),
    # Callbacks, which only who was called may make.
    "on_rebalance": Rule(
        nobody("executor: not the vault"), lambda on: (on.contracts["RouteExecutor"], on.fill()[0], b"")
    ),
    "uniswapV3SwapCallback": Rule(nobody("uniswap: not the pool"), lambda _: (1, 0, b"")),
    "onMorphoFlashLoan": Rule(nobody("flash: not the lender"), lambda _: (1, b"")),
    "receiveFlashLoan": Rule(nobody("flash: not the lender"), lambda on: ([on.world.tokens[DAI]], [1], [0], b"")),
    "executeOperation": Rule(
        nobody("flash: not the lender"), lambda on: (on.world.tokens[DAI], 1, 0, on.contracts["RouteExecutor"], b"")
    ),
    "uniswapV3FlashCallback": Rule(nobody("flash: not the lender"), lambda _: (0, 0, b"")),
    "onFlashLoan": Rule(
        nobody("flash: not the lender"), lambda on: (on.contracts["RouteExecutor"], on.world.tokens[DAI], 1, 0, b"")
    ),
}

BATCH = owned("keeper") | {
    # A vault that sells nothing is told so; who may not start it is told that first.
    "rebalance_many": Rule(
        only(otherwise=NOT_OWNER, keeper="rebalance: nothing in surplus"),
        lambda on: ([(on.world.vault, [], [])], [], FAR),
    ),
    "sweep": Rule(only("keeper", otherwise=NOT_OWNER), lambda on: (on.world.tokens[DAI],)),
    "on_rebalance": Rule(
        nobody("batch: not the vault's turn"), lambda on: (on.contracts["BatchExecutor"], on.fill()[0], b"")
    ),
    "uniswapV3SwapCallback": Rule(nobody("uniswap: not the pool"), lambda _: (1, 0, b"")),
}

ZAP = owned() | {
    # Whoever calls pays, out of what it has let the zap take.
    "zap_mint": Rule(
        everybody(vault="token: allowance too low"),
        lambda on: (on.world.vault, on.world.tokens[DAI], WAD, 0, [], [], FAR, NO_PERMIT),
    ),
    "zap_redeem": Rule(
        only("depositor", otherwise="erc20: insufficient allowance"),
        lambda on: (on.world.vault, WAD, on.world.tokens[DAI], 0, [], [], FAR, NO_PERMIT),
    ),
    "set_aggregator": Rule(
        only("owner", otherwise=NOT_OWNER),
        lambda on: (on.contracts["IndexLens"], b"\1\2\3\4", on.contracts["IndexLens"]),
    ),
    "uniswapV3SwapCallback": Rule(nobody("uniswap: not the pool"), lambda _: (1, 0, b"")),
}

TIMELOCK = {
    "schedule": Rule(only("owner", otherwise=NO_ROLE), lambda on: (*on.ready[:3], NONE, b"\7" * 32, DELAY)),
    "schedule_batch": Rule(
        only("owner", otherwise=NO_ROLE), lambda on: ([on.ready[0]], [0], [on.ready[2]], NONE, NONE, DELAY)
    ),
    "cancel": Rule(
        only("owner", otherwise=NO_ROLE), lambda on: (on.contracts["Timelock"].hash_operation(*on.waiting),)
    ),
    "execute": Rule(only("keeper", otherwise=NO_ROLE), lambda on: on.ready),
    "execute_batch": Rule(
        # None is announced; who may not execute is told that first.
        only(otherwise=NO_ROLE, keeper="timelock_controller: operation is not ready"),
        lambda on: ([on.ready[0]], [0], [on.ready[2]], NONE, NONE),
    ),
    "update_delay": Rule(nobody("timelock_controller: caller must be timelock"), lambda _: (0,)),
    "grantRole": Rule(nobody(NO_ROLE), lambda on: (NONE, on.addresses["stranger"])),
    "revokeRole": Rule(nobody(NO_ROLE), lambda on: (NONE, on.addresses["owner"])),
    "set_role_admin": Rule(nobody(NO_ROLE), lambda _: (NONE, NONE)),
    "renounceRole": Rule(
        only("owner", otherwise="access_control: can only renounce roles for itself"),
        lambda on: (NONE, on.addresses["owner"]),
    ),
    # It takes tokens from whoever sends them.
    "onERC721Received": Rule(everybody(), lambda _: (ZERO, ZERO, 0, b"")),
    "onERC1155Received": Rule(everybody(), lambda _: (ZERO, ZERO, 0, 0, b"")),
    "onERC1155BatchReceived": Rule(everybody(), lambda _: (ZERO, ZERO, [], [], b"")),
}

FACTORY = {
    "create": Rule(everybody(vault="token: allowance too low"), lambda on: (on.plan(), b"\3" * 32, WAD, [ALL] * 3, FAR))
}

TABLE: dict[str, dict[str, Rule]] = {
    "IndexVault": VAULT,
    "Rebalancer": REBALANCER,
    "PriceOracle": ORACLE,
    "RouteExecutor": EXECUTOR,
    "BatchExecutor": BATCH,
    "IndexZap": ZAP,
    "IndexFactory": FACTORY,
    "IndexLens": {},
    "Timelock": TIMELOCK,
}

# Views answer everybody alike; these need more than a plausible argument.
VIEWS: dict[tuple[str, str], Callable[[Stage], tuple[Any, ...]]] = {
    ("PriceOracle", "price"): lambda on: (on.world.tokens[DAI],),
    ("PriceOracle", "prices"): lambda on: (list(on.world.tokens),),
    ("IndexFactory", "vault_at"): lambda _: (0,),
    ("IndexLens", "vault"): lambda on: (on.world.vault,),
    ("IndexLens", "users"): lambda on: (on.world.vault, on.addresses["depositor"]),
}


def plausible(kind: Any) -> Any:
    """An argument of an ABI type."""
    name = kind.canonical_type
    if name.endswith("[]"):
        return []
    if name == "bytes" or re.fullmatch(r"bytes\d+", name):
        return b"\1" * int(name[5:] or 0)
    return {"address": ZERO, "uint256": 1}[name]


@pytest.fixture(scope="module")
def stage(odd_world: World) -> Iterator[Stage]:
    """A rebalance is due and has a head start, every role is held and a successor proposed, and all have shares and tokens."""
    with undone(odd_world.chain):
        yield set_stage(odd_world.drifted())


def set_stage(world: World) -> Stage:
    """See `stage`."""
    deploy, project, rules = world.deployer.deploy, world.project, world.rebalancer
    people = {role: getattr(world, role) for role in ROLES if role not in ("successor", "vault")}
    people["successor"] = world.attacker

    # A claim of the depositor.
    world.misbehave(BTC, is_blocked=True)
    world.vault.redeem(WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    world.misbehave(BTC)

    spare, fresh = (deploy(project.Token, symbol, 18) for symbol in ("SPARE", "FRESH"))
    for token in (spare, fresh):
        world.oracle.set_feed((token, world.feeds[DAI], DAY, 1, MOST_PRICE), sender=world.owner)
    world.vault.add_asset(spare, sender=world.owner)
    wrapper = deploy(project.Wrapper, world.tokens[ETH], 18, WAD)
    wrapper_terms = (wrapper, world.tokens[ETH], False, WAD, world.now(), WAD // 10, WAD // 20, 1, MOST_PRICE)
    world.oracle.set_wrapper(wrapper_terms, sender=world.owner)

    blueprints = [deploy_blueprint(world.deployer, project.IndexVault), world.blueprint]
    contracts = {
        "IndexVault": world.vault,
        "Rebalancer": rules,
        "PriceOracle": world.oracle,
        "RouteExecutor": deploy(project.RouteExecutor, world.keeper, world.stranger),
        "BatchExecutor": deploy(project.BatchExecutor, world.keeper, world.stranger),
        "IndexZap": deploy(project.IndexZap, world.owner, world.stranger, world.tokens[ETH]),
        "IndexFactory": deploy(project.IndexFactory, *blueprints),
        "IndexLens": deploy(project.IndexLens),
        "Timelock": deploy(project.Timelock, DELAY, [world.owner], [world.keeper]),
    }

    world.vault.propose_guardian(world.attacker, sender=world.owner)
    rules.propose_strategist(world.strategist, sender=world.owner)
    rules.accept_strategist(sender=world.strategist)
    rules.propose_strategist(world.attacker, sender=world.owner)
    executors = [contracts["RouteExecutor"], contracts["BatchExecutor"]]
    rules.set_keepers([world.keeper, *executors], True, sender=world.owner)
    rules.set_head_start(60, sender=world.owner)
    for name in ("IndexVault", "PriceOracle", "IndexZap"):
        contracts[name].transfer_ownership(world.attacker, sender=world.owner)
    for executor in executors:
        executor.transfer_ownership(world.attacker, sender=world.keeper)

    for spender in (world.keeper, contracts["IndexZap"]):
        world.vault.approve(spender, WAD, sender=world.depositor)
    # What is there already is enough for some shares of whoever calls.
    for token, plan in zip(world.tokens, world.plans, strict=True):
        token.mint(contracts["IndexZap"], 10**4 * 10**plan.decimals, sender=world.deployer)
    for who in people.values():
        if who != world.depositor:
            world.vault.transfer(who, 10 * WAD, sender=world.depositor)
        for token, plan in zip(world.tokens, world.plans, strict=True):
            token.mint(who, 10**4 * 10**plan.decimals, sender=world.deployer)
            for spender in (world.vault, contracts["IndexFactory"], contracts["IndexZap"]):
                token.approve(spender, ALL, sender=who)
    world.vault.transfer(world.vault, 10 * WAD, sender=world.depositor)
    contracts["IndexFactory"].create(
        ("Test Index", "TIDX", world.owner, world.guardian, world.oracle, world.asset_terms(), world.terms.as_tuple(), NO_FEES),
        NONE, WAD, [ALL] * 3, FAR, sender=world.depositor,
    )  # fmt: skip

    lender = deploy(project.Lender)
    for holder in (lender, contracts["RouteExecutor"]):
        world.tokens[DAI].mint(holder, 10**4 * WAD, sender=world.deployer)

    timelock = contracts["Timelock"]
    ready, waiting = (
        (timelock.address, 0, timelock.update_delay.encode_input(delay), NONE, NONE) for delay in (61, 62)
    )
    timelock.schedule(*ready, DELAY, sender=world.owner)
    world.wait(DELAY)
    timelock.schedule(*waiting, DELAY, sender=world.owner)

    addresses = {role: str(who.address) for role, who in people.items()} | {"vault": str(world.vault.address)}
    return Stage(world, contracts, addresses, spare, fresh, lender, wrapper, wrapper_terms, waiting, ready)


def functions(contract: Any, *, views: bool) -> set[str]:
    """Names of the functions that only read, or of those that do not."""
    kinds = ("view", "pure")
    return {
        abi.name
        for abi in contract.contract_type.abi
        if abi.type == "function" and (abi.stateMutability in kinds) is views
    }


def test_table__of_every_contract_and_function__is_complete(stage: Stage) -> None:
    assert TABLE.keys() == stage.contracts.keys() == {path.stem for path in (ROOT / "contracts").glob("*.vy")}
    for name, contract in stage.contracts.items():
        assert TABLE[name].keys() == functions(contract, views=False), name
        assert {view for owner, view in VIEWS if owner == name} <= functions(contract, views=True), name


@pytest.mark.parametrize(
    ("contract", "function"), [(name, function) for name, rules in TABLE.items() for function in rules]
)
def test_function__called_in_every_role__is_allowed_or_refused_as_the_table_says(
    stage: Stage, contract: str, function: str
) -> None:
    rule = TABLE[contract][function]
    with undone(stage.world.chain):
        rule.before(stage)
        arguments = rule.arguments(stage)
        assert {role: stage.attempt(contract, function, arguments, role) for role in ROLES} == rule.outcomes


@pytest.mark.parametrize("contract", TABLE)
def test_views__read_in_every_role__answer_all_alike(stage: Stage, contract: str) -> None:
    for abi in stage.contracts[contract].contract_type.view_methods:
        given = VIEWS.get((contract, abi.name), lambda _, kinds=abi.inputs: tuple(plausible(kind) for kind in kinds))
        answers = {stage.answer(contract, abi.name, given(stage), role) for role in ROLES}
        assert len(answers) == 1, abi.name
