"""Nobody re-enters: from the rebalance callback and from token hooks, every function of the ABI is called.

The table is the compiled ABI, so a new function is covered the day it is written. A call that the lock stops reverts with no
data at all; the same calls outside of the lock all answer or give a reason, so that silence can only be the lock.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import snekmate
from ape.contracts import ContractContainer
from eth_abi.abi import decode
from ethpm_types import ContractType
from unit.world import ALL, FAR, NO_FEES, WAD, ZERO, World, fault, revert, step, undone
from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FilesystemInputBundle

DAI, BTC, ETH = range(3)
ETHER = 10**18
ROOT = Path(__file__).parents[2]

# The share's ERC-20, ERC-2612 and ERC-5267, who owns, what it may do now, what is claimed: modules, outside of the lock.
# None can move the basket or the supply; that is asserted, not assumed. `in_flight` is there to be asked from inside.
UNLOCKED = {
    "totalSupply", "balanceOf", "allowance", "transfer", "transferFrom", "approve", "name", "symbol", "decimals",
    "permit", "nonces", "DOMAIN_SEPARATOR", "eip712Domain",
    "owner", "pending_owner", "transfer_ownership", "accept_ownership",
    "paused", "is_shut_down", "supply_cap", "claims", "in_flight",
}  # fmt: skip

# What the rebalancer answers at any time: nothing in it depends on balances. Its other views ask the vault, which is locked.
UNPRICED = {
    "vault", "oracle", "price_bound", "is_open", "opened_at", "closed_at", "completed_at", "loss", "terms", "rails",
    "strategist", "pending_strategist", "is_keeper", "head_start",
}  # fmt: skip

CONSTANTS = {"DEAD_SHARES", "MAX_ASSETS"}

# Where the vault calls foreign code in the middle of its work.
CONTEXTS = ("callback", "hook in mint", "hook in redeem", "hook in pull form", "hook in callback form")

# A redemption gives a token 600,000 gas for a transfer, hook included: a script is run there in parts.
PART = 4  # steps


@dataclass(frozen=True, slots=True)
class Attempt:
    """One function called by the attacker, and what became of it."""

    name: str
    succeeded: bool
    response: bytes

    @property
    def locked_out(self) -> bool:
        """Reverted without a word."""
        return not self.succeeded and self.response == b""


def plausible(kind: Any, world: World) -> Any:
    """An argument of an ABI type that gets past decoding and, where it can, past the first checks."""
    kind_name = kind.canonical_type
    if kind_name.endswith("[]"):
        return []
    if kind_name.startswith("("):
        return tuple(plausible(component, world) for component in kind.components)
    if kind_name == "address":
        return world.executor.address
    if kind_name == "bool":
        return False
    if kind_name == "bytes":
        return b""
    if kind_name.startswith("bytes"):
        return b"\x01" * int(kind_name[5:])
    if kind_name == "uint256[20]":
        return [0] * 20
    if kind_name in ("uint256", "int256", "uint8"):
        return FAR if kind.name == "deadline" else 1
    raise NotImplementedError(f"no plausible {kind_name}: teach `plausible` about it")


def arguments(abi: Any, world: World) -> list[Any]:
    """Arguments with which a function does something outside of the lock, where that matters."""
    if abi.name in ("mint", "redeem"):
        return [1, world.executor.address, [2**255 if abi.name == "mint" else 0] * 3, FAR]
    if abi.name == "rebalance" and len(abi.inputs) == 5 and abi.inputs[2].name == "executor":
        return [world.legs({ETH: ETHER}), [], ZERO, b"", FAR]
    return [plausible(kind, world) for kind in abi.inputs]


def functions(contract: Any) -> list[Any]:
    """Every function of the compiled ABI."""
    return sorted((abi for abi in contract.contract_type.abi if abi.type == "function"), key=lambda abi: abi.name)


def is_view(abi: Any) -> bool:
    """Whether a function only reads."""
    return bool(abi.stateMutability in ("view", "pure"))


def calls(contract: Any, world: World) -> list[tuple[str, bytes, bool]]:
    """A step for every function of the ABI, in the order of `functions`."""
    ecosystem = world.chain.provider.network.ecosystem
    return [
        (
            contract.address,
            ecosystem.get_method_selector(abi) + ecosystem.encode_calldata(abi, *arguments(abi, world)),
            True,
        )
        for abi in functions(contract)
    ]


def attempts(contract: Any, world: World, start: int = 0, count: int | None = None) -> dict[str, Attempt]:
    """What became of the calls of the last script, by function name; of all functions or `count` of them from `start`."""
    found = {}
    part = functions(contract)[start:] if count is None else functions(contract)[start : start + count]
    for index, abi in enumerate(part):
        outcome = world.executor.outcomes(index)
        found[abi.name] = Attempt(abi.name, outcome.succeeded, bytes(outcome.response))
    return found


def reason(attempt: Attempt) -> str:
    """The text of Error(string)."""
    assert attempt.response[:4] == bytes.fromhex("08c379a0"), attempt
    return str(decode(["string"], attempt.response[4:])[0])


@pytest.fixture(scope="module")
def world(odd_world: World) -> Iterator[World]:
    """A rebalance is open; the attacker's contract holds shares and tokens, and the vault may take them."""
    with undone(odd_world.chain):
        world = odd_world.opened()
        arm(world)
        yield world


def arm(world: World) -> None:
    for index, token in enumerate(world.tokens):
        token.mint(world.executor, 10**6 * 10 ** world.plans[index].decimals, sender=world.deployer)
        world.executor.call(token, token.approve.encode_input(world.vault, ALL), sender=world.attacker)
    world.vault.transfer(world.executor, 1_000 * WAD, sender=world.depositor)


def enter(world: World, context: str) -> Any:
    """Have the vault call the attacker's script in the middle of its work; the receipt."""
    if context == "callback":
        return world.vault.rebalance(world.legs({ETH: ETHER}), [], world.executor, b"", FAR, sender=world.attacker)
    world.misbehave(BTC if context in ("hook in mint", "hook in redeem") else ETH, hook=world.executor)
    if context == "hook in mint":
        amounts = list(world.vault.preview_mint(WAD))
        world.fund(world.depositor, amounts)
        return world.vault.mint(WAD, world.depositor, amounts, FAR, sender=world.depositor)
    if context == "hook in redeem":
        return world.vault.redeem(WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    if context == "hook in pull form":
        return world.pull({ETH: ETHER}, {DAI: 7_000 * WAD})
    payer = world.deployer.deploy(world.project.ScriptedExecutor)
    world.tokens[DAI].mint(payer, 7_000 * WAD, sender=world.deployer)
    world.script(step(world.tokens[DAI].transfer, world.vault, 7_000 * WAD), executor=payer)
    return world.vault.rebalance(world.legs({ETH: ETHER}), [], payer, b"", FAR, sender=world.attacker)


def script_of(world: World, context: str, steps: list[tuple[str, bytes, bool]]) -> None:
    """The attacker's script; in the callback it also brings what was bought, so that the fill goes through."""
    if context == "callback":
        world.tokens[DAI].mint(world.executor, 7_000 * WAD, sender=world.deployer)
        steps = [*steps, step(world.tokens[DAI].transfer, world.vault, 7_000 * WAD)]
    world.script(*steps)


@pytest.mark.parametrize("context", CONTEXTS)
def test_vault__called_from_inside__only_the_shares_answer(world: World, context: str) -> None:
    vault = world.vault
    supply, guardian, owner = vault.totalSupply(), vault.guardian(), vault.owner()
    steps = calls(vault, world)
    size = PART if context == "hook in redeem" else len(steps)
    seen: dict[str, Attempt] = {}
    for start in range(0, len(steps), size):
        script_of(world, context, steps[start : start + size])
        receipt = enter(world, context)
        seen |= attempts(vault, world, start, size)

    assert seen.keys() >= UNLOCKED | CONSTANTS
    open_doors = {name for name, attempt in seen.items() if not attempt.locked_out}
    assert open_doors == UNLOCKED | CONSTANTS
    # Who may not was told so, and the attacker's transfers of its own shares moved nothing else.
    refused = {name: reason(attempt) for name, attempt in seen.items() if name in UNLOCKED and not attempt.succeeded}
    assert refused == {
        "accept_ownership": "ownable_2step: caller is not the new owner",
        "permit": "ecdsa: invalid signature",
        "transfer_ownership": "ownable: caller is not the owner",
    }
    rounds = -(-len(steps) // size)
    change = {"hook in mint": WAD, "hook in redeem": -WAD * rounds}.get(context, 0)
    assert vault.totalSupply() == supply + change
    assert all(vault.claims(world.depositor, token) == 0 for token in world.tokens)
    assert (vault.guardian(), vault.owner(), vault.paused()) == (guardian, owner, False)
    # The fill, mint or redemption itself did what it always does.
    event = {"hook in mint": vault.Mint, "hook in redeem": vault.Redeem}.get(context, world.rebalancer.Rebalanced)
    assert len(receipt.events.filter(event)) == 1


def test_vault__same_calls_from_outside__every_one_answers_or_gives_a_reason(world: World) -> None:
    world.script(*calls(world.vault, world))
    world.executor.run(sender=world.attacker)
    silent = {name for name, attempt in attempts(world.vault, world).items() if attempt.locked_out}
    assert silent == set()


@pytest.mark.parametrize("context", CONTEXTS)
def test_vault__basket_order_seen_from_a_hook__nothing_to_exploit(world: World, context: str) -> None:
    """What a hook can read is the shares' supply: it never disagrees with the basket in the attacker's favour afterwards."""
    before, supply = world.wallet(world.vault), world.vault.totalSupply()
    script_of(world, context, [step(world.vault.transfer, world.attacker, 500 * WAD)])
    enter(world, context)
    now, now_supply = world.wallet(world.vault), world.vault.totalSupply()
    if context in ("hook in mint", "hook in redeem"):
        for held, holds in zip(before, now, strict=True):
            assert holds * supply >= held * now_supply
    assert world.vault.balanceOf(world.attacker) == 500 * WAD


@pytest.mark.parametrize("context", CONTEXTS)
def test_rebalancer__called_from_inside__tells_no_price_and_changes_nothing(world: World, context: str) -> None:
    rebalancer = world.rebalancer
    steps = calls(rebalancer, world)
    size = PART if context == "hook in redeem" else len(steps)
    seen: dict[str, Attempt] = {}
    for start in range(0, len(steps), size):
        script_of(world, context, steps[start : start + size])
        enter(world, context)
        seen |= attempts(rebalancer, world, start, size)

    assert {name for name, attempt in seen.items() if attempt.succeeded} == UNPRICED
    refused = {name: reason(attempt) for name, attempt in seen.items() if not attempt.succeeded and attempt.response}
    is_rebalance = context not in ("hook in mint", "hook in redeem")
    of_owner = {
        "set_targets", "set_rails", "propose_strategist", "remove_strategist", "set_keepers", "set_head_start", "set_oracle"
    }  # fmt: skip
    of_vault = {"open_rebalance", "begin", "settle", "end_rebalance", "add_asset", "remove_asset"}
    assert refused == {
        **dict.fromkeys(of_vault, "rebalancer: not the vault"),
        **dict.fromkeys(of_owner, "rebalancer: in flight" if is_rebalance else "rebalancer: not owner"),
        "accept_strategist": "rebalancer: in flight" if is_rebalance else "role: not proposed",
        "set_bands": "rebalancer: in flight" if is_rebalance else "rebalancer: not strategist",
    }


def test_oracle__called_from_inside__nothing_can_be_changed(world: World) -> None:
    prices = list(world.oracle.prices(world.tokens))
    script_of(world, "callback", calls(world.oracle, world))
    enter(world, "callback")
    seen = attempts(world.oracle, world)
    mutable = {abi.name for abi in world.oracle.contract_type.mutable_methods}
    owners = {
        "set_feed", "set_quoted_feed", "set_wrapper", "set_cross_check", "set_sequencer", "transfer_ownership"
    }  # fmt: skip
    assert mutable == owners | {"accept_ownership", "poke"}
    assert {name: reason(seen[name]) for name in mutable} == {
        **dict.fromkeys(owners, "ownable: caller is not the owner"),
        "accept_ownership": "ownable_2step: caller is not the new owner",
        "poke": "oracle: not a wrapper",
    }
    assert seen["price"].response.endswith(fault("NO_FEED").to_bytes(32, "big"))  # no such asset: the executor
    assert list(world.oracle.prices(world.tokens)) == prices


# --- the executor

LENDER_CALLBACKS = (
    "onMorphoFlashLoan", "receiveFlashLoan", "executeOperation", "uniswapV3FlashCallback", "onFlashLoan"
)  # fmt: skip


@pytest.fixture
def route_executor(world: World) -> Any:
    """A keeper's executor over a factory that no test here needs."""
    return world.deployer.deploy(world.project.RouteExecutor, world.keeper, world.stranger)


def test_route_executor__called_from_inside__only_its_owner_is_told(world: World, route_executor: Any) -> None:
    """While it runs, a token hook calls every function of its ABI."""
    world.script(*calls(route_executor, world))
    world.misbehave(ETH, hook=world.executor)
    world.tokens[DAI].mint(route_executor, 7_000 * WAD, sender=world.deployer)

    route_executor.rebalance(
        world.vault, world.legs({ETH: ETHER}), world.legs({DAI: 6_000 * WAD}), [], FAR, sender=world.keeper
    )

    seen = attempts(route_executor, world)
    unlocked = {
        "owner",
        "pending_owner",
        "transfer_ownership",
        "accept_ownership",
        "aggregator_spenders",
        "on_rebalance",
        "uniswapV3SwapCallback",
        *LENDER_CALLBACKS,
    }
    assert {name for name, attempt in seen.items() if not attempt.locked_out} == unlocked
    assert {name: reason(attempt) for name, attempt in seen.items() if attempt.response and not attempt.succeeded} == {
        "on_rebalance": "executor: not the vault",
        "uniswapV3SwapCallback": "uniswap: not the pool",
        **dict.fromkeys(LENDER_CALLBACKS, "flash: not the lender"),
        "transfer_ownership": "ownable: caller is not the owner",
        "accept_ownership": "ownable_2step: caller is not the new owner",
    }
    assert route_executor.owner() == world.keeper


def test_batch_executor__called_from_inside__only_its_owner_is_told(world: World) -> None:
    """While it runs, a token hook calls every function of its ABI."""
    executor = world.deployer.deploy(world.project.BatchExecutor, world.keeper, world.stranger)
    payer = world.deployer.deploy(world.project.ScriptedVault)
    world.tokens[DAI].mint(payer, 7_000 * WAD, sender=world.deployer)
    turn = executor.on_rebalance.encode_input(executor, [], b"")
    pays = step(world.tokens[DAI].transfer, executor, 7_000 * WAD)
    payer.add_steps([pays, (executor.address, turn, False)], sender=world.attacker)
    world.script(*calls(executor, world))
    world.misbehave(ETH, hook=world.executor)

    orders = [
        (world.vault, world.legs({ETH: ETHER}), [(world.tokens[DAI], 6_000 * WAD, 7_000 * WAD, 0)]),
        (payer, world.legs({DAI: 7_000 * WAD}), [(world.tokens[ETH], 0, ETHER, 0)]),
    ]
    executor.rebalance_many(orders, [], FAR, sender=world.keeper)

    seen = attempts(executor, world)
    assert {name for name, attempt in seen.items() if not attempt.locked_out} == {
        *("owner", "pending_owner", "transfer_ownership", "accept_ownership"),
        *("on_rebalance", "uniswapV3SwapCallback"),
    }
    assert {name: reason(attempt) for name, attempt in seen.items() if attempt.response and not attempt.succeeded} == {
        "on_rebalance": "batch: not the vault's turn",
        "uniswapV3SwapCallback": "uniswap: not the pool",
        "transfer_ownership": "ownable: caller is not the owner",
        "accept_ownership": "ownable_2step: caller is not the new owner",
    }
    assert world.tokens[ETH].balanceOf(payer) == ETHER


@pytest.mark.parametrize("is_minting", [True, False])
def test_index_zap__called_from_inside__only_its_owner_is_told(world: World, is_minting: bool) -> None:
    """While somebody mints or redeems, a token hook calls every function of its ABI."""
    zap = world.deployer.deploy(world.project.IndexZap, world.owner, world.stranger, world.tokens[BTC])
    for token, plan in zip(world.tokens, world.plans, strict=True):
        token.mint(zap, 10**4 * 10**plan.decimals, sender=world.deployer)
    world.vault.approve(zap, WAD, sender=world.depositor)
    steps = calls(zap, world)
    seen: dict[str, Attempt] = {}
    for start in range(0, len(steps), PART):
        with undone(world.chain):
            world.script(*steps[start : start + PART])
            world.misbehave(ETH, hook=world.executor)
            tail = ([], [], FAR, (0, 0, 0, 0, 0, b"\0" * 32, b"\0" * 32))
            if is_minting:
                world.tokens[DAI].approve(zap, 0, sender=world.depositor)
                zap.zap_mint(world.vault, world.tokens[DAI], 0, WAD, *tail, sender=world.depositor)
            else:
                zap.zap_redeem(world.vault, WAD, world.tokens[DAI], 0, *tail, sender=world.depositor)
            seen |= attempts(zap, world, start, PART)

    assert {name for name, attempt in seen.items() if not attempt.locked_out} == {
        *("owner", "pending_owner", "transfer_ownership", "accept_ownership"),
        *("aggregator_spenders", "uniswapV3SwapCallback"),
    }
    assert {name: reason(attempt) for name, attempt in seen.items() if attempt.response and not attempt.succeeded} == {
        "uniswapV3SwapCallback": "uniswap: not the pool",
        "transfer_ownership": "ownable: caller is not the owner",
        "accept_ownership": "ownable_2step: caller is not the new owner",
    }


# --- without the lock


@pytest.fixture(scope="module")
def unlocked(odd_world: World, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The vault's source, compiled without its lock."""
    home = copytree(ROOT / "contracts", tmp_path_factory.mktemp("unlocked") / "contracts")
    file, pragma = home / "IndexVault.vy", "# pragma nonreentrancy on\n"
    assert file.read_text().count(pragma) == 1
    unlocked = file.read_text().replace(pragma, "# pragma nonreentrancy off\n").replace("@reentrant\n", "")
    file.write_text(unlocked)
    bundle = FilesystemInputBundle([Path(snekmate.__path__[0]).parent, home.parent])
    output = compile_from_file_input(bundle.load_file(file), input_bundle=bundle, output_formats=["abi", "bytecode"])
    return ContractContainer(
        ContractType(
            contractName="UnlockedVault", abi=output["abi"], deploymentBytecode={"bytecode": output["bytecode"]}
        )
    )


@pytest.fixture
def unlocked_world(odd_world: World, unlocked: Any) -> World:
    """As `world`, with the lock taken out."""
    vault = odd_world.deployer.deploy(
        unlocked, "Test Index", "TIDX", odd_world.owner, odd_world.guardian, odd_world.oracle, odd_world.asset_terms(),
        odd_world.terms.as_tuple(), NO_FEES, odd_world.blueprint,
    )  # fmt: skip
    world = replace(odd_world, vault=vault).opened()
    arm(world)
    return world


def test_unlocked_vault__called_from_inside__answers(unlocked_world: World) -> None:
    """The table above can fail: without the lock the attacker reads every price in the middle of a rebalance."""
    world = unlocked_world
    steps = [call for abi, call in zip(functions(world.vault), calls(world.vault, world), strict=True) if is_view(abi)]
    script_of(world, "callback", steps)
    enter(world, "callback")
    assert all(world.executor.outcomes(index).succeeded for index in range(len(steps)))


@pytest.mark.parametrize("shares", [1, WAD])
def test_unlocked_vault__minted_in_the_callback__second_line_holds(unlocked_world: World, shares: int) -> None:
    world = unlocked_world
    mint = step(world.vault.mint, shares, world.executor.address, [2**255] * 3, FAR)
    script_of(world, "callback", [mint])
    with revert("vault: supply changed"):
        enter(world, "callback")
