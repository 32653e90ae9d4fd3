"""The whole story on the devnet: deploy, mint, markets move, the keeper rebalances, a depositor redeems.

Every actor signs with a key of its own; the keeper's lies in a keystore file, and its passes are the same code as
`keeper once --arm`.
"""

import json
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from eth_account import Account

from devnet import market, node
from devnet.addresses import FEEDS, TOKENS, USD_FEEDS
from devnet.box import Box
from keeper.chain import abi
from keeper.chain.abi import Trigger
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Fees, Terms, VaultSnapshot
from keeper.errors import TransactionError
from keeper.execution import signer as signers
from keeper.execution.receipt import Mined
from keeper.execution.signer import KeystoreSigner, Signer
from keeper.ledger import Ledger
from keeper.policy import Kind
from keeper.services import vault as lifecycle
from keeper.services.keeper_pass import PassResult, keeper_pass
from keeper.services.plan import take
from keeper.settings import Settings

WAD = 10**18
_BPS = 10**14  # WAD

# Weight of each asset in percent.
WEIGHTS = {"WETH": 30, "WBTC": 25, "USDC": 15, "LINK": 10, "UNI": 10, "AAVE": 10}
BAND = 250 * _BPS
SHARE_USD = 1_000  # what a whole share is worth at the first mint
DEPOSITS_USD = (1_400_000, 600_000)
# What a token's price becomes, as a factor, on the DEXes and the feeds together.
MOVES = {
    "WETH": Decimal("1.18"),
    "WBTC": Decimal("1.04"),
    "LINK": Decimal("0.85"),
    "UNI": Decimal("0.92"),
    "AAVE": Decimal("1.06"),
}
TERMS = Terms(
    triggers=Trigger.BAND,
    require_all=False,
    interval=0,
    cooldown=3600,
    duration=1800,
    start_premium=50 * _BPS,
    max_discount=100 * _BPS,
    closing_tolerance=50 * _BPS,
    max_loss=100 * _BPS,
    loss_window=7 * 86400,
)
_HEARTBEATS_S = {"USDC": 82800}  # the others answer at least every hour; all get ten minutes on top
_MOST_PASSES = 6
_STATES = 2_000  # blocks: all of the story, which who reads the vault's history asks for


@dataclass(frozen=True, slots=True)
class Holding:
    """What a depositor holds: shares and tokens in base units by symbol, their worth in WAD USD."""

    name: str
    address: str
    shares: int
    worth: int
    tokens: dict[str, int]


@dataclass(frozen=True, slots=True)
class Story:
    """All that happened."""

    vault: str
    oracle: str
    executor: str
    minted: VaultSnapshot  # after the deposits
    before: VaultSnapshot  # after the markets moved
    opened: PassResult
    waits: tuple[tuple[str, int], ...]  # why the keeper waited, and for how many seconds
    rebalances: tuple[PassResult, ...]
    after: VaultSnapshot
    holdings: tuple[Holding, ...]  # at the end

    @property
    def mined(self) -> tuple[Mined, ...]:
        """The keeper's transactions in order."""
        return tuple(result.mined for result in (self.opened, *self.rebalances) if result.mined is not None)

    @property
    def value_out(self) -> int:
        """WAD USD that left the vault, as it logged."""
        return sum(mined.value_out or 0 for mined in self.mined)

    @property
    def value_in(self) -> int:
        """WAD USD that came, as it logged."""
        return sum(mined.value_in or 0 for mined in self.mined)

    @property
    def cost_bps(self) -> Decimal:
        """Lost against the oracle, of the value sold, in basis points."""
        return Decimal((self.value_out - self.value_in) * 10_000) / Decimal(self.value_out)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story was played, while its devnet still runs. The settings are the demo's own."""

    box: Box
    settings: Settings
    story: Story
    folder: Path  # goes with the devnet


def run(settings: Settings, tell: Callable[[str], None], after: Callable[[Stage], None] = lambda stage: None) -> Story:
    """Play the story on a devnet of its own.

    :param settings: the keeper's; the endpoint, the executor, the key and the ledger are the demo's own
    :param tell: called with one line before each step
    :param after: called at the end, before the devnet goes
    :raises EquipoiseError: a step failed
    """
    tell("Starting the devnet: a mainnet in a box")
    with node.up(states=_STATES) as running, tempfile.TemporaryDirectory(prefix="equipoise-demo-") as folder:
        box = Box(running.url)
        keeper_file, password_file = _new_keystore(Path(folder))
        settings = settings.model_copy(
            update={
                "rpc_url": running.url,
                "rpc_urls": (),
                "chain_id": 1,
                "key_file": keeper_file,
                "password_file": password_file,
                "password_fd": None,
                "unlocked_sender": None,
                "confirmations": 1,  # the devnet mines on demand
                "ledger_file": Path(folder) / "ledger.sqlite",
                "pools": settings.pools.model_copy(update={"cache_folder": Path(folder) / "pools"}),
            }
        )
        client = Client(running.url, 1, settings.request_timeout_s, settings.read_attempts).connect()
        with _ledger(settings) as ledger:
            stage = _play(box, client, settings, ledger, tell, Path(folder))
            after(stage)
            return stage.story


def _play(
    box: Box, client: Client, settings: Settings, ledger: Ledger, tell: Callable[[str], None], folder: Path
) -> Stage:
    keeper = signers.of(settings, client)
    creator, *depositors = (KeystoreSigner(Account.create()) for _ in range(1 + len(DEPOSITS_USD)))
    for actor in (keeper, creator, *depositors):
        box.fund(actor.address, 100)

    tell("Deploying the oracle, the vault and the keeper's executor")
    oracle = deploy_oracle(box, client, settings, creator)
    address = deploy_vault(box, client, settings, creator, "Equipoise DeFi Six", "EQ6", oracle=oracle)
    executor = lifecycle.deploy_executor(client, settings, creator, keeper.address)
    settings = settings.model_copy(update={"executor": executor})

    for depositor, usd in zip(depositors, DEPOSITS_USD, strict=True):
        tell(f"A depositor mints {usd:,} USD of shares in kind")
        deposit(box, client, settings, depositor, address, usd)
    minted = take(client, settings, address)

    moves = ", ".join(f"{symbol} {factor - 1:+.0%}" for symbol, factor in MOVES.items())
    tell(f"A day passes and markets move, on the DEXes and the feeds together: {moves}")
    market.warp(box, 86_400)
    for symbol, factor in MOVES.items():
        market.move_price(box, symbol, market.feed_price(box, symbol) * factor)
    before = take(client, settings, address)

    tell("The keeper's pass: read, decide, solve, simulate, send, record")
    opened = keeper_pass(client, settings, address, ledger, keeper)
    if opened.mined is None:
        raise TransactionError(f"the keeper did not open the rebalance: {opened.plan.decision.reason}")
    waits, rebalances = _until_closed(box, client, settings, ledger, keeper, address, tell)
    after = take(client, settings, address)

    tell("The second depositor redeems in kind")
    shares = abi.Vault.balance_of.decode(client.call(address, abi.Vault.balance_of.encode(depositors[1].address)))
    lifecycle.redeem(client, settings, depositors[1], address, shares)
    holdings = tuple(
        _holding(box, client, name, depositor.address, address, after)
        for name, depositor in zip(("first", "second"), depositors, strict=True)
    )
    story = Story(address, oracle, executor, minted, before, opened, waits, rebalances, after, holdings)
    return Stage(box, settings.model_copy(update={"vaults": (address,)}), story, folder)


def with_zap(stage: Stage) -> Stage:
    """The stage with an IndexZap on its devnet, which its settings name. Raises EquipoiseError."""
    client = Client(stage.box.url, stage.settings.chain_id).connect()
    somebody = KeystoreSigner(Account.create())
    stage.box.fund(somebody.address, 10)
    zap = lifecycle.deploy_zap(client, stage.settings, somebody, somebody.address)
    return replace(stage, settings=stage.settings.model_copy(update={"zap": zap}))


def endow(box: Box, account: str, usd: int) -> None:
    """Give an account ether for gas, and `usd` worth of every token of the basket."""
    box.fund(account, 10)
    for symbol in WEIGHTS:
        token = TOKENS[symbol]
        worth = Decimal(usd) / market.feed_price(box, symbol)
        box.give(token.address, account, int(worth * 10**token.decimals))


def _until_closed(
    box: Box,
    client: Client,
    settings: Settings,
    ledger: Ledger,
    keeper: Signer,
    address: str,
    tell: Callable[[str], None],
) -> tuple[tuple[tuple[str, int], ...], tuple[PassResult, ...]]:
    """Pass after pass, letting the time go by that the plan names, until the rebalance has closed."""
    waits: list[tuple[str, int]] = []
    rebalances: list[PassResult] = []
    for _ in range(_MOST_PASSES):
        result = keeper_pass(client, settings, address, ledger, keeper)
        if result.mined is not None:
            rebalances.append(result)
            if not take(client, settings, address).is_open:
                return tuple(waits), tuple(rebalances)
            continue
        decision = result.plan.decision
        if decision.kind is not Kind.WAIT or decision.until is None or decision.until <= result.plan.now:
            raise TransactionError(f"the keeper did not rebalance: {decision.reason}")
        seconds = decision.until - result.plan.now
        tell(f"The keeper waits {seconds} s: {decision.reason}")
        waits.append((decision.reason, seconds))
        market.warp(box, seconds)
    raise TransactionError(f"the rebalance is still open after {_MOST_PASSES} passes")


def deposit(box: Box, client: Client, settings: Settings, depositor: Signer, vault: str, usd: int) -> None:
    """Give the depositor what `usd` worth of shares ask for, at the first mint's price, and mint them."""
    shares = usd * WAD // SHARE_USD
    assets = abi.Vault.assets.decode(client.call(vault, abi.Vault.assets.encode()))
    asked = abi.Vault.preview_mint.decode(client.call(vault, abi.Vault.preview_mint.encode(shares)))
    for asset, amount in zip(assets, asked, strict=True):
        box.give(abi.checksum(asset), depositor.address, amount)
    lifecycle.mint(client, settings, depositor, vault, shares)


def deploy_oracle(
    box: Box, client: Client, settings: Settings, creator: Signer, tokens: Iterable[str] = tuple(WEIGHTS)
) -> str:
    """An oracle of the creator's over the devnet's feeds of these tokens; its address. Raises TransactionError."""
    return lifecycle.deploy_oracle(client, settings, creator, [feed_terms(box, symbol) for symbol in tokens])


def deploy_vault(
    box: Box,
    client: Client,
    settings: Settings,
    creator: Signer,
    name: str,
    symbol: str,
    *,
    weights: Mapping[str, int] = WEIGHTS,
    band: int = BAND,
    terms: Terms = TERMS,
    fees: Fees = lifecycle.NO_FEES,
    oracle: str | None = None,
) -> str:
    """A vault whose owner and guardian is the creator; its address.

    :param weights: percent by token
    :param band: WAD, half-width, of every asset
    :param oracle: one that knows the tokens; one of its own where there is none
    :raises TransactionError: it cannot be deployed
    """
    return lifecycle.deploy_vault(
        client,
        settings,
        creator,
        name=name,
        symbol=symbol,
        guardian=creator.address,
        oracle=oracle or deploy_oracle(box, client, settings, creator, weights),
        assets=[asset_terms(box, token, percent, band) for token, percent in weights.items()],
        terms=terms,
        fees=fees,
    )


def feed_terms(box: Box, symbol: str) -> lifecycle.FeedTerms:
    """The devnet's feed of a token, with room for its price to move twentyfold."""
    price = int(market.feed_price(box, symbol) * WAD)
    proxy = FEEDS[USD_FEEDS[symbol]].proxy
    max_age = _HEARTBEATS_S.get(symbol, 3600) + 600
    return lifecycle.FeedTerms(TOKENS[symbol].address, proxy, max_age, price // 20, price * 20)


def asset_terms(box: Box, symbol: str, percent: int, band: int = BAND) -> lifecycle.AssetTerms:
    """A token at this percentage, give or take a WAD band, of a basket that begins at SHARE_USD a share."""
    token = TOKENS[symbol]
    worth = Decimal(SHARE_USD * percent) / 100 / market.feed_price(box, symbol)
    return lifecycle.AssetTerms(token.address, int(worth * 10**token.decimals), percent * WAD // 100, band)


def _holding(box: Box, client: Client, name: str, depositor: str, vault: str, snapshot: VaultSnapshot) -> Holding:
    shares = abi.Vault.balance_of.decode(client.call(vault, abi.Vault.balance_of.encode(depositor)))
    valuation = snapshot.priced()
    tokens = {asset.symbol: box.balance(asset.address, depositor) for asset in snapshot.assets}
    worth = shares * valuation.nav // snapshot.supply + sum(
        tokens[asset.symbol] * price // 10**asset.decimals
        for asset, price in zip(snapshot.assets, valuation.prices, strict=True)
    )
    return Holding(name, depositor, shares, worth, tokens)


def _new_keystore(folder: Path) -> tuple[Path, Path]:
    """A fresh key in a keystore v3 file, and its password in another."""
    secret = secrets.token_urlsafe(24)
    files = folder / "keeper.json", folder / "password"
    # The key guards nothing but this run, so a tenth of a second of key stretching is plenty.
    keystore = Account.encrypt(Account.create().key, secret, kdf="scrypt", iterations=2**12)
    for file, text in zip(files, (json.dumps(keystore), secret), strict=True):
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
    return files


@contextmanager
def _ledger(settings: Settings) -> Iterator[Ledger]:
    ledger = Ledger(settings.ledger_file)
    try:
        yield ledger
    finally:
        ledger.close()
