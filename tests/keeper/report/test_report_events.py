"""Logs are read in pieces, kept, and read again where the chain went another way."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from report_samples import BOB, ORACLE, REBALANCER, START, VAULT, A, B, C, Logs, hash_of

from keeper.chain import abi
from keeper.chain.errors import BlockMissing, Reorged, RpcError
from keeper.chain.snapshot import Block
from keeper.errors import ChainError
from keeper.report.decode import decode
from keeper.report.events import History
from keeper.report.records import Gift, Minted
from keeper.settings import load


class Chain:
    """As much of a client as a history asks for. `forks` names the fork that a block is on, where it is on one."""

    chain_id, name = 1, "a node"

    def __init__(self, logs: Logs, head: int, assets: tuple[str, ...] = (A, B)):
        self.logs, self.last, self.assets = logs.found, head, assets
        self.forks: dict[int, str] = {}
        self.most = 10**9  # blocks in a request for logs
        self.created: int | None = 1  # None: no old state
        self.counts: Counter[str] = Counter()
        self.spans: list[tuple[int, int]] = []

    def block_hash(self, number: int) -> str:
        return hash_of(number, self.forks.get(number, ""))

    def block(self, number: int) -> Block | None:
        return None if number > self.last else Block(number, self.block_hash(number), START + 12 * number, 0)

    def head(self) -> Block:
        found = self.block(self.last)
        assert found is not None
        return found

    def contains(self, number: int, block_hash: str) -> bool:
        return number <= self.last and self.block_hash(number) == block_hash

    def is_canonical(self, block: Block) -> bool:
        return self.contains(block.number, block.hash)

    def code(self, _: str, tag: str) -> bytes:
        self.counts["code"] += 1
        if self.created is None:
            raise BlockMissing("no such state")
        return b"code" if int(tag, 16) >= self.created else b""

    def call(self, _: str, data: bytes, *__: object) -> bytes:
        answer = {abi.Vault.rebalancer.selector: REBALANCER, abi.Rebalancer.oracle.selector: ORACLE}[data[:4]]
        return encode(["address"], [answer])

    def call_all(self, _: str, many: list[bytes], block: Block, *__: object) -> list[bytes]:
        """Multicall3, of which only `assets` is asked."""
        results = [
            (True, encode(["uint256"], [block.number])),
            (True, encode(["uint256"], [block.timestamp])),
            (True, encode(["address[]"], [list(self.assets)])),
        ]
        assert len(many) == 1
        return [encode(["(bool,bytes)[]"], [results])]

    def read(self, method: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        assert method == "eth_getLogs"
        first, last = (int(wanted[name], 16) for name in ("fromBlock", "toBlock"))
        if last - first >= self.most:
            raise RpcError("too many blocks", -32005, None)
        self.spans.append((first, last))
        topics = wanted.get("topics", [])
        return [
            log
            for log in self.logs
            if first <= int(log["blockNumber"], 16) <= last
            and log["blockHash"] == self.block_hash(int(log["blockNumber"], 16))
            and log["address"] in {each.lower() for each in wanted["address"]}
            and len(log["topics"]) >= len(topics)
            and all(asked is None or asked == has for asked, has in zip(topics, log["topics"], strict=False))
        ]


@pytest.fixture
def settings(tmp_path):
    return load(arguments={"pools": {"cache_folder": tmp_path / "cache"}}, environment={})


def life() -> Logs:
    return Logs().tx(3, "mint").seed({A: 10, B: 20}, 1_000).tx(9, "gift").move(A, BOB, VAULT, 5)


def history(chain: Chain, settings, **options) -> History:
    return History(chain, settings, VAULT, **options)  # type: ignore[arg-type]


def gifts(story) -> list[int]:
    return [each.transfer.amount for each in story.deeds if isinstance(each, Gift)]


def test_read__a_vaults_life__is_the_logs_told(settings):
    logs = life()
    found = history(Chain(logs, 20), settings).read()
    assert found.deeds == decode(logs.found, VAULT, REBALANCER, (A, B), logs.times).deeds
    assert (found.rebalancer, found.block, found.assets, found.oracle_at(5)) == (
        REBALANCER,
        20,
        tuple(sorted((A, B))),
        ORACLE,
    )


@pytest.mark.parametrize("most", [1, 2, 7])
def test_read__node_that_gives_few_blocks__is_asked_for_fewer(settings, most):
    chain = Chain(life(), 20)
    chain.most = most
    found = history(chain, settings).read()
    assert len(found.deeds) == 4
    assert all(last - first < most for first, last in chain.spans)


def test_read__node_that_gives_none__is_an_error_with_the_way_out(settings):
    chain = Chain(life(), 20)
    chain.most = 0
    with pytest.raises(ChainError, match="--first-block"):
        history(chain, settings).read()


def test_read__again__asks_only_for_what_is_new(settings):
    chain = Chain(life(), 20)
    history(chain, settings).read()
    chain.logs = [*chain.logs, *Logs().tx(25, "more").move(B, BOB, VAULT, 7).found]
    chain.last, chain.spans, chain.counts = 30, [], Counter()
    found = history(chain, settings).read()
    assert gifts(found) == [5, 7]
    assert {first for first, _ in chain.spans} == {21}
    assert chain.counts["code"] == 0


def test_read__after_a_reorganisation__forgets_what_is_gone(settings):
    chain = Chain(life(), 6)
    history(chain, settings).read()
    chain.last = 20
    assert gifts(history(chain, settings).read()) == [5]
    chain.forks = dict.fromkeys(range(8, 21), "b")
    chain.logs = [*chain.logs, *Logs("b").tx(10, "other").move(A, BOB, VAULT, 6).found]
    chain.spans = []
    found = history(chain, settings).read()
    assert gifts(found) == [6]
    assert [each.place.block for each in found.deeds if isinstance(each, Minted)] == [3]
    assert {first for first, _ in chain.spans} == {7}


def test_read__reorganised_to_the_root__starts_over(settings):
    chain = Chain(life(), 20)
    history(chain, settings).read()
    chain.forks = dict.fromkeys(range(1, 21), "b")
    chain.logs = Logs("b").tx(4, "mint").seed({A: 1, B: 2}, 5).found
    (mint,) = (each for each in history(chain, settings).read().deeds if isinstance(each, Minted))
    assert (mint.place.block, mint.shares) == (4, 5)


def test_read__reorganised_meanwhile__is_an_error(settings):
    chain = Chain(life(), 20)
    real = chain.read

    def turning(method, wanted):
        found = real(method, wanted)
        chain.forks = dict.fromkeys(range(8, 21), "b")
        return found

    chain.read = turning  # type: ignore[method-assign]
    with pytest.raises(Reorged, match="no longer part of the chain"):
        history(chain, settings).read()


def test_read__killed_while_it_writes__has_what_was_there_before(settings, monkeypatch):
    chain = Chain(life(), 6)
    history(chain, settings).read()
    chain.last = 20

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            history(chain, settings).read()
    chain.spans = []
    assert gifts(history(chain, settings).read()) == [5]
    assert {first for first, _ in chain.spans} == {7}


@pytest.mark.parametrize("spoilt", ["", "[]", "{", '{"version": 0}', '{"version": 1, "logs": []}'])
def test_read__spoilt_file__counts_as_none(settings, spoilt):
    chain = Chain(life(), 20)
    history(chain, settings).read()
    (file,) = settings.pools.cache_folder.iterdir()
    file.write_text(spoilt)
    assert len(history(chain, settings).read().deeds) == 4
    assert json.loads(file.read_text())["version"] == 1


def test_read__asset_that_was_added_later__has_what_it_had_before(settings):
    chain = Chain(life(), 20)
    chain.logs = [*chain.logs, *Logs().tx(2, "dust").move(C, BOB, VAULT, 8).found]
    assert gifts(history(chain, settings).read()) == [5]
    chain.logs = [*chain.logs, *Logs().tx(22, "add").log(VAULT, abi.Vault.asset_added, C, 2).found]
    chain.last, chain.assets = 25, (A, B, C)
    found = history(chain, settings).read()
    assert gifts(found) == [8, 5]
    assert found.first_basket == {A, B}


def test_read__oracle_that_was_replaced__gives_prices_up_to_then(settings):
    logs = life().tx(7, "oracle").log(REBALANCER, abi.Rebalancer.oracle_changed, BOB, ORACLE)
    found = history(Chain(logs, 20), settings).read()
    assert (found.oracle_at(6), found.oracle_at(7), found.oracle_at(20)) == (BOB, ORACLE, ORACLE)


@pytest.mark.parametrize("created", [0, 1, 2, 13, 20])
def test_read__first_block__is_searched_for_by_code(settings, created):
    chain = Chain(Logs(), 20)
    chain.created = created
    assert history(chain, settings).read().first_block == created
    assert chain.counts["code"] <= 5


def test_read__old_states_are_gone__starts_at_the_chains_first_block_where_it_is_short(settings):
    chain = Chain(life(), 20)
    chain.created = None
    assert history(chain, settings).read().first_block == 0


def test_read__old_states_are_gone_of_a_long_chain__asks_for_the_first_block(settings):
    pools = settings.pools.model_copy(update={"logs_span_blocks": 1})
    chain = Chain(life(), 2_000)
    chain.created = None
    with pytest.raises(ChainError, match="tell the vault's first block with --first-block"):
        history(chain, settings.model_copy(update={"pools": pools})).read()
    assert history(chain, settings, first_block=2).read().first_block == 2
