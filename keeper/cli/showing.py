"""The page of the demo: served on the devnet until Ctrl-C."""

import signal
import threading
from collections.abc import Callable

from eth_account import Account

from devnet.market import refresh_feeds
from keeper.api import server, showcase
from keeper.page import ensure_page
from keeper.services import demo

WALLET_USD = 100_000  # of every token
_FEEDS_S = 600  # feeds are stale after an hour; a devnet's nobody else posts to


def show_demo(stage: demo.Stage, port: int, tell: Callable[[str], None]) -> None:
    """Serve the page of the demo's vault and an IndexZap, with a wallet in it that has ether and tokens of the basket.

    :raises ToolchainError: the page cannot be built
    :raises ConfigurationError: the port is taken
    """
    page = ensure_page()
    stage = demo.with_zap(stage)
    wallet = Account.create()
    demo.endow(stage.box, wallet.address, WALLET_USD)
    app = showcase.make({"devnet": stage.settings}, stage.box.url, wallet, page, stage.folder)
    is_over = threading.Event()

    def refresh() -> None:
        while not is_over.wait(_FEEDS_S):
            refresh_feeds(stage.box)

    def say(url: str) -> None:
        tell(f"The page, with a wallet that has {WALLET_USD:,} USD of each token: {url}/ (Ctrl-C ends it)")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # the server ends by them, and the devnet then with this process
    threading.Thread(target=refresh, daemon=True).start()
    try:
        server.serve(app, "127.0.0.1", port, say)
    finally:
        is_over.set()
