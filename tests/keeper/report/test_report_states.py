"""States are read once for a block's hash, and an oracle that fails is bridged by the last price it had."""

from collections import Counter

import pytest
from report_samples import ORACLE, REBALANCER, START, VAULT, A, B, hash_of, story_of

from keeper.chain import abi
from keeper.chain.multicall import Answer
from keeper.chain.snapshot import Block
from keeper.errors import ChainError, OracleError
from keeper.report import states as module
from keeper.report.states import States, _terms
from keeper.settings import load

WAD = 10**18


class Client:
    """A chain of which blocks are known by number; what views answer is told by `Views`."""

    chain_id, name = 1, "a node"

    def block_hash(self, number: int) -> str:
        return hash_of(number)

    def block(self, number: int) -> Block:
        return Block(number, hash_of(number), START + 12 * number, 0)


class Views:
    """Plays the multicall: an asset's price by block, None for a revert."""

    def __init__(self, prices):
        self.prices = prices
        self.counts: Counter[int] = Counter()

    def __call__(self, _, reads, block, __, time=None):
        self.counts[block.number] += 1
        return [Answer(self._value(read, block.number), b"") for read in reads]

    def _value(self, read, number):
        if read.function == abi.Oracle.price:
            assert read.target == ORACLE
            return self.prices(read.arguments[0], number)
        assert read.target in (VAULT, REBALANCER)
        return {
            abi.Vault.assets: (A, B),
            abi.Vault.holdings: (2, (0,) * 20, (5 * WAD, 7 * 10**6, *(0,) * 18)),
            abi.Vault.supply: 11,
            abi.Token.total_supply: 10,
            abi.Rebalancer.targets: (1, 2),
            abi.Rebalancer.bands: (3, 4),
        }.get(read.function)


@pytest.fixture
def settings(tmp_path):
    return load(arguments={"pools": {"cache_folder": tmp_path}}, environment={})


def of(settings) -> States:
    return States(Client(), settings, story_of((), 40))  # type: ignore[arg-type]


def test_at__a_block__is_read_once_and_kept(settings, monkeypatch):
    views = Views(lambda *_: 2 * WAD)
    monkeypatch.setattr(module, "read_all", views)
    states = of(settings)
    one = states.at(Client().block(20))
    states.close()
    assert of(settings).at(Client().block(20)) == one
    assert views.counts == {20: 1}
    assert (one.basket, one.held, one.supply, one.total_supply) == ((A, B), (5 * WAD, 7 * 10**6), 11, 10)
    assert one.worth({A: 18, B: 6}) == 10 * WAD + 14 * WAD


def test_priced__oracle_that_fails_for_a_while__gives_the_price_of_before(settings, monkeypatch):
    monkeypatch.setattr(
        module, "read_all", Views(lambda asset, block: None if asset == A and block > 15 else block * WAD)
    )
    states = of(settings)
    found = states.priced(Client().block(20))
    # One block back is 19, two 18, four 16, eight 12.
    assert (found.price(A), found.price(B), found.stale) == (12 * WAD, 20 * WAD, (A,))
    assert states.priced(Client().block(15)).stale == ()


def test_priced__oracle_that_never_had_a_price__is_an_error_once_it_is_asked_for(settings, monkeypatch):
    monkeypatch.setattr(module, "read_all", Views(lambda asset, _: None if asset == A else WAD))
    with pytest.raises(OracleError, match=f"no price of {A} at block 20"):
        of(settings).priced(Client().block(20)).worth({A: 18, B: 6})


def test_at__state_that_the_node_forgot__asks_for_an_archive_node(settings, monkeypatch):
    def gone(*_):
        raise ChainError("missing trie node")

    monkeypatch.setattr(module, "read_all", gone)
    with pytest.raises(ChainError, match="no state at block 20: missing trie node; what is past needs an archive node"):
        of(settings).at(Client().block(20))


@pytest.mark.parametrize(
    ("answers", "venue", "fee"),
    [
        ((60, 3000, None, 3000, None), "uniswap_v3", 3 * 10**15),
        ((None, None, 10**15, None, None), "balancer_v2", 10**15),
        ((None, 30, None, 4_000_000, None), "curve", 4 * 10**14),
        ((None, None, None, None, (1, 2, 3)), "uniswap_v2", 3 * 10**15),
        ((None, None, None, None, None), None, 0),
        ((None, None, None, 10**10, None), None, 0),
    ],
)
def test_terms__of_each_venue__are_its_name_and_a_wad_share(answers, venue, fee):
    assert _terms(answers) == (venue, fee)
