"""The depositor's page in a browser, with a wallet, over the real contracts on a devnet."""

import gzip
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from eth_account import Account
from playwright.sync_api import Page, Route, expect

from browser import axe
from browser.sites import serving
from devnet import market, node
from devnet.addresses import TOKENS
from devnet.box import Box
from keeper.api import showcase
from keeper.chain.rpc import Client
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger
from keeper.page import ensure_page
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.services.keeper_pass import keeper_pass
from keeper.settings import Settings, load_chains

WAD = 10**18
SCRIPT_BYTES = 250_000  # gzipped
FIRST_PAINT_MS = 1_000
LOADS = 3  # with an empty cache each; the best of them tells what the page takes, others what the machine does beside
WALLET_USD = 50_000  # of every token
STATES = 2_000  # blocks that the devnet remembers: the vault's past is read
PASSES = 4
LOOK_MS = 1_100  # of the real clock, after which the server looks for a new block
BLOCK_MS = 13_000  # of the page's clock, after which it has asked again
LATER_MS = 3_000  # of the page's clock, after which it asks a second time about what a transaction changed
REJECTED = {"code": 4001, "message": "User rejected the request."}


@dataclass
class Site:
    """A served page, the devnet behind it, and its wallet's account."""

    url: str
    box: Box
    client: Client
    settings: Settings
    keeper: KeystoreSigner
    vault: str
    creator: str
    depositor: str  # has shares
    account: str  # the wallet's

    def shares(self) -> int:
        return self.box.balance(self.vault, self.account)

    def left(self) -> list[str]:
        """What the zap has, or may take of the account, of the vault's shares and its assets."""
        zap, tokens = self.settings.zap, {"shares": self.vault} | {each: TOKENS[each].address for each in demo.WEIGHTS}
        assert zap is not None
        allowance = "allowance(address,address)(uint256)"
        return [
            name
            for name, token in tokens.items()
            if self.box.balance(token, zap) or self.box.call(token, allowance, self.account, zap)
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with node.up(states=STATES) as running:
        box, client = Box(running.url), Client(running.url, 1).connect()
        creator, depositor, keeper = (KeystoreSigner(Account.create()) for _ in range(3))
        for actor in (creator, depositor, keeper):
            box.fund(actor.address, 100)
        pools = {"cache_folder": folder / "pools"}
        chains = load_chains(arguments={"rpc_url": running.url, "confirmations": 1, "pools": pools}, environment={})
        (settings,) = chains.values()
        executor = lifecycle.deploy_executor(client, settings, creator, keeper.address)
        zap = lifecycle.deploy_zap(client, settings, creator, creator.address)
        settings = settings.model_copy(update={"executor": executor, "zap": zap})
        vault = demo.deploy_vault(box, client, settings, creator, "Devnet Six", "DEV6")
        demo.deposit(box, client, settings, depositor, vault, 1_000_000)
        wallet = Account.create()
        demo.endow(box, wallet.address, WALLET_USD)
        served = settings.model_copy(
            update={
                "vaults": (vault,),
                "serve": settings.serve.model_copy(update={"requests_per_minute": 100_000}),
            }
        )
        app = showcase.make({"devnet": served}, running.url, wallet, ensure_page(), folder)
        with serving(app) as url:
            yield Site(url, box, client, settings, keeper, vault, creator.address, depositor.address, wallet.address)


@pytest.fixture
def fresh(site) -> Iterator[Site]:
    """The site as it was built; what the test does to the chain is undone."""
    state = site.box.snapshot()
    yield site
    site.box.revert(state)
    # A new block, so that the server does not take what it read of the undone ones for the newest.
    site.box.mine()


def give_shares(site: Site, amount: int) -> None:
    """Let the wallet have shares, and the server a moment to see it."""
    site.box.send(site.depositor, site.vault, "transfer(address,uint256)", site.account, amount)
    time.sleep(LOOK_MS / 1_000)


def connect(page: Page, site: Site, path: str = "") -> None:
    page.goto(f"{site.url}/#{path}")
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Devnet wallet").click()
    expect(page.get_by_role("button", name=site.account[:6])).to_be_visible()


def order(page: Page, site: Site, kind: str, shares: str) -> None:
    """Open the form in kind, write the shares, and wait for the button that starts."""
    in_kind(page, site, kind, shares)
    expect(starter(page, kind)).to_be_enabled()


def in_kind(page: Page, site: Site, kind: str, shares: str) -> None:
    page.goto(f"{site.url}/#/vaults/{site.vault}/{kind}")
    page.get_by_label("In kind").check()
    page.get_by_label(f"Shares to {kind}").fill(shares)


def zap(page: Page, site: Site, kind: str, token: str, amount: str) -> None:
    """Open the form for one token, write the amount, and wait for the quote."""
    page.goto(f"{site.url}/#/vaults/{site.vault}/{kind}")
    page.get_by_label("Token to").select_option(label=token)
    page.get_by_label(f"{token} to pay" if kind == "mint" else "Shares to redeem").fill(amount)
    expect(page.get_by_text("Price impact")).to_be_visible(timeout=60_000)


def block_later(page: Page) -> None:
    """The page asks again, once the server has looked for a new block; the page's clock has to be a fake one."""
    page.wait_for_timeout(LOOK_MS)
    page.clock.run_for(BLOCK_MS)


def eventually(page: Page, check: Callable[[], bool]) -> None:
    """Wait in real time for what the server is slow with, while next to none goes by on the page's clock."""
    for _ in range(600):
        page.clock.run_for(10)
        if check():
            return
        page.wait_for_timeout(50)
    raise AssertionError(page.locator("main").inner_text())


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
    painted = []
    for _ in range(LOADS):
        with visit() as (page, heard):
            page.goto(site.url)
            expect(page.get_by_role("link", name="Devnet Six")).to_be_visible()
            painted.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            assert all(url.startswith((site.url, "data:")) for url in heard.requests)
            assert heard.complaints == []
    scripts = sum(len(gzip.compress(file.read_bytes())) for file in Path(ensure_page()).rglob("*.js"))
    print(f"script {scripts} bytes gzipped, first contentful paint {min(painted):.0f} ms")
    assert scripts <= SCRIPT_BYTES
    assert min(painted) <= FIRST_PAINT_MS


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


@pytest.mark.long  # the zap that is rejected tells nearly the same in less time
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


@pytest.mark.long
def test_redeem__connection_that_fails_once_it_was_sent__waits_and_sends_nothing_twice(fresh, page):
    connect(page, fresh)
    give_shares(fresh, 3 * WAD)
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


def test_redeem__server_that_learns_of_the_block_later_than_the_wallet__is_asked_a_second_time(fresh, page):
    page.clock.install()
    connect(page, fresh)
    give_shares(fresh, WAD)
    order(page, fresh, "redeem", "1")
    block, late = page.get_by_text(re.compile(r"block [\d,]+ of")), []
    before, answered = block.inner_text(), page.request.get(f"{fresh.url}/api/v1/vaults/{fresh.vault}")

    def answer(route: Route) -> None:
        """The first question after the redemption is answered as if there had been none."""
        if fresh.shares() == 0 and not late:
            late.append(route)
            route.fulfill(response=answered)
        else:
            route.fallback()

    page.route(f"**/api/v1/vaults/{fresh.vault}", answer)
    # From here on less goes by than the time after which the page asks by itself.
    page.clock.pause_at(page.evaluate("Date.now()") + 1_000)
    starter(page, "redeem").click()
    eventually(page, page.get_by_text("You redeemed 1 DEV6.").is_visible)
    eventually(page, lambda: len(late) == 1)
    page.wait_for_timeout(LOOK_MS)
    assert block.inner_text() == before
    page.clock.run_for(LATER_MS)
    eventually(page, lambda: block.inner_text() != before)


@pytest.mark.long
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


@contextmanager
def acting(site: Site, folder: Path) -> Iterator[Callable[[], None]]:
    """A keeper's next transaction; the time that it waits for before goes by."""
    with closing(Ledger(folder / "ledger.sqlite")) as ledger:

        def act() -> None:
            for _ in range(PASSES):
                result = keeper_pass(site.client, site.settings, site.vault, ledger, site.keeper)
                if result.mined is not None:
                    return
                until = result.plan.decision.until
                assert until is not None, result.plan.decision.reason
                market.warp(site.box, until - result.plan.now)
            raise AssertionError(result.plan.decision.reason)

        yield act


def test_depositor__with_one_token__goes_in_sees_a_rebalance_at_once_and_goes_out(fresh, page, tmp_path):
    # Gas gets cheaper with every block that is empty, and one dollar has to be less than it costs.
    fresh.box.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    fresh.box.mine()
    page.clock.install()
    connect(page, fresh)
    zap(page, fresh, "mint", "USDC", "1")
    expect(page.get_by_text("gas outweighs so small an amount")).to_be_visible()
    page.get_by_role("button", name="Max").click()
    expect(page.get_by_label("USDC to pay")).to_have_value(str(WALLET_USD))
    page.get_by_label("USDC to pay").fill("10000")
    expect(page.get_by_text("The transaction would go through now")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("You sign a permission first, which costs no gas.")).to_be_visible()
    expect(page.get_by_text("No other route over these pools")).to_be_visible()
    least = page.locator(".figure", has_text="At least").locator("[title]").get_attribute("title")
    page.get_by_role("button", name="Mint with 10,000 USDC").click()
    expect(page.get_by_text("You minted")).to_be_visible(timeout=60_000)
    assert fresh.shares() / WAD >= float(least.removesuffix(" DEV6")) > 9.9
    assert fresh.left() == []

    page.goto(f"{fresh.url}/#/portfolio")
    expect(page.get_by_role("region", name="Devnet Six", exact=True)).to_contain_text("$9,9")

    page.goto(f"{fresh.url}/#/vaults/{fresh.vault}")
    weight = page.get_by_role("region", name="Holdings").get_by_role("row", name="LINK").locator("td").nth(1)
    expect(weight).to_have_text("10.00%")
    expect(page.get_by_text("None yet: no weight has left its band")).to_be_visible(timeout=30_000)
    # From here on less goes by than the minute after which the page asks for the past by itself.
    page.clock.pause_at(page.evaluate("Date.now()") + 1_000)
    market.move_price(fresh.box, "LINK", market.feed_price(fresh.box, "LINK") * 14 / 10)
    block_later(page)
    eventually(page, lambda: weight.inner_text() == "13.46%")
    with acting(fresh, tmp_path) as act:
        act()
        block_later(page)
        eventually(page, page.get_by_text("Rebalancing now").is_visible)
        act()
    block_later(page)
    eventually(page, lambda: weight.inner_text().startswith(("9.", "10.")))
    fill = page.get_by_role("list").filter(has_text="traded").get_by_role("listitem")
    eventually(page, lambda: fill.count() == 1)
    route = fill.get_by_role("img", name="Route of")
    expect(route).to_contain_text("Uniswap V")
    expect(route).not_to_contain_text("pool 0x")
    page.clock.resume()

    before = fresh.box.balance(TOKENS["USDC"].address, fresh.account)
    zap(page, fresh, "redeem", "USDC", "1")
    page.get_by_role("button", name="Max").click()
    button = page.get_by_role("button", name=re.compile(r"^Redeem 9\.9\d* DEV6"))
    expect(button).to_be_enabled(timeout=60_000)
    button.click()
    expect(page.get_by_text("You received")).to_be_visible(timeout=60_000)
    assert fresh.shares() == 0
    assert fresh.box.balance(TOKENS["USDC"].address, fresh.account) - before > 9_900 * 10**6
    assert fresh.left() == []


@contextmanager
def asked_to_sign(page: Page) -> Iterator[list[str]]:
    """What the wallet was asked to sign or to send, in order."""
    asked: list[str] = []

    def listen(route: Route) -> None:
        method = json.loads(route.request.post_data or "{}").get("method")
        if method in {"eth_sendTransaction", "eth_signTypedData_v4"}:
            asked.append(method)
        route.fallback()

    page.route("**/devnet", listen)
    yield asked
    page.unroute("**/devnet", listen)


def test_zap__by_a_permission_rejected_at_first__takes_one_signature_and_one_transaction(fresh, page):
    connect(page, fresh)
    zap(page, fresh, "mint", "USDC", "5000")
    button = page.get_by_role("button", name="Mint with 5,000 USDC")
    expect(button).to_be_enabled(timeout=60_000)
    expect(page.get_by_text("to take exactly 5,000 USDC from you when you call it, within 20 minutes")).to_be_visible()
    with asked_to_sign(page) as asked:
        with wallet_says(page, "eth_signTypedData_v4", error=REJECTED):
            button.click()
            expect(page.get_by_text("You rejected it in the wallet. Nothing was sent.")).to_be_visible()
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("You minted")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("list", name="Transactions").get_by_role("listitem").first).to_contain_text(
        re.compile("Sign a permission.*done")
    )
    assert axe.violations(page) == []
    assert asked == ["eth_signTypedData_v4", "eth_sendTransaction"]
    assert fresh.shares() > 4.9 * WAD
    assert fresh.left() == []


def test_zap__approval_wanted_in_place_of_a_permission__takes_two_transactions_and_no_signature(fresh, page):
    connect(page, fresh)
    zap(page, fresh, "mint", "USDC", "5000")
    choice = page.get_by_label("Send an approval in place of signing a permission")
    choice.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("One approval comes first.")).to_be_visible()
    expect(page.get_by_text("transactions would go through now")).to_be_visible()
    with asked_to_sign(page) as asked:
        page.get_by_role("button", name="Mint with 5,000 USDC").click()
        expect(page.get_by_text("You minted")).to_be_visible(timeout=60_000)
    assert asked == ["eth_sendTransaction"] * 2
    assert fresh.left() == []


def test_zap__wallet_that_signs_no_messages__goes_on_with_an_approval(fresh, page):
    connect(page, fresh)
    zap(page, fresh, "mint", "USDC", "5000")
    button = page.get_by_role("button", name="Mint with 5,000 USDC")
    expect(button).to_be_enabled(timeout=60_000)
    unknown = {"code": -32601, "message": "the method eth_signTypedData_v4 does not exist"}
    with wallet_says(page, "eth_signTypedData_v4", error=unknown):
        button.click()
        expect(page.get_by_text("Your wallet does not sign such messages")).to_be_visible()
        expect(page.get_by_label("Send an approval in place of signing a permission")).to_be_checked()
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("You minted")).to_be_visible(timeout=60_000)
    assert fresh.left() == []


def base_units(page: Page, label: str) -> int:
    """A figure of the quote, whose title has every digit."""
    title = page.locator(".figure", has_text=label).locator("[title]").get_attribute("title")
    return int(Decimal(title.split()[0]) * WAD)


def under(amount: int, bps: int) -> int:
    return -(-amount * (10_000 - bps) // 10_000)


def test_zap__slippage_that_is_chosen__moves_the_least_at_once_holds_for_what_is_sent_and_is_remembered(fresh, page):
    page.clock.install()  # no block's quote comes in between
    connect(page, fresh)
    zap(page, fresh, "mint", "ETH", "1")
    quoted = base_units(page, "You receive")
    assert base_units(page, "At least") == under(quoted, 50)
    slippage = page.get_by_role("group", name="Slippage")
    with page.expect_request("**/transactions/zap-mint") as later:
        slippage.get_by_label("0.1%").check()
        assert base_units(page, "At least") == under(quoted, 10)
        slippage.get_by_label("Other").check()
        own = page.get_by_label("Slippage in percent")
        own.fill("2.5")
        assert base_units(page, "At least") == under(quoted, 250)
        expect(slippage.get_by_role("alert")).to_contain_text("can make it 2.5% worse")
        assert axe.violations(page) == []
        own.fill("2,5")
        expect(slippage.get_by_role("alert")).to_contain_text("with a point and no commas. Until then it is 2.5%.")
        assert base_units(page, "At least") == under(quoted, 250)
        assert axe.violations(page) == []
        own.fill("25")
        expect(slippage.get_by_role("alert")).to_contain_text("no more than 20%")
        own.fill("1.5")
        expect(slippage.get_by_role("alert")).to_have_count(0)
        block_later(page)
    assert later.value.post_data_json["slippage_bps"] == 150
    expect(page.get_by_text("It is 1.5% under the quote of block")).to_be_visible()
    least = base_units(page, "At least")
    sent: list[str] = []
    page.on("request", lambda request: "eth_sendTransaction" in (request.post_data or "") and sent.append(request))
    page.get_by_role("button", name="Mint with 1 ETH").click()
    expect(page.get_by_text("You minted")).to_be_visible(timeout=60_000)
    (request,) = sent
    assert int(request.post_data_json["params"][0]["data"][10 + 3 * 64 : 10 + 4 * 64], 16) == least

    in_kind(page, fresh, "redeem", "1")
    expect(page.get_by_label("Slippage in percent")).to_have_value("1.5")
    row = page.get_by_role("row", name="WETH").locator("[title]")
    expect(row).not_to_have_count(0)
    paid, limit = (int(Decimal(cell.get_attribute("title")) * WAD) for cell in row.all()[:2])
    assert limit == under(paid, 150)


def test_zap__of_ether_rejected_in_the_wallet__sends_nothing_and_goes_on_later(fresh, page):
    connect(page, fresh)
    zap(page, fresh, "mint", "ETH", "1")
    button = page.get_by_role("button", name="Mint with 1 ETH")
    expect(button).to_be_enabled(timeout=60_000)
    with wallet_says(page, "eth_sendTransaction", error=REJECTED):
        button.click()
        expect(page.get_by_text("You rejected it in the wallet. Nothing was sent.")).to_be_visible()
        assert fresh.shares() == 0
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("You minted")).to_be_visible(timeout=60_000)
    assert 2.9 * WAD < fresh.shares() < 3.1 * WAD
    assert fresh.left() == []


def test_zap__pools_that_move_before_it_is_mined__reverts_by_its_limit_and_says_so(fresh, page):
    connect(page, fresh)
    zap(page, fresh, "mint", "ETH", "1")
    moved: list[str] = []

    def outrun(route: Route) -> None:
        """Somebody buys before what the wallet sends is mined."""
        if not moved and json.loads(route.request.post_data or "{}").get("method") == "eth_sendTransaction":
            moved.append("WBTC")
            market.move_dex(fresh.box, "WBTC", market.dex_price(fresh.box, "WBTC") * 105 / 100)
        route.fallback()

    page.route("**/devnet", outrun)
    button = page.get_by_role("button", name="Mint with 1 ETH")
    expect(button).to_be_enabled(timeout=60_000)
    button.click()
    stopped = page.get_by_role("alert").filter(has_text="Stopped.")
    expect(stopped).to_contain_text("It was mined and reverted", timeout=60_000)
    expect(stopped).to_contain_text("The pools' prices moved")
    expect(stopped).to_contain_text("(zap: too few shares)")
    assert fresh.shares() == 0
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("You minted")).to_be_visible(timeout=60_000)
    assert fresh.shares() > 2.9 * WAD


def test_zap__server_that_prepares_another_limit_than_it_quotes__is_refused_and_nothing_is_signed(site, page):
    """The least number of shares is the fourth word after the selector."""

    def lie(route: Route) -> None:
        found = route.fetch().json()
        data = found["transactions"][-1]["data"]
        found["transactions"][-1]["data"] = data[: 10 + 3 * 64] + f"{1:064x}" + data[10 + 4 * 64 :]
        route.fulfill(json=found)

    page.route("**/transactions/zap-mint", lie)
    connect(page, site)
    zap(page, site, "mint", "ETH", "1")
    expect(page.get_by_role("alert")).to_contain_text("accepts less than it was asked for")
    expect(page.get_by_role("button", name="Mint with 1 ETH")).to_be_disabled()


def test_zap__pools_that_leave_the_oracle__shows_at_the_next_block_and_has_to_be_accepted_by_itself(fresh, page):
    page.clock.install()
    connect(page, fresh)
    zap(page, fresh, "mint", "USDC", "1000")
    expect(page.get_by_role("alert")).to_have_count(0)
    market.move_dex(fresh.box, "WETH", market.dex_price(fresh.box, "WETH") * 13 / 10)
    block_later(page)
    expect(page.get_by_role("alert")).to_contain_text("to the pools.", timeout=30_000)
    button = page.get_by_role("button", name="Mint with 1,000 USDC")
    expect(page.get_by_text("The transaction would go through now")).to_be_visible()
    expect(button).to_be_disabled()
    assert axe.violations(page) == []
    page.get_by_label("I accept to lose").check()
    expect(button).to_be_enabled()


def test_zap__wallet_whose_connection_is_gone__waits_for_it(site, page):
    connect(page, site)
    page.clock.install()
    page.route("**/devnet", lambda route: route.abort())
    zap(page, site, "mint", "ETH", "1")
    button = page.get_by_role("button", name="Mint with 1 ETH")
    expect(page.get_by_text("Could not read your balances.")).to_be_visible()
    expect(button).to_be_disabled()
    page.unroute_all()
    page.clock.run_for(5_000)
    expect(page.get_by_text("Could not read your balances.")).to_be_hidden()
    expect(button).to_be_enabled()


def test_zap__more_than_the_wallet_or_the_pools_have__says_so(site, page):
    connect(page, site)
    zap(page, site, "mint", "USDC", "50001")
    expect(page.get_by_role("alert")).to_contain_text("You hold 50,000 USDC: give no more than that.")
    page.get_by_label("USDC to pay").fill("99000000000")
    expect(page.get_by_role("alert")).to_contain_text("The pools cannot trade this amount now")
    zap(page, site, "mint", "ETH", "10")
    expect(page.get_by_role("alert")).to_contain_text("ETH for the gas: give less.")
    page.get_by_role("button", name="Max").click()
    expect(page.get_by_role("button", name=re.compile(r"^Mint with 9\.9\d* ETH"))).to_be_enabled(timeout=60_000)


def test_trade__server_without_a_zap__is_in_kind(site, page):
    def without(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"zap": None})

    page.route(f"**/api/v1/vaults/{site.vault}", without)
    page.goto(f"{site.url}/#/vaults/{site.vault}/mint")
    expect(page.get_by_label("Shares to mint")).to_be_visible()
    expect(page.get_by_role("group", name="Pay with")).to_have_count(0)


@pytest.mark.long
def test_portfolio__asset_that_a_redemption_could_not_pay__is_fetched_once_it_moves(fresh, page):
    usdc = TOKENS["USDC"].address
    pauser = fresh.box.call(usdc, "pauser()(address)")
    fresh.box.fund(pauser)
    give_shares(fresh, 3 * WAD)
    before = fresh.box.balance(usdc, fresh.account)
    connect(page, fresh)
    order(page, fresh, "redeem", "3")
    fresh.box.send(pauser, usdc, "pause()")
    starter(page, "redeem").click()
    expect(page.get_by_text("You redeemed 3 DEV6.")).to_be_visible(timeout=30_000)

    page.goto(f"{fresh.url}/#/portfolio")
    fetch = page.get_by_role("button", name="Fetch 450 USDC")
    fetch.click()
    expect(page.get_by_text("The contract refused: Pausable: paused")).to_be_visible()
    assert axe.violations(page) == []
    fresh.box.send(pauser, usdc, "unpause()")
    fetch.click()
    expect(page.get_by_text("It came to you.")).to_be_visible()
    expect(fetch).to_have_count(0, timeout=30_000)
    assert fresh.box.balance(usdc, fresh.account) - before == 450 * 10**6


def test_mint__more_than_the_wallet_has__says_what_is_missing(site, page):
    connect(page, site)
    in_kind(page, site, "mint", "1000")
    expect(page.get_by_text("You hold too little")).to_contain_text("WETH")
    expect(starter(page, "mint")).to_be_disabled()


def test_mint__words_that_are_no_amount__are_refused_at_once(site, page):
    in_kind(page, site, "mint", "1,5")
    expect(page.get_by_role("alert")).to_contain_text("with a point and no commas")


def test_mint__wallet_on_another_chain__asks_to_switch_first(site, page):
    with wallet_says(page, "eth_chainId", result="0x2105"):
        connect(page, site)
        in_kind(page, site, "mint", "1")
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
            expect(page.get_by_text("No other route over these pools")).to_be_visible(timeout=60_000)
            assert axe.violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            page.get_by_label("In kind").check()
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
