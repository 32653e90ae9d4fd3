"""Words for whatever may refuse a zap, and what an account lacks, without a chain."""

import re
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from fake_chain import bare_snapshot

from keeper.chain.tokens import Token
from keeper.routing import Certificate
from keeper.services import in_kind
from keeper.services.in_kind import Way
from keeper.services.zap import ZapPlan
from keeper.services.zap_market import ETHER, Basket
from keeper.services.zap_order import WORDS, Quote, words_of

WAD = 10**18
CONTRACTS = Path(__file__).parents[3] / "contracts"
# What a zap runs through; what these files have for their owner is not for callers.
FILES = (
    "IndexZap.vy",
    *(f"modules/{name}.vy" for name in ("routes", "swaps", "uniswap", "balancer", "curve", "wrappers")),
)
OF_OWNERS = {"zap: no owner", "zap: no wrapped ether", "uniswap: no factory"}


def reasons(source: str) -> set[str]:
    return set(re.findall(r'"([a-z0-9]+: [^"]+)"', re.sub(r'"""[\s\S]*?"""', "", source)))


def plan(given: Token, amount: int) -> ZapPlan:
    vault = bare_snapshot("0x" + "1" * 40)
    share = Token(vault.address, "TWO", 18)
    return ZapPlan(vault, Way.MINT, given, share, amount, 0, None, None, (), {}, {}, 0, 0, None)


def test_words__every_reason_of_a_zap__has_some():
    found = set().union(*(reasons((CONTRACTS / file).read_text()) for file in FILES)) - OF_OWNERS
    aggregator = (CONTRACTS / "modules/aggregator.vy").read_text()
    found |= reasons(aggregator[aggregator.index("def _swap(") :])
    ours = {why for why in WORDS if not why.startswith(("erc20: ", "insufficient funds"))}
    assert found == ours - in_kind.WORDS.keys()
    assert in_kind.WORDS.keys() <= WORDS.keys()


def test_words_of__what_an_account_lacks__comes_before_a_token_s_own_words():
    usdc = Token("0x" + "2" * 40, "USDC", 6)
    poor = Quote(plan(usdc, 9), 50, "0x" + "3" * 40, 7, 0)
    lacks = "the account has too little USDC: 7 of 9 base units"
    assert words_of("no reason given", poor) == words_of("erc20: transfer amount exceeds balance", poor) == lacks
    assert words_of("zap: expired", poor) == "the deadline has passed: quote again"
    rich = Quote(plan(usdc, 9), 50, "0x" + "3" * 40, 9, 0)
    assert rich.shortfall is None
    assert words_of("UniswapV2: K", rich) == "a token, a pool or the vault refuses: UniswapV2: K"


def test_words_of__a_token_that_does_not_move__are_true_of_a_mint_and_of_a_redemption():
    words = words_of("zap: a token does not move", Quote(plan(ETHER, 9), 50))
    # A mint's leftover stays too: no claim comes of that.
    assert "paid out or given back" in words
    assert "mint or redeem in kind; what a redemption then owes stays claimable" in words


def test_words_of__too_little_ether__says_how_much():
    assert words_of("insufficient funds", Quote(plan(ETHER, 9), 50, "0x" + "3" * 40, 7)) == (
        "the account has too little ETH: 7 of 9 base units"
    )
    assert words_of("insufficient funds") == "the account has too little ether"


@pytest.mark.parametrize(
    ("way", "gap", "ceiling"),
    [
        (Way.MINT, 0, 1_000),
        (Way.MINT, 5_000, 2_000),
        (Way.MINT, 10_000, inf),
        (Way.MINT, 20_000, inf),
        (Way.REDEEM, 0, 1_000),
        (Way.REDEEM, 20_000, 3_000),
    ],
)
def test_ceiling__of_any_gap__is_never_below_what_comes(way, gap, ceiling):
    found = replace(plan(ETHER, 9), way=way, amount_out=1_000, certificate=Certificate(gap / 1e4, 0.0, 0.0, 1.0))
    assert found.ceiling == ceiling


@pytest.mark.parametrize("fee", [0, 10**15, 5 * 10**16])
def test_basket__of_shares__costs_no_less_than_it_pays_and_counts_as_the_zap_does(fee):
    basket = Basket({"a": 7_000_000_001, "b": 3 * WAD + 1, "c": 0}, 1_000 * WAD, fee, fee)
    for shares in (1, 10**9, WAD, 999 * WAD):
        cost, paid = basket.cost_up(shares), basket.paid_down(shares)
        assert all(cost[asset] >= paid[asset] for asset in cost)
        assert basket.shares_down(cost) >= shares
        assert basket.cost_up(basket.shares_down(cost)) == cost
    with pytest.raises(in_kind.Refused, match="more shares than there are"):
        basket.paid_down(1_000 * WAD + 1)
