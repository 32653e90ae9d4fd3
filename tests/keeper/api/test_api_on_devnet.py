"""The API over the real contracts on a devnet: what it says is what the chain says, and what it prepares can be signed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from unittest.mock import patch

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from starlette.testclient import TestClient

from devnet import anvil, market, node
from devnet.addresses import PERMIT2, TOKENS
from devnet.box import Box
from keeper.api import app as applications
from keeper.chain import abi
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Fees
from keeper.execution.signer import KeystoreSigner
from keeper.report.lots import Method
from keeper.services import demo, report
from keeper.services import vault as lifecycle
from keeper.services.keeper_pass import keeper_pass
from keeper.services.plan import plan
from keeper.settings import Settings, load

WAD = 10**18
# USDT refuses to change an allowance that is not zero.
WEIGHTS = {"WETH": 50, "USDT": 30, "LINK": 20}


@dataclass
class Served:
    """A vault with a past, and the server that serves it."""

    box: Box
    client: Client
    settings: Settings
    vault: str
    creator: str
    depositor: KeystoreSigner
    filled: str  # the transaction of its only fill
    api: TestClient

    def path(self, rest: str = "") -> str:
        return f"/api/v1/vaults/{self.vault}{rest}"

    def view(self, target: str, function: abi.Function, *arguments: object):
        return function.decode(self.client.call(target, function.encode(*arguments)))

    def fresh(self) -> None:
        """A second later: the server looks for a new block again."""
        self.api.app.state.site.chains[0]._looked_at = float("-inf")

    def get(self, rest: str = "", **params: object) -> dict:
        self.fresh()
        found = self.api.get(self.path(rest), params=params)
        assert found.status_code == 200, found.text
        return found.json()

    def order(self, way: str, **order: object) -> dict:
        self.fresh()
        found = self.api.post(self.path(f"/transactions/{way}"), json=order)
        assert found.status_code == 200, found.text
        return found.json()

    def send(self, prepared: dict) -> int:
        """As a wallet would, in order, with the gas that is said; wei that it cost."""
        cost = 0
        for each in prepared["transactions"]:
            request = {"from": prepared["sender"], "to": each["to"], "data": each["data"], "gas": hex(each["gas"])}
            request |= {"value": hex(int(each["value"]))}
            receipt = self.box.rpc("eth_sendTransactionSync", request)
            assert int(receipt["status"], 16) == 1, each
            cost += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        return cost

    def ether(self, account: str) -> int:
        return int(self.box.rpc("eth_getBalance", account, "latest"), 16)

    def stranger(self) -> str:
        """An account with ether and 100,000 USD of each asset, and no key that this test has."""
        account = Account.create().address
        self.box.fund(account, 100)
        self.box.rpc("anvil_impersonateAccount", account)
        for symbol in WEIGHTS:
            token = TOKENS[symbol]
            whole = 100_000 / market.feed_price(self.box, symbol)
            self.box.give(token.address, account, int(whole * 10**token.decimals))
        return account


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("api")
    # An archive node: by itself the devnet's forgets states after 64 blocks.
    with patch.object(anvil, "SHORT_MEMORY", ("--prune-history", "2000")), node.up() as running:
        box = Box(running.url)
        settings = load(
            arguments={
                "rpc_url": running.url,
                "ledger_file": folder / "ledger.sqlite",
                "confirmations": 1,
                "pools": {"cache_folder": folder / "pools"},
                "serve": {"requests_per_minute": 1_000_000, "patience_s": 60},
            },
            environment={},
        )
        client = Client(running.url, 1).connect()
        keeper, creator, depositor = (KeystoreSigner(Account.create()) for _ in range(3))
        for actor in (keeper, creator, depositor):
            box.fund(actor.address, 100)
        vault = demo.deploy_vault(
            box,
            client,
            settings,
            creator,
            "Devnet Three",
            "DEV3",
            weights=WEIGHTS,
            fees=Fees(creator.address, WAD // 100, 10**15, 2 * 10**15),
        )
        executor = lifecycle.deploy_executor(client, settings, creator, keeper.address)
        zap = lifecycle.deploy_zap(client, settings, creator, creator.address)
        settings = settings.model_copy(update={"executor": executor, "zap": zap, "vaults": (vault,)})
        demo.deposit(box, client, settings, depositor, vault, 1_000_000)
        lifecycle.redeem(client, settings, depositor, vault, 10 * WAD, slack_bps=10)
        market.warp(box, 86_400)
        price = market.feed_price(box, "WETH") * 12 / 10
        market.move_price(box, "WETH", price)
        market.move_dex(box, "WETH", price * 102 / 100)
        with demo._ledger(settings) as ledger:
            mined = keeper_pass(client, settings, vault, ledger, keeper).mined
        assert mined is not None
        with TestClient(applications.make({"devnet": settings}), raise_server_exceptions=False) as api:
            yield Served(box, client, settings, vault, creator.address, depositor, mined.hash, api)


@pytest.fixture
def served(built) -> Iterator[Served]:
    """The server as it was built; what the test does to the chain is undone."""
    state = built.box.snapshot()
    yield built
    built.box.revert(state)
    built.fresh()


def test_vault__says_what_the_contracts_say(served):
    found = served.get()
    rebalancer = found["rebalancer"]
    assert found["nav"] == str(served.view(rebalancer, abi.Rebalancer.nav))
    assert found["nav_per_share"] == str(served.view(rebalancer, abi.Rebalancer.nav_per_share))
    assert found["drift"] == str(served.view(rebalancer, abi.Rebalancer.drift))
    assert found["supply"] == str(served.view(served.vault, abi.Vault.supply))
    assert [each["weight"] for each in found["holdings"]] == list(
        map(str, served.view(rebalancer, abi.Rebalancer.weights))
    )
    assert [each["symbol"] for each in found["holdings"]] == list(WEIGHTS)
    roles = {role["name"]: role for role in found["roles"]}
    assert roles["owner"]["holder"] == roles["guardian"]["holder"] == served.creator
    assert roles["oracle owner"]["holder"] == served.creator
    assert roles["strategist"]["holder"] is None
    assert not roles["owner"]["is_contract"]
    assert found["fees"]["mint"] == str(10**15)


def test_mint__as_prepared__is_mined_with_the_gas_that_is_said_and_takes_what_was_quoted(served):
    account = served.stranger()
    quote = served.get("/quotes/mint", shares=5 * WAD, account=account)
    assert [part["amount"] for part in quote["parts"]] == list(
        map(str, served.view(served.vault, abi.Vault.preview_mint, 5 * WAD))
    )
    assert all(part["approval"] == part["limit"] for part in quote["parts"])
    prepared = served.order("mint", account=account, shares=str(5 * WAD))
    assert [each["kind"] for each in prepared["transactions"]] == ["approve"] * 3 + ["mint"]
    assert prepared["simulation"] == {
        "is_simulated": True,
        "succeeds": True,
        "failed": None,
        "reason": None,
        "words": None,
    }
    served.send(prepared)
    assert served.view(served.vault, abi.Vault.balance_of, account) == 5 * WAD
    fee = int(quote["fee"])
    assert fee == -(-5 * WAD * 1000 // 999) - 5 * WAD
    served.fresh()
    (position,) = served.api.get(f"/api/v1/accounts/{account}/positions").json()["positions"]
    assert position["shares"] == str(5 * WAD)
    assert position["books_problem"] is None


def test_mint__when_the_allowance_is_enough__needs_no_approval(served):
    account = served.stranger()
    for symbol in WEIGHTS:
        served.box.send(account, TOKENS[symbol].address, "approve(address,uint256)", served.vault, 2**255)
    assert [each["kind"] for each in served.order("mint", account=account, shares=str(WAD))["transactions"]] == ["mint"]


def test_mint__of_a_token_that_refuses_to_change_its_allowance__resets_that_first(served):
    account = served.stranger()
    for symbol in WEIGHTS:
        served.box.send(account, TOKENS[symbol].address, "approve(address,uint256)", served.vault, 1)
    prepared = served.order("mint", account=account, shares=str(WAD))
    assert prepared["simulation"]["succeeds"] is True
    usdt = [each["kind"] for each in prepared["transactions"] if each["asset"] == TOKENS["USDT"].address]
    assert usdt == ["reset", "approve"]
    served.send(prepared)
    assert served.view(served.vault, abi.Vault.balance_of, account) == WAD


def test_redeem__as_prepared__pays_what_was_quoted(served):
    account = served.depositor.address
    quote = served.get("/quotes/redeem", shares=7 * WAD, account=account)
    assert [part["amount"] for part in quote["parts"]] == list(
        map(str, served.view(served.vault, abi.Vault.preview_redeem, 7 * WAD))
    )
    before = {part["asset"]: served.box.balance(part["asset"], account) for part in quote["parts"]}
    prepared = served.order("redeem", account=account, shares=str(7 * WAD))
    assert [each["kind"] for each in prepared["transactions"]] == ["redeem"]
    served.box.rpc("anvil_impersonateAccount", account)
    served.send(prepared)
    for part in quote["parts"]:
        paid = served.box.balance(part["asset"], account) - before[part["asset"]]
        assert int(part["limit"]) <= paid <= int(part["amount"])


def test_transactions__that_would_revert__say_why_in_words(served):
    poor = Account.create().address
    minted = served.order("mint", account=poor, shares=str(WAD))["simulation"]
    assert minted["succeeds"] is False
    assert minted["words"].startswith("the account has too little of WETH: 0 of ")
    redeemed = served.order("redeem", account=poor, shares=str(WAD))["simulation"]
    assert redeemed["reason"] == "erc20: burn amount exceeds balance" or "erc20" in redeemed["reason"]
    assert redeemed["words"].startswith("the account has 0 base units of shares")
    served.box.send(served.creator, served.vault, "pause()")
    paused = served.order("mint", account=served.stranger(), shares=str(WAD))
    assert paused["simulation"]["reason"] == "vault: paused"
    assert paused["simulation"]["words"] == "the vault is paused: nothing can be minted now; redeeming works"
    assert paused["quote"]["problem"] == paused["simulation"]["words"]
    assert paused["transactions"][-1]["gas"] is None
    assert served.order("redeem", account=served.depositor.address, shares=str(WAD))["simulation"]["succeeds"] is True


def test_quote__of_more_than_there_is__is_refused_in_words(served):
    for way, shares, says in (("redeem", 10**27, "more shares than there are"), ("mint", 10**37, None)):
        found = served.api.get(served.path(f"/quotes/{way}"), params={"shares": str(shares)})
        if says is None:
            assert found.json()["problem"].startswith("the vault's supply is capped")
        else:
            assert found.status_code == 409
            assert found.json()["type"] == "urn:equipoise:problem:refused-by-vault"
            assert says in found.json()["detail"]


def zapped(served: Served, account: str, way: str, token: str, amount: int) -> tuple[dict, dict, int]:
    """A quote and, as a wallet sends it, what was prepared; wei that this cost."""
    name = "amount" if way == "zap-mint" else "shares"
    quote = served.get(f"/quotes/{way}", **{"token": token, name: amount, "account": account})
    prepared = served.order(way, account=account, token=token, **{name: str(amount)})
    assert prepared["simulation"]["succeeds"] is True, prepared["simulation"]
    assert prepared["quote"] == quote
    return quote, prepared, served.send(prepared)


def promised(quote: dict, amount: int) -> bool:
    """Whether an amount is what was quoted, and within 5 bps of what no route exceeds."""
    ceiling = int(quote["certificate"]["ceiling"])
    assert int(quote["amount_out"]) <= ceiling
    assert int(quote["least_out"]) <= amount
    return amount == pytest.approx(int(quote["amount_out"]), rel=1e-6) and amount >= ceiling * (1 - 5e-4)


def test_zap_mint__ten_thousand_usdc_as_prepared__makes_the_shares_that_were_quoted(served):
    account, usdc = served.stranger(), TOKENS["USDC"].address
    served.box.give(usdc, account, 10_000 * 10**6)
    quote, prepared, _ = zapped(served, account, "zap-mint", usdc, 10_000 * 10**6)
    assert (quote["balance"], quote["allowance"], quote["value_in"]) == (str(10_000 * 10**6), "0", None)
    assert [each["kind"] for each in prepared["transactions"]] == ["approve", "zap"]
    assert [each["value"] for each in prepared["transactions"]] == ["0", "0"]
    assert promised(quote, served.box.balance(served.vault, account))
    back = {each["asset"]["address"]: int(each["amount"]) for each in quote["back"]}
    assert served.box.balance(usdc, account) == pytest.approx(back.get(usdc, 0), abs=10_000)
    assert served.view(usdc, abi.Token.allowance, account, served.settings.zap) == 0


def test_zap_mint__of_a_token_that_refuses_to_change_its_allowance__resets_that_first(served):
    account, usdt = served.stranger(), TOKENS["USDT"].address
    served.box.send(account, usdt, "approve(address,uint256)", served.settings.zap, 1)
    quote, prepared, _ = zapped(served, account, "zap-mint", usdt, 5_000 * 10**6)
    assert [each["kind"] for each in prepared["transactions"]] == ["reset", "approve", "zap"]
    assert promised(quote, served.box.balance(served.vault, account))
    assert 0 < quote["price_impact_bps"] < 200  # WETH is 2 % dearer on the DEXes than by its feed


def test_zap__whole_ether_in_and_out__is_what_was_quoted(served):
    account = served.stranger()
    before = served.ether(account)
    quote, prepared, cost = zapped(served, account, "zap-mint", "ETH", 3 * WAD)
    back = {each["asset"]["address"]: int(each["amount"]) for each in quote["back"]}
    assert before - served.ether(account) - cost == pytest.approx(3 * WAD - back.get(None, 0), abs=10**12)
    assert [(each["kind"], each["value"]) for each in prepared["transactions"]] == [("zap", str(3 * WAD))]
    shares = served.box.balance(served.vault, account)
    assert promised(quote, shares)

    before = served.ether(account)
    quote, prepared, cost = zapped(served, account, "zap-redeem", "ETH", shares)
    assert [each["kind"] for each in prepared["transactions"]] == ["approve", "zap"]
    assert prepared["transactions"][0]["asset"] == served.vault
    assert promised(quote, served.ether(account) - before + cost)
    for token in (*WEIGHTS, "USDC"):
        assert served.box.balance(TOKENS[token].address, served.settings.zap) == 0


def test_zap__that_would_revert__says_why_in_words(served):
    account, usdc = served.stranger(), TOKENS["USDC"].address
    order = {"account": account, "token": usdc, "amount": str(10**9)}
    poor = served.order("zap-mint", **order)
    assert poor["simulation"]["words"] == f"the account has too little USDC: 0 of {10**9} base units"
    assert poor["quote"]["shortfall"] == poor["simulation"]["words"]
    served.box.give(usdc, account, 10**9)
    served.box.send(served.creator, served.vault, "pause()")
    paused = served.order("zap-mint", **order)
    assert paused["simulation"]["reason"] == "vault: paused"
    assert paused["quote"]["problem"] == paused["simulation"]["words"]
    assert paused["simulation"]["words"] == "the vault is paused: nothing can be minted now; redeeming works"
    rich = served.order("zap-mint", account=account, token="ETH", amount=str(1_000 * WAD))
    assert rich["simulation"]["words"].startswith("the account has too little ETH")


def holder(served: Served) -> LocalAccount:
    """An account with ether and 10,000 USDC, and its key."""
    account = Account.create()
    served.box.fund(account.address, 100)
    served.box.rpc("anvil_impersonateAccount", account.address)
    served.box.give(TOKENS["USDC"].address, account.address, 10_000 * 10**6)
    return account


def usdc_order(account: LocalAccount) -> dict:
    return {"account": account.address, "token": TOKENS["USDC"].address, "amount": str(10_000 * 10**6)}


def signed(offered: dict, account: LocalAccount) -> dict:
    """The order's `permit`, as a wallet signs what was offered."""
    signature = account.sign_typed_data(full_message=offered["typed_data"]).signature
    return {name: offered[name] for name in ("means", "nonce", "deadline")} | {"signature": "0x" + signature.hex()}


def test_zap__by_permits__in_and_out_takes_one_transaction_each_and_leaves_no_allowance(served):
    account, usdc, zap = holder(served), TOKENS["USDC"].address, served.settings.zap
    order = usdc_order(account)
    offered = served.order("zap-mint", **order)
    assert [each["kind"] for each in offered["transactions"]] == ["approve", "zap"]
    permit = offered["permit"]
    assert permit["means"] == "erc2612"
    assert permit["typed_data"]["message"] == {
        "owner": account.address,
        "spender": zap,
        "value": order["amount"],
        "nonce": "0",
        "deadline": str(offered["deadline"]),
    }
    # A plan is of one block and its time; what was signed is of none.
    served.box.mine(served.box.timestamp() + 60)
    prepared = served.order("zap-mint", **order, permit=signed(permit, account))
    assert prepared["quote"]["block"]["number"] == offered["quote"]["block"]["number"] + 1
    assert (prepared["simulation"]["succeeds"], prepared["permit"]) == (True, None)
    assert prepared["deadline"] == offered["deadline"]
    assert [each["kind"] for each in prepared["transactions"]] == ["zap"]
    served.send(prepared)
    shares = served.box.balance(served.vault, account.address)
    assert promised(prepared["quote"], shares)
    assert served.view(usdc, abi.Token.allowance, account.address, zap) == 0

    order = {"account": account.address, "token": "ETH", "shares": str(shares)}
    permit = served.order("zap-redeem", **order)["permit"]
    assert permit["typed_data"]["domain"]["verifyingContract"] == served.vault
    prepared = served.order("zap-redeem", **order, permit=signed(permit, account))
    assert [each["kind"] for each in prepared["transactions"]] == ["zap"]
    served.send(prepared)
    assert served.box.balance(served.vault, account.address) == 0


def test_zap_mint__by_permit2__takes_one_transaction(served):
    account, usdt = holder(served), TOKENS["USDT"].address
    served.box.give(usdt, account.address, 5_000 * 10**6)
    served.box.send(account.address, usdt, "approve(address,uint256)", PERMIT2, 2**256 - 1)
    order = {"account": account.address, "token": usdt, "amount": str(5_000 * 10**6)}
    permit = served.order("zap-mint", **order)["permit"]
    assert permit["means"] == "permit2"
    prepared = served.order("zap-mint", **order, permit=signed(permit, account))
    assert prepared["simulation"]["succeeds"] is True
    served.send(prepared)
    assert promised(prepared["quote"], served.box.balance(served.vault, account.address))


def test_zap__token_without_a_permit_ether_or_an_allowance_that_is_there__is_offered_none(served):
    account = holder(served)
    for token, amount in (("ETH", WAD), (TOKENS["WETH"].address, WAD), (TOKENS["USDT"].address, 10**9)):
        order = {"account": account.address, "token": token, "amount": str(amount)}
        assert served.order("zap-mint", **order)["permit"] is None
    order = usdc_order(account)
    permit = signed(served.order("zap-mint", **order)["permit"], account)
    served.box.send(
        account.address, TOKENS["USDC"].address, "approve(address,uint256)", served.settings.zap, 10_000 * 10**6
    )
    for extra in ({}, {"permit": permit}):
        found = served.order("zap-mint", **order, **extra)
        assert (found["permit"], found["simulation"]["succeeds"], len(found["transactions"])) == (None, True, 1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": str(10_000 * 10**6 - 1)}, "the permit's signature is of 0x"),
        ({"account": "0x" + "9" * 40}, "the permit's signature is of 0x"),
        ({"permit": {"deadline": 1}}, "the permit's deadline 1 has passed"),
        ({"permit": {"nonce": "1"}}, "the permit's nonce is 1, and the token is at 0"),
        ({"token": TOKENS["WETH"].address, "amount": str(WAD)}, "takes no ERC2612 permit of"),
        ({"permit": {"signature": "0x" + "00" * 65}}, "is none that a key made"),
    ],
)
def test_zap_mint__permit_that_is_not_of_this_order__is_refused(served, change, says):
    account = holder(served)
    order = usdc_order(account)
    permit = signed(served.order("zap-mint", **order)["permit"], account)
    changed = order | change | {"permit": permit | change.get("permit", {})}
    found = served.api.post(served.path("/transactions/zap-mint"), json=changed)
    assert (found.status_code, found.json()["type"]) == (409, "urn:equipoise:problem:permit-refused")
    assert says in found.json()["detail"]


def test_zap_mint__signature_that_is_no_hex_of_64_or_65_bytes__is_a_bad_request(served):
    order = usdc_order(holder(served))
    for signature in ("0x", "0x" + "1" * 129, "1" * 130, "0x" + "g" * 130):
        permit = {"means": "erc2612", "nonce": "0", "deadline": 2**40, "signature": signature}
        found = served.api.post(served.path("/transactions/zap-mint"), json=order | {"permit": permit})
        assert found.status_code == 422
        assert "body permit signature" in found.json()["detail"]


def test_rebalances__are_the_vault_s_fills_with_every_cost_in_a_part(served):
    found = served.get("/rebalances")
    (only,) = found["rebalances"]
    assert only["transaction"] == served.filled
    assert int(only["oracle_difference"]) == int(only["value_out"]) - int(only["value_in"])
    assert int(only["oracle_difference"]) == sum(int(only[part]) for part in ("pool_fees", "impact", "kept"))
    assert {leg["venue"] for leg in only["legs"]} <= {"uniswap_v2", "uniswap_v3", "balancer_v2", "curve"}
    assert only["legs"]
    assert int(only["gas_wei"]) > 0
    assert found["next_before"] is None
    assert served.get("/rebalances", before=only["block"]["number"])["rebalances"] == []


def test_nav__ends_at_what_the_vault_says_now(served):
    points = served.get("/nav")["points"]
    assert [point["block"] for point in points] == sorted(point["block"] for point in points)
    rebalancer = served.get()["rebalancer"]
    assert points[-1]["nav"] == str(served.view(rebalancer, abi.Rebalancer.nav))
    assert points[-1]["nav_per_share"] == str(served.view(rebalancer, abi.Rebalancer.nav_per_share))


def test_decision__is_the_keeper_s_plan(served):
    found = served.get("/decision")
    made = plan(served.client, served.settings, served.vault)
    assert (found["kind"], found["reason"]) == (made.decision.kind.value, made.decision.reason)
    served.box.send(served.creator, served.vault, "pause()")
    paused = served.get("/decision")
    assert paused["kind"] == "wait"
    assert "paused" in paused["reason"]


def test_decision__asked_again_at_one_block__is_not_made_again(served):
    served.get("/decision")
    with patch("keeper.api.routes.past.plan_on", side_effect=AssertionError):
        assert served.api.get(served.path("/decision")).status_code == 200


def test_positions__of_a_depositor__have_lots_and_gains(served):
    served.fresh()
    found = served.api.get(f"/api/v1/accounts/{served.depositor.address}/positions").json()
    (position,) = found["positions"]
    shares = served.view(served.vault, abi.Vault.balance_of, served.depositor.address)
    assert position["shares"] == str(shares)
    assert sum(int(lot["quantity"]) for lot in position["lots"]) == shares
    assert int(position["cost"]) == sum(int(lot["cost"]) for lot in position["lots"])
    assert int(position["unrealised_gain"]) == int(position["value"]) - int(position["cost"])
    (gone,) = position["disposals"]
    assert gone["quantity"] == str(10 * WAD)
    assert position["realised_gain"] == gone["gain"]
    assert [each["symbol"] for each in position["assets"]] == list(WEIGHTS)


def test_books__of_a_period_that_ends_before_the_head__stop_there(served):
    last = str(served.client.head().number)
    before = report.read(served.client, served.settings, served.vault, until=last)
    lifecycle.redeem(served.client, served.settings, served.depositor, served.vault, WAD, slack_bps=10)
    after = report.read(served.client, served.settings, served.vault, until=last)
    for holders in ([], [served.depositor.address]):
        assert report.books_of(after, Method.FIFO, holders) == report.books_of(before, Method.FIFO, holders)


def test_positions__of_a_stranger__are_none(served):
    served.fresh()
    answer = served.api.get(f"/api/v1/accounts/{Account.create().address}/positions")
    assert answer.json()["positions"] == []
    assert answer.headers["cache-control"].startswith("private")


def test_answers__of_every_path__name_no_endpoint(served):
    account = served.depositor.address
    paths = [
        "/api/openapi.json",
        "/api/v1/health",
        "/api/v1/chains",
        "/api/v1/vaults",
        *(served.path(rest) for rest in ("", "/nav", "/rebalances", "/decision", "/quotes/mint?shares=1")),
        f"/api/v1/accounts/{account}/positions",
    ]
    for path in paths:
        answer = served.api.get(path)
        assert answer.status_code == 200, answer.text
        assert served.client.name.removeprefix("http://") not in answer.text


def hold_to_schema(served: Served, mode: str, examples: int) -> Counter[tuple[str, int]]:
    """Ask every operation of the OpenAPI document whatever it allows (`positive`), or forbids; how often each answered what."""
    import schemathesis  # a second, which no other test should wait for

    known = st.sampled_from([served.vault, served.depositor.address, served.vault.lower()])
    strange = st.binary(min_size=20, max_size=20).map(to_checksum_address)
    coins = st.sampled_from(["ETH", *(TOKENS[symbol].address for symbol in WEIGHTS)])
    sizes = st.one_of(st.just(WAD), st.sampled_from([10**9, 5 * WAD]), st.integers(1, 10**38 - 1))
    schemathesis.openapi.format("base-units", sizes.map(str))
    schemathesis.openapi.format("ethereum-address", st.one_of(known, known, strange))
    schemathesis.openapi.format("ethereum-address-or-eth", st.one_of(coins, coins, strange))
    schema = schemathesis.openapi.from_dict(served.api.get("/api/openapi.json").json())
    seen: Counter[tuple[str, int]] = Counter()

    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
        @limits(
            max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=HealthCheck
        )
        def ask(case: schemathesis.Case) -> None:
            request = case.as_transport_kwargs(base_url="http://testserver")
            answer = served.api.request(**{name: value for name, value in request.items() if name != "cookies"})
            seen[case.operation.path, answer.status_code] += 1
            case.validate_response(answer)

        with suppress(Unsatisfiable):  # of an operation without parameters nothing can be wrong
            ask()
    return seen


def test_schema__of_whatever_it_allows__holds(built):
    seen = hold_to_schema(built, "positive", 6)
    assert {path for path, status in seen if status == 200} >= {
        "/api/v1/health",
        "/api/v1/vaults",
        "/api/v1/vaults/{address}",
        "/api/v1/vaults/{address}/quotes/mint",
        "/api/v1/vaults/{address}/transactions/mint",
        "/api/v1/vaults/{address}/quotes/zap-mint",
        "/api/v1/vaults/{address}/quotes/zap-redeem",
        "/api/v1/vaults/{address}/transactions/zap-mint",
        "/api/v1/vaults/{address}/transactions/zap-redeem",
        "/api/v1/accounts/{address}/positions",
    }


def test_schema__of_whatever_it_forbids__refuses(built):
    seen = hold_to_schema(built, "negative", 6)
    assert {status for _, status in seen} & {422}


@pytest.mark.long
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_schema__asked_for_minutes__holds(built, mode):
    hold_to_schema(built, mode, 300)
