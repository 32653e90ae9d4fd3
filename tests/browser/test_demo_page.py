"""`equipoise demo --serve`, as whoever reads the README runs it: the story, then the page with a wallet that has tokens."""

import re
import signal
import subprocess
import sys

from playwright.sync_api import expect

SERVED = re.compile(r"http://127\.0\.0\.1:\d+/")


def test_demo__served__opens_on_what_the_story_left_with_a_wallet_that_can_mint(page, tmp_path):
    command = [sys.executable, "-c", "from keeper.cli.app import main; main()", "demo", "--serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            told = []
            for line in running.stderr:
                told.append(line)
                if found := SERVED.search(line):
                    break
            assert found, told
            page.goto(found[0])
            page.get_by_role("link", name="Equipoise DeFi Six").click()
            expect(page.get_by_role("region", name="Holdings against targets and bands")).to_be_visible()
            page.get_by_role("button", name="Connect").click()
            page.get_by_role("button", name="Devnet wallet").click()
            page.get_by_role("link", name="Mint").click()
            page.get_by_label("Token to pay with").select_option(label="USDC")
            expect(page.get_by_text("You hold 100,000 USDC.")).to_be_visible()
        finally:
            running.send_signal(signal.SIGINT)  # and not killed: its devnet would stay
            assert running.wait(60) == 0, running.stderr.read()
