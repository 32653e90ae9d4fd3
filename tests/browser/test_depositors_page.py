"""The depositor's page in a browser, with a wallet, over the real contracts on a devnet."""

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account
from playwright.sync_api import Page, Route, expect

from browser import axe
from browser.sites import serving
from devnet import node
from devnet.box import Box
from keeper.api import showcase
from keeper.chain.rpc import Client
from keeper.execution.signer import KeystoreSigner
from keeper.page import ensure_page
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.settings import Settings, load_chains

WAD = 10**18
SCRIPT_BYTES = 250_000  # gzipped
FIRST_PAINT_MS = 1_000
WALLET_USD = 50_000  # of every token
REJECTED = {"code": 4001, "message": "User rejected the request."}


@dataclass
class Site:
    """A served page, the devnet behind it, and its wallet's account."""

    url: str
    box: Box
    vault: str
    creator: str
    depositor: str  # has shares
    account: str  # the wallet's

    def shares(self) -> int:
        return self.box.balance(self.vault, self.account)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with node.up() as running:
        box = Box(running.url)
        creator, depositor = (KeystoreSigner(Account.create()) for _ in range(2))
        for actor in (creator, depositor):
            box.fund(actor.address, 100)
        chains = load_chains(arguments={"rpc_url": running.url, "confirmations": 1}, environment={})
        (settings,) = chains.values()
        vault = deployed(box, settings, creator, depositor)
        account = Account.create().address
        demo.endow(box, account, WALLET_USD)
        served = settings.model_copy(
            update={
                "vaults": (vault,),
                "serve": settings.serve.model_copy(update={"requests_per_minute": 100_000}),
            }
        )
        app = showcase.make({"devnet": served}, running.url, account, ensure_page(), tmp_path_factory.mktemp("page"))
        with serving(app) as url:
            yield Site(url, box, vault, creator.address, depositor.address, account)


def deployed(box: Box, settings: Settings, creator: KeystoreSigner, depositor: KeystoreSigner) -> str:
    client = Client(box.url, 1).connect()
    oracle = lifecycle.deploy_oracle(
        client, settings, creator, [demo.feed_terms(box, symbol) for symbol in demo.WEIGHTS]
    )
    vault = lifecycle.deploy_vault(
        client,
        settings,
        creator,
        name="Devnet Six",
        symbol="DEV6",
        guardian=creator.address,
        oracle=oracle,
        assets=[demo.asset_terms(box, symbol, percent) for symbol, percent in demo.WEIGHTS.items()],
        terms=demo.TERMS,
    )
    demo.deposit(box, client, settings, depositor, vault, 1_000_000)
    return vault


@pytest.fixture
def fresh(site) -> Iterator[Site]:
    """The site as it was built; what the test does to the chain is undone."""
    state = site.box.snapshot()
    yield site
    site.box.settle()
    site.box.revert(state)
    # A new block, so that the server does not take what it read of the undone ones for the newest.
    site.box.mine()


def connect(page: Page, site: Site, path: str = "") -> None:
    page.goto(f"{site.url}/#{path}")
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Devnet wallet").click()
    expect(page.get_by_role("button", name=site.account[:6])).to_be_visible()


def order(page: Page, site: Site, kind: str, shares: str) -> None:
    """Open the form, write the shares, and wait for the button that starts."""
    page.goto(f"{site.url}/#/vaults/{site.vault}/{kind}")
    page.get_by_label(f"Shares to {kind}").fill(shares)
    expect(starter(page, kind)).to_be_enabled()


def starter(page: Page, kind: str):
    return page.locator("main").get_by_role("button", name=re.compile(rf"^{kind} \d", re.IGNORECASE))


@contextmanager
def wallet_says(page: Page, method: str, **answer: object) -> Iterator[None]:
    """Answer one of the wallet's methods in anvil's place."""

    def handle(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if body.get("method") == method:
            route.fulfill(json={"jsonrpc": "2.0", "id": 1, **answer})
        else:
            route.fallback()

    page.route("**/devnet", handle)
    yield
    page.unroute("**/devnet", handle)


def test_page__loads__paints_within_a_second_from_a_script_of_a_quarter_megabyte(site, visit):
    with visit() as (page, heard):
        page.goto(site.url)
        expect(page.get_by_role("link", name="Devnet Six")).to_be_visible()
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        scripts = sum(len(gzip.compress(file.read_bytes())) for file in Path(ensure_page()).rglob("*.js"))
        assert scripts <= SCRIPT_BYTES
        assert painted <= FIRST_PAINT_MS
        assert all(url.startswith((site.url, "data:")) for url in heard.requests)
        assert heard.complaints == []


def test_vault__shows_what_it_holds_costs_and_who_may_do_what(site, page):
    page.goto(f"{site.url}/#/vaults/{site.vault}")
    holdings = page.get_by_role("region", name="Holdings against targets and bands")
    rows = holdings.locator("tbody tr")
    expect(rows).to_have_count(len(demo.WEIGHTS))
    for row, (symbol, percent) in zip(rows.all(), demo.WEIGHTS.items(), strict=True):
        expect(row.get_by_role("rowheader")).to_have_text(symbol)
        assert row.locator("td").nth(2).inner_text() == f"{percent}.00%"
    expect(page.get_by_role("row", name=re.compile("^guardian"))).to_contain_text(site.creator[:6])
    expect(page.get_by_text("Nobody takes a fee.")).to_be_visible()


def test_mint_and_redeem__in_kind__move_what_the_page_said(fresh, page):
    connect(page, fresh)
    order(page, fresh, "mint", "12.5")
    expect(page.get_by_text("All 7 transactions would go through now")).to_be_visible()
    starter(page, "mint").click()
    expect(page.get_by_text("You minted 12.5 DEV6.")).to_be_visible(timeout=60_000)
    assert fresh.shares() == 12.5 * WAD
    expect(page.get_by_role("list", name="Transactions").get_by_text("done")).to_have_count(7)

    page.goto(f"{fresh.url}/#/portfolio")
    expect(page.get_by_role("region", name="Devnet Six", exact=True)).to_contain_text("12.5")

    order(page, fresh, "redeem", "4")
    page.get_by_role("button", name="Redeem all").click()
    expect(page.get_by_label("Shares to redeem")).to_have_value("12.5")
    page.get_by_role("button", name="Redeem 12.5 DEV6").click()
    expect(page.get_by_text("You redeemed 12.5 DEV6.")).to_be_visible(timeout=30_000)
    assert fresh.shares() == 0


def test_mint__rejected_in_the_wallet__sends_nothing_and_goes_on_later(fresh, page):
    connect(page, fresh)
    order(page, fresh, "mint", "1")
    with wallet_says(page, "eth_sendTransaction", error=REJECTED):
        starter(page, "mint").click()
        expect(page.get_by_text("You rejected it in the wallet. Nothing was sent.")).to_be_visible()
        assert fresh.shares() == 0
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("You minted 1 DEV6.")).to_be_visible(timeout=60_000)
    assert fresh.shares() == WAD


def test_redeem__connection_that_fails_once_it_was_sent__waits_and_sends_nothing_twice(fresh, page):
    connect(page, fresh)
    fresh.box.send(fresh.depositor, fresh.vault, "transfer(address,uint256)", fresh.account, 3 * WAD)
    sent, failures = [], []

    def fail(route: Route) -> None:
        """More questions for the receipt find no answer than a connection asks by itself."""
        method = json.loads(route.request.post_data or "{}").get("method")
        if method == "eth_sendTransaction":
            sent.append(method)
        if method == "eth_getTransactionReceipt" and len(failures) < 8:
            failures.append(method)
            route.fulfill(json={"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "no answer"}})
        else:
            route.fallback()

    page.route("**/devnet", fail)
    order(page, fresh, "redeem", "3")
    starter(page, "redeem").click()
    expect(page.get_by_text("You redeemed 3 DEV6.")).to_be_visible(timeout=30_000)
    assert (len(sent), len(failures)) == (1, 8)
    assert fresh.shares() == 0


def test_mint__paused_after_the_quote__says_the_reason_and_asks_for_no_signature(fresh, page):
    connect(page, fresh)
    order(page, fresh, "mint", "1")
    asked: list[str] = []

    def pause(route: Route) -> None:
        """The vault is paused while the wallet signs the last approval."""
        body = json.loads(route.request.post_data or "{}")
        if body.get("method") == "eth_sendTransaction":
            asked.append(body["params"][0]["to"].lower())
            if len(asked) == len(demo.WEIGHTS):
                fresh.box.send(fresh.creator, fresh.vault, "pause()")
        route.fallback()

    page.route("**/devnet", pause)
    starter(page, "mint").click()
    expect(page.get_by_text("(vault: paused)")).to_be_visible(timeout=30_000)
    assert fresh.vault.lower() not in asked
    assert fresh.shares() == 0


def test_mint__more_than_the_wallet_has__says_what_is_missing(site, page):
    connect(page, site)
    page.goto(f"{site.url}/#/vaults/{site.vault}/mint")
    page.get_by_label("Shares to mint").fill("1000")
    expect(page.get_by_text("You hold too little")).to_contain_text("WETH")
    expect(starter(page, "mint")).to_be_disabled()


def test_mint__words_that_are_no_amount__are_refused_at_once(site, page):
    page.goto(f"{site.url}/#/vaults/{site.vault}/mint")
    page.get_by_label("Shares to mint").fill("1,5")
    expect(page.get_by_role("alert")).to_contain_text("with a point and no commas")


def test_mint__wallet_on_another_chain__asks_to_switch_first(site, page):
    with wallet_says(page, "eth_chainId", result="0x2105"):
        connect(page, site, f"/vaults/{site.vault}/mint")
        page.get_by_label("Shares to mint").fill("1")
        expect(page.get_by_text("Your wallet is on Base, this vault on Ethereum.")).to_be_visible()
        expect(starter(page, "mint")).to_have_count(0)
    page.get_by_role("button", name="Switch to Ethereum").click()
    expect(starter(page, "mint")).to_be_enabled()


def test_connect__browser_without_a_wallet__is_told_so(site, page):
    page.route("**/wallet.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(site.url)
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_text("No wallet found in this browser.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("No wallet found in this browser.")).to_be_hidden()


def test_vault__server_gone_and_back__keeps_what_it_shows_and_recovers_by_itself(site, page):
    page.clock.install()
    page.goto(f"{site.url}/#/vaults/{site.vault}")
    expect(page.get_by_role("heading", name="Devnet Six")).to_be_visible()
    problem = {"type": "urn:equipoise:problem:chain-unavailable", "title": "The chain gives no answer", "status": 503}
    page.route("**/api/v1/**", lambda route: route.fulfill(status=503, json=problem))
    page.clock.run_for(15_000)
    expect(page.get_by_text("Could not read this vault.")).to_be_visible()
    expect(page.get_by_role("row", name="WETH")).to_be_visible()
    page.unroute_all()
    page.clock.run_for(5_000)
    expect(page.get_by_text("Could not read this vault.")).to_be_hidden()


@pytest.mark.parametrize(("width", "scheme"), [(1_280, "light"), (390, "dark")])
def test_pages__every_one__break_no_rule_of_accessibility_and_fit(site, page, width, scheme):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    connect(page, site)
    home = f"/vaults/{site.vault}"
    seen = {
        "/": "Each is one token",
        home: "Who may do what",
        f"{home}/mint": "No price impact",
        f"{home}/redeem": "No price impact",
        f"{home}/keeper": "What the keeper would do now",
        "/portfolio": "Portfolio",
    }
    for path, words in seen.items():
        page.goto(f"{site.url}/#{path}")
        if path.endswith(("mint", "redeem")):
            page.get_by_role("textbox").fill("1")
        expect(page.get_by_text(words).first).to_be_visible()
        expect(page.locator(".loading")).to_have_count(0, timeout=60_000)
        assert axe.violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_vault__by_keyboard__goes_from_the_list_to_the_amount(site, page):
    page.goto(site.url)
    expect(page.get_by_role("link", name="Devnet Six")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Devnet Six")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Devnet Six")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
