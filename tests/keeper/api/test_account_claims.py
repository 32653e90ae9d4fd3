"""What a vault owes an account, over a chain that a test plays."""

from types import SimpleNamespace

import pytest
from eth_account import Account
from fake_chain import USDC, WETH, FakeVault, address
from starlette.testclient import TestClient

from keeper.api import app as applications
from keeper.api.routes import accounts
from keeper.chain import abi
from keeper.chain.tokens import Token
from keeper.settings import load_chains

ACCOUNT = Account.create().address


@pytest.fixture
def vault(fake) -> FakeVault:
    found = FakeVault(fake).install()
    fake.view(found.address, abi.Vault.balance_of, 0)
    return found


def positions(fake, vault: FakeVault) -> list:
    chains = load_chains(arguments={"rpc_url": fake.url, "vaults": [vault.address], "read_attempts": 1}, environment={})
    with TestClient(applications.make(chains)) as client:
        return client.get(f"/api/v1/accounts/{ACCOUNT}/positions").json()["positions"]


def test_positions__claim_of_who_has_no_shares_any_more__is_there_though_the_past_is_not(fake, vault):
    vault.claims = {USDC.lower(): 450_000_000}
    (position,) = positions(fake, vault)
    assert position["claims"] == [{"asset": USDC, "symbol": "USDC", "decimals": 6, "amount": "450000000"}]
    assert position["shares"] == "0"
    assert position["books_problem"] is not None


def test_positions__without_shares_or_claims__are_none(fake, vault):
    assert positions(fake, vault) == []


def test_tokens__one_that_left_the_basket__may_still_be_owed():
    link = address("link")
    snapshot = SimpleNamespace(assets=[Token(WETH, "WETH", 18)])
    past = SimpleNamespace(
        story=SimpleNamespace(assets=[link, WETH]), symbols={link: "LINK", WETH: "WETH"}, decimals={link: 18, WETH: 18}
    )
    assert accounts._tokens(snapshot, past) == [Token(WETH, "WETH", 18), Token(link, "LINK", 18)]
    assert accounts._tokens(snapshot, None) == [Token(WETH, "WETH", 18)]
