"""The page over the demo's whole story, and its pictures for the README.

EQUIPOISE_PICTURES=docs/images uv run ape test -m long tests/browser/test_page_pictures.py
"""

import os
from pathlib import Path

import pytest
from eth_account import Account
from playwright.sync_api import expect

from browser.sites import serving
from devnet import market
from keeper.api import showcase
from keeper.page import ensure_page
from keeper.services import demo
from keeper.settings import load


@pytest.mark.long
def test_page__after_the_demo__draws_its_history_its_routes_and_what_comes_next(visit, tmp_path):
    folder = Path(os.environ.get("EQUIPOISE_PICTURES") or tmp_path)

    def look(stage: demo.Stage) -> None:
        stage = demo.with_zap(stage)
        # Off its bands once more, so that there is a next step.
        market.warp(stage.box, 86_400)
        for symbol, factor in (("LINK", 13), ("UNI", 14)):
            market.move_price(stage.box, symbol, market.feed_price(stage.box, symbol) * factor / 10)
        account = Account.create()
        demo.endow(stage.box, account.address, 100_000)
        app = showcase.make({"devnet": stage.settings}, stage.box.url, account, ensure_page(), stage.folder)
        with serving(app) as url, visit() as (page, heard):
            home = f"{url}/#/vaults/{stage.story.vault}"
            page.goto(home)
            expect(page.locator(".path .line")).to_be_visible(timeout=60_000)
            streams = page.locator(".flow .stream")
            expect(streams.first).to_be_visible(timeout=60_000)
            # Each swap is drawn twice: into its pool and out of it.
            assert streams.count() == 2 * len([swap for mined in stage.story.mined for swap in mined.swaps])
            page.screenshot(path=folder / "page-vault.png", full_page=True)
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": 390, "height": 844})
            page.screenshot(path=folder / "page-phone.png")
            page.set_viewport_size({"width": 1_280, "height": 800})
            page.emulate_media(color_scheme="light")
            page.goto(f"{home}/keeper")
            expect(page.locator(".verdict")).to_have_text("Open a rebalance", timeout=60_000)
            page.screenshot(path=folder / "page-keeper.png", full_page=True)
            page.get_by_role("button", name="Connect").click()
            page.get_by_role("button", name="Devnet wallet").click()
            page.goto(f"{home}/mint")
            page.get_by_label("Token to pay with").select_option(label="USDC")
            page.get_by_label("USDC to pay").fill("10000")
            expect(page.get_by_text("The transaction would go through now")).to_be_visible(timeout=60_000)
            expect(page.get_by_text("about $")).to_be_visible()
            page.screenshot(path=folder / "page-mint.png", full_page=True)
            page.get_by_label("In kind").check()
            page.get_by_label("Shares to mint").fill("12.5")
            expect(page.get_by_text("All 7 transactions would go through now")).to_be_visible(timeout=60_000)
            page.screenshot(path=folder / "page-in-kind.png", full_page=True)
            assert heard.complaints == []
            assert all(each.startswith((url, "data:")) for each in heard.requests)

    demo.run(load(None, environment={}), lambda _: None, look)
