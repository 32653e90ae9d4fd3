"""What may happen on the chain itself while a keeper looks after a vault that is due, and what it must do then."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from eth_account import Account

from chaos.stage import Stage
from devnet import market
from devnet.addresses import FEEDS, HELPER, TOKENS, USD_FEEDS

AHEAD = 6  # blocks below the play, so that a reorganisation leaves the chain's snapshot alone
EXPIRED = 17  # passes, after which an order's deadline is over


def passes(stage: Stage, keeper, count: int) -> list[str]:
    """So many passes with a block after each; what was said in the last one."""
    said: list[str] = []
    for _ in range(count):
        said = stage.tick(keeper)
    return said


# --- blocks


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("is_confirmed", [False, True])
def test_reorg__that_takes_a_fill_away__is_seen_and_the_fill_is_done_again(stage, depth, is_confirmed):
    stage.blocks(AHEAD)
    with stage.keeper(confirmations=depth if is_confirmed else depth + 1) as keeper:
        passes(stage, keeper, depth)
        keeper.tick()
        assert stage.fills == 1
        assert [row.state for row in stage.rows] == ["confirmed" if is_confirmed else "mined"]
        stage.reorganise(depth)
        assert stage.fills == 0
        late = passes(stage, keeper, 2)
        keeper.tick()  # a busy node takes the first block to have it among what is ready: then it is in the last
    assert stage.fills == 1, late
    assert stage.faults() == []


def test_reorg__that_leaves_the_fill_in_another_block__books_it_there(stage):
    stage.blocks(AHEAD)
    with stage.keeper() as keeper:
        passes(stage, keeper, 2)
        before = stage.rows[0].block_hash
        (raw,) = {raw for proxy in stage.proxies for raw in proxy.handed}
        stage.reorganise(2, raw)
        late = passes(stage, keeper, 2)
    assert stage.fills == 1, late
    assert stage.rows[0].block_hash != before
    assert len(stage.rows) == 1
    assert stage.faults() == []


def test_pool__that_forgets_a_transaction__is_given_it_again(stage):
    with stage.keeper() as keeper:
        keeper.tick()
        stage.desk.box.rpc("anvil_dropAllTransactions")
        stage.desk.block()
        assert stage.fills == 0
        late = passes(stage, keeper, 2)
    assert stage.fills == 1, late
    assert stage.handed == 1
    assert stage.faults() == []


@pytest.mark.parametrize(("blocks", "late"), [(5, 2), (EXPIRED, EXPIRED)])
def test_base_fee__that_rises_beyond_what_was_offered__is_offered_or_waited_for(stage, blocks, late):
    """A rise that is soon over is sat out. One that lasts is paid once the first order is worth nothing any more."""
    with stage.keeper() as keeper:
        keeper.tick()
        for _ in range(blocks):
            stage.desk.box.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**10))
            stage.tick(keeper)
        said = passes(stage, keeper, late)
    assert stage.fills == 1, said
    assert stage.faults() == []


# --- the account


def test_account__without_money__says_so_and_goes_on_when_it_is_funded(stage):
    box, account = stage.desk.box, stage.site.signer.address
    with stage.keeper() as keeper:
        box.rpc("anvil_setBalance", account, "0x0")
        assert any("fund it" in line for line in stage.tick(keeper))
        assert (stage.fills, stage.handed) == (0, 0)
        box.fund(account, 1)
        late = passes(stage, keeper, 2)
    assert stage.fills == 1, late
    assert stage.faults() == []


def test_account__whose_key_is_used_elsewhere__says_so_once_and_goes_on(stage):
    """Another program's transaction is in the pool first: nothing is sent beside it, and its nonce is written down."""
    box, account = stage.desk.box, stage.site.signer.address
    payment = {
        "type": 2,
        "chainId": 1,
        "nonce": 0,
        "to": account,
        "value": 0,
        "gas": 21_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
    }
    raw = Account.from_key(stage.site.key).sign_transaction(payment).raw_transaction.to_0x_hex()
    with stage.keeper() as keeper:
        box.rpc("eth_sendRawTransaction", raw)
        said = keeper.tick()
        assert any("does not know" in line for line in said)
        assert stage.handed == 0
        stage.desk.block()
        late = passes(stage, keeper, 6)
    assert stage.fills == 1, late
    assert [row.nonce for row in stage.rows if row.state == "confirmed"] == [1]


# --- prices, tokens, vaults


@dataclass(frozen=True)
class World:
    """Something that is wrong with the world, how it is mended, and what the keeper says of it."""

    name: str
    spoil: Callable[[Stage], None]
    mend: Callable[[Stage], None]
    says: str


def feed(symbol: str, factor: int) -> Callable[[Stage], None]:
    """Post an answer so many times as large; zero and less are answers too."""

    def spoil(stage: Stage) -> None:
        box = stage.desk.box
        aggregator = box.call(FEEDS[USD_FEEDS[symbol]].proxy, "aggregator()(address)")
        answer = box.call(aggregator, "latestAnswer()(int256)")
        stage.answers[symbol] = answer
        box.send(HELPER, aggregator, "updateAnswer(int256)", answer * factor)

    return spoil


def as_before(symbol: str) -> Callable[[Stage], None]:
    def mend(stage: Stage) -> None:
        box = stage.desk.box
        aggregator = box.call(FEEDS[USD_FEEDS[symbol]].proxy, "aggregator()(address)")
        box.send(HELPER, aggregator, "updateAnswer(int256)", stage.answers[symbol])

    return mend


def by_guardian(signature: str) -> Callable[[Stage], None]:
    return lambda stage: stage.desk.rule(signature)


def by_pauser(signature: str) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        box, usdc = stage.desk.box, TOKENS["USDC"].address
        pauser = box.call(usdc, "pauser()(address)")
        box.fund(pauser)
        box.send(pauser, usdc, signature)

    return act


WORLDS = (
    World(
        "a stale feed",
        lambda stage: market.warp(stage.desk.box, 7_200, refresh_feeds=False),
        lambda stage: market.refresh_feeds(stage.desk.box),
        "stale|too old|no price",
    ),
    World("a price of zero", feed("LINK", 0), as_before("LINK"), "no price for LINK|LINK"),
    World("a price below zero", feed("LINK", -1), as_before("LINK"), "LINK"),
    World("a paused vault", by_guardian("pause()"), by_guardian("unpause()"), "paused"),
)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_world__while_it_is_spoilt__sends_nothing_and_goes_on_when_it_is_mended(stage, world):
    with stage.keeper() as keeper:
        with stage.mining():
            world.spoil(stage)
        said = [line for _ in range(2) for line in stage.tick(keeper)]
        assert any(re.search(world.says, line) for line in (*said, *keeper.reasons)), (said, keeper.reasons)
        assert (stage.fills, stage.handed) == (0, 0)
        with stage.mining():
            world.mend(stage)
        late = passes(stage, keeper, 2)
    assert stage.fills == 1, late
    assert stage.faults() == []


def test_token__that_is_paused__is_left_out_of_the_fill(stage):
    """The others are brought to their targets; what the paused one lacks is bought when it moves again."""
    usdc = TOKENS["USDC"].address
    with stage.keeper() as keeper:
        with stage.mining():
            by_pauser("pause()")(stage)
        held = stage.desk.box.balance(usdc, stage.desk.vault)
        passes(stage, keeper, 3)
        assert stage.desk.box.balance(usdc, stage.desk.vault) == held
        assert all(deed.succeeded for deed in stage.deeds)
        with stage.mining():
            by_pauser("unpause()")(stage)
        passes(stage, keeper, 8)  # nothing that is read says so: a route is looked for again after a minute
    assert stage.fills >= 1
    assert stage.faults() == []
    assert not stage.desk.is_due()


@pytest.mark.parametrize("factor", [10])
def test_price__that_jumps__is_not_traded_on_until_a_person_has_looked(stage, factor):
    with stage.keeper() as keeper:
        assert passes(stage, keeper, 0) == []
        with stage.mining():
            feed("LINK", factor)(stage)
        passes(stage, keeper, 3)
        assert stage.fills == 0
    assert stage.faults() == []
