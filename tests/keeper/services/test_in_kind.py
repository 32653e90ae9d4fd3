"""Quotes in kind without a chain of contracts: limits, fees, and words for what reverts."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fake_chain import FakeVault, Revert, address, error_string
from hypothesis import given
from hypothesis import strategies as st

from keeper.chain import abi
from keeper.chain.rpc import Client
from keeper.services import in_kind
from keeper.services.in_kind import WORDS, Quote, Refused, Way, quote, words_of
from keeper.services.plan import take
from keeper.settings import Settings

WAD = 10**18
CONTRACTS = Path(__file__).parents[3] / "contracts"
# What a mint or a redemption runs through; the rest of these files is for the owner and for rebalances.
FUNCTIONS = {
    "IndexVault.vy": ("mint", "redeem", "preview_mint", "preview_redeem", "_check_request"),
    "modules/lifecycle.vy": ("_check_running",),
    "modules/basket.vy": (
        "_amounts_up",
        "_seed_amounts_up",
        "_amounts_down",
        "_pull_seed_up",
        "_pull_pro_rata_up",
        "_push_pro_rata_down",
        "_pull",
        "_pull_from",
    ),
}


@pytest.fixture
def client(fake) -> Client:
    return Client(fake.url, 1)


@pytest.fixture
def vault(fake) -> FakeVault:
    found = FakeVault(fake, fees=("0x" + "b" * 40, 0, WAD // 1000, 2 * WAD // 1000)).install()
    fake.view(found.address, abi.Vault.preview_mint, [601 * 10**15, 1_001])
    fake.view(found.address, abi.Vault.preview_redeem, [599 * 10**15, 999])
    return found


def asked(client: Client, vault: FakeVault, way: Way, shares: int = WAD, slippage_bps: int = 50) -> Quote:
    settings = Settings()
    return quote(client, settings, take(client, settings, vault.address), way, shares, slippage_bps)


def reasons_of(function: str, source: str) -> set[str]:
    body = re.search(rf"^def {function}\([\s\S]*?(?=^@|^def |^# -|\Z)", source, re.MULTILINE)
    assert body, function
    return set(re.findall(r'"([a-z0-9]+: [^"]+)"', re.sub(r'"""[\s\S]*?"""', "", body.group())))


def test_words__every_reason_of_a_mint_or_a_redemption__has_some():
    found: set[str] = set()
    for file, functions in FUNCTIONS.items():
        source = (CONTRACTS / file).read_text()
        for function in functions:
            found |= reasons_of(function, source)
    ours = {reason for reason in WORDS if not reason.startswith("erc20: ")}  # snekmate's
    assert found == ours


def test_quote__of_a_mint__may_cost_more_and_of_a_redemption_pay_less(client, vault):
    mint, redeem = asked(client, vault, Way.MINT), asked(client, vault, Way.REDEEM)
    assert [(part.amount, part.limit) for part in mint.parts] == [(601 * 10**15, 604_005 * 10**12), (1_001, 1_006)]
    assert [(part.amount, part.limit) for part in redeem.parts] == [(599 * 10**15, 596_005 * 10**12), (999, 995)]
    assert mint.value == 601 * 10**15 * 2_000 + 1_001 * 10**12
    assert (mint.fee, redeem.fee) == (-(-WAD * 1000 // 999) - WAD, 2 * WAD // 1000)


@given(amount=st.integers(0, 2**200), slippage_bps=st.integers(0, 2_000), way=st.sampled_from(Way))
def test_limit__of_any_amount__is_never_worse_than_asked_for(amount, slippage_bps, way):
    limit = in_kind._limit(way, amount, slippage_bps)
    if way is Way.MINT:
        assert 10_000 * amount <= 10_000 * limit <= amount * (10_000 + slippage_bps)
    else:
        assert amount * (10_000 - slippage_bps) <= 10_000 * limit <= 10_000 * amount


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"paused": True}, "the vault is paused"),
        ({"is_shut_down": True, "paused": True}, "shut down for good"),
        ({"supply_cap": 1001 * WAD}, "supply is capped"),
    ],
)
def test_quote__of_a_vault_that_would_refuse__says_so_and_redeems_all_the_same(client, vault, state, says):
    found = asked(client, vault, Way.MINT)
    assert found.problem is None
    snapshot = replace(found.snapshot, **state)
    assert says in replace(found, snapshot=snapshot).problem
    assert replace(found, snapshot=snapshot, way=Way.REDEEM).problem is None


def test_quote__that_reverts__is_refused_in_words(client, fake, vault):
    def reverts(*_: object) -> None:
        raise Revert(error_string("vault: more than supply"))

    fake.view(vault.address, abi.Vault.preview_redeem, reverts)
    with pytest.raises(Refused, match=f"redeem of vault {vault.address}: these are more shares than there are"):
        asked(client, vault, Way.REDEEM)
    fake.view(vault.address, abi.Vault.preview_mint, lambda *_: (_ for _ in ()).throw(Revert(b"")))
    with pytest.raises(Refused, match="ask for fewer"):
        asked(client, vault, Way.MINT)


def test_words_of__what_an_account_lacks__comes_before_a_token_s_own_words(client, fake, vault):
    account = address("poor")
    settings = Settings()
    fake.view(vault.address, abi.Vault.balance_of, 3)
    for asset in take(client, settings, vault.address).assets:
        fake.view(asset.address, abi.Token.balance_of, 7)
        fake.view(asset.address, abi.Token.allowance, 5)
    snapshot = take(client, settings, vault.address)
    mint = quote(client, settings, snapshot, Way.MINT, WAD, 0, account)
    assert words_of("no reason given", mint) == (
        f"the account has too little of WETH: 7 of {601 * 10**15} base units, USDC: 7 of 1001 base units"
    )
    assert words_of("vault: paused", mint) == WORDS["vault: paused"]
    assert words_of("ERC20: blocked") == "a token or the vault refuses: ERC20: blocked"
    redeem = quote(client, settings, snapshot, Way.REDEEM, WAD, 0, account)
    assert words_of("erc20: burn amount exceeds balance", redeem).startswith("the account has 3 base units of shares")
    assert [part.allowance for part in mint.parts] == [5, 5]
