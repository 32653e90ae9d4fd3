"""A fund on the chain and the same fund in the model, and the people around it, who do everything to both."""

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from fuzz.evm import ZERO, Chain, Contract, Reverted
from fuzz.model.auction import Auction, LossBudget, Terms
from fuzz.model.numbers import WAD, Refused, down, up
from fuzz.model.oracle import Feed, Listing, Oracle
from fuzz.model.shares import DEAD, DEAD_SHARES, Fees, Shares
from fuzz.model.state import Role
from fuzz.model.targets import Bands, Schedule
from fuzz.model.tokens import HONEST, Mood, Token
from fuzz.model.vault import Vault

FAR = 2**40  # a deadline that no run reaches
MAX_AGE = 7 * 86400  # s, of a feed
MAX_PRICE = 2**128 - 1  # WAD
STEPS_AT_ONCE = 16  # ScriptedExecutor.add_steps


class Person(str):
    """An account with a key: its address, and in the story of a failure its role."""

    def __new__(cls, role: str) -> "Person":
        return super().__new__(cls, f"0x{keccak(text=role)[12:].hex()}")

    def __init__(self, role: str) -> None:
        self.role = role

    def __deepcopy__(self, memo: Any) -> "Person":
        return self

    def __repr__(self) -> str:
        return self.role.upper()


ROLES = ("deployer", "owner", "guardian", "strategist", "alice", "bob", "keeper", "attacker", "stranger", "recipient")
PEOPLE = tuple(map(Person, ROLES))
DEPLOYER, OWNER, GUARDIAN, STRATEGIST, ALICE, BOB, KEEPER, ATTACKER, STRANGER, RECIPIENT = PEOPLE


@dataclass(frozen=True)
class AssetPlan:
    """One asset to build a basket of: WAD price and target, base units at the first mint."""

    decimals: int
    feed_decimals: int
    price: int
    target: int
    band: int
    seed: int


@dataclass(frozen=True)
class Plan:
    """A fund to build."""

    assets: tuple[AssetPlan, ...]
    terms: Terms
    spares: tuple[AssetPlan, ...]  # that may be added
    max_age: int  # s, of every feed
    first_shares: int
    fees: Fees
    is_seeded: bool


class World:
    """Both sides. `model` is the second implementation; what is not in it is the same on both sides by construction."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.chain = Chain()
        self.executor = self.chain.deploy("mocks/ScriptedExecutor", sender=ATTACKER)
        self.tokens: dict[str, Contract] = {}
        self.feeds: dict[str, Contract] = {}
        tokens: dict[str, Token] = {}
        feeds: dict[str, Feed] = {}
        for number, asset in enumerate((*plan.assets, *plan.spares)):
            token = self.chain.deploy("mocks/OddToken", f"T{number}", asset.decimals, sender=DEPLOYER)
            answer = max(1, asset.price // 10 ** (18 - asset.feed_decimals))
            feed = self.chain.deploy("mocks/Feed", asset.feed_decimals, answer, sender=DEPLOYER)
            self.tokens[token.address], self.feeds[token.address] = token, feed
            tokens[token.address] = Token(token.address, asset.decimals)
            feeds[token.address] = Feed(asset.feed_decimals, answer, self.chain.now)
        everything = list(self.tokens)
        assets = everything[: len(plan.assets)]
        self.spares = everything[len(assets) :]
        # The first prices everything; the second believes older answers and does not know the last asset.
        oracles = [
            self.list_feeds(feeds, plan.max_age),
            self.list_feeds(dict(list(feeds.items())[:-1]), 2 * plan.max_age),
        ]
        units = [max(1, down(asset.seed * WAD, plan.first_shares + DEAD_SHARES)) for asset in plan.assets]
        blueprint = self.chain.deploy_blueprint("Rebalancer", DEPLOYER)
        self.vault = self.chain.deploy(
            "IndexVault",
            "Fuzzed Index",
            "FUZZ",
            OWNER,
            GUARDIAN,
            oracles[0].address,
            [(asset, unit, one.target, one.band) for asset, unit, one in zip(assets, units, plan.assets, strict=True)],
            tuple(vars(plan.terms).values()),
            plan.fees,
            blueprint,
            sender=DEPLOYER,
        )
        self.rebalancer = self.chain.at("Rebalancer", self.vault.view("rebalancer"))
        now = self.chain.now
        targets = [asset.target for asset in plan.assets]
        self.model = Vault(
            now=now,
            address=self.vault.address,
            owner=Role(OWNER),
            guardian=Role(GUARDIAN),
            tokens=tokens,
            oracles={oracle.address: oracle for oracle in oracles},
            oracle=oracles[0],
            assets=assets,
            units=units,
            schedule=Schedule(targets, list(targets), now, now),
            bands=Bands([asset.band for asset in plan.assets], now),
            auction=Auction(plan.terms, now, now),
            loss=LossBudget(plan.terms.max_loss, plan.terms.loss_window),
            shares=Shares(now, plan.fees),
        )
        self.holders = [*PEOPLE[1:], self.executor.address, self.vault.address, DEAD, self.rebalancer.address]
        # How the last thing that was done on both sides ended.
        self.outcome = "done"
        # What a falling rebase took from under the claims: then they are not covered, and nobody promises that they are.
        self.shorted: set[str] = set()
        # Tokens that once took a fee: some of them are with nobody.
        self.leaky: set[str] = set()
        # What people were given out of nothing: no gain of theirs.
        self.given: dict[tuple[str, str], int] = defaultdict(int)
        self.given_before: dict[tuple[str, str], int] = defaultdict(int)

    def list_feeds(self, feeds: Mapping[str, Feed], max_age: int) -> Oracle:
        """An oracle of these feeds that believes a thousandth to a thousandfold of the first prices."""
        listings = {
            asset: Listing(feed, min(max_age, MAX_AGE), max(1, feed.price // 1000), min(feed.price * 1000, MAX_PRICE))
            for asset, feed in feeds.items()
        }
        words = [
            (asset, self.feeds[asset].address, listing.max_age, listing.min_price, listing.max_price)
            for asset, listing in listings.items()
        ]
        return Oracle(self.chain.deploy("PriceOracle", OWNER, words, sender=DEPLOYER).address, listings)

    # --------------------------------------------------------- lock-step

    def both(self, on_chain: Callable[[], Any], in_model: Callable[[Vault], Any]) -> Any:
        """Do one thing on both sides and hold the answers against each other.

        :return: the answer, or a `Reverted` when both refused
        """
        trial = copy.deepcopy(self.model)
        refused: Refused | None = None
        wanted: Any = None
        try:
            wanted = in_model(trial)
        except Refused as refusal:
            refused = refusal
        try:
            found = on_chain()
        except Reverted as error:
            self.outcome = error.reason.split("(")[0] or "no reason"
            assert refused is not None, f'reverted with "{error.reason}", and the specification allows it'
            assert error.reason in refused.reasons, f'reverted with "{error.reason}", not for one of {refused.reasons}'
            return error
        self.outcome = "done"
        assert refused is None, f"went through, and the specification refuses it: {refused.reasons}"
        assert plain(found) == plain(wanted), f"answered {found}, the specification says {wanted}"
        self.model = trial
        return found

    def same(self, on_chain: Callable[[], Any], in_model: Callable[[], Any]) -> Any:
        """As `both`, for what changes nothing."""
        return self.both(on_chain, lambda _: in_model())

    # ------------------------------------------------- what nobody refuses

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.chain.wait(seconds)
        self.model.now = self.chain.now
        self.model.auction.settle_time(self.model.now)

    def moments(self) -> list[int]:
        """When something changes by time alone; unix s."""
        model, auction = self.model, self.model.auction
        found = [auction.closed_at + auction.terms.cooldown, auction.completed_at + auction.terms.interval]
        if auction.opened_at:
            found += [auction.opened_at + model.head_start, auction.opened_at + auction.terms.duration]
        found += [model.schedule.start, model.schedule.end]
        found += [listing.feed.updated_at + listing.max_age for listing in model.oracle.listings.values()]
        return sorted(set(found))

    def give(self, asset: str, who: str, amount: int) -> None:
        """Tokens out of nothing."""
        self.tokens[asset].send(DEPLOYER, "mint", who, amount)
        self.model.tokens[asset].mint(who, amount)
        self.given[who, asset] += amount

    def approve(self, asset: str, who: str, amount: int) -> None:
        """Let the vault take exactly this."""
        call = ("approve", self.vault.address, amount)
        if who == self.executor.address:
            self.executor.send(ATTACKER, "call", asset, self.tokens[asset].encode(*call))
        else:
            self.tokens[asset].send(who, *call)
        self.model.tokens[asset].allowances[who, self.vault.address] = amount

    def fund(self, who: str, amounts: Mapping[str, int]) -> None:
        """Give tokens and let the vault take exactly them."""
        for asset, amount in amounts.items():
            self.give(asset, who, amount)
            self.approve(asset, who, amount)

    def set_mood(self, asset: str, mood: Mood = HONEST, hook: str = ZERO) -> None:
        """How a token behaves from now on."""
        self.tokens[asset].send(DEPLOYER, "configure", *mood[:5], hook, *mood[5:])
        self.model.tokens[asset].mood = mood
        if mood.fee_bps or mood.extra_bps:
            self.leaky.add(asset)

    def post(self, asset: str, answer: int, updated_at: int) -> None:
        """An answer of a feed."""
        self.feeds[asset].send(DEPLOYER, "set_round", answer, updated_at)
        feed = self.feed(asset)
        feed.answer, feed.updated_at = answer, updated_at

    def refresh(self) -> None:
        """Every feed posts its answer again."""
        for asset in self.tokens:
            if self.feed(asset).updated_at != self.model.now:
                self.post(asset, self.feed(asset).answer, self.model.now)

    def shrink(self, asset: str, amount: int) -> None:
        """The token takes from the vault."""
        self.tokens[asset].send(DEPLOYER, "burn", self.vault.address, amount)
        token = self.model.tokens[asset]
        token.burn(self.vault.address, amount)
        if token.balances[self.vault.address] < self.model.shares.claimed(asset):
            self.shorted.add(asset)

    def heal(self) -> None:
        """Every token is honest, and every feed as `heal_feeds` leaves it."""
        for asset, token in self.model.tokens.items():
            if token.mood != HONEST:
                self.set_mood(asset)
        self.heal_feeds()

    def heal_feeds(self) -> None:
        """Every feed is fresh and within the oracle's limits."""
        for asset, listing in self.listings.items():
            feed = listing.feed
            if feed.is_dead:
                self.feeds[asset].send(DEPLOYER, "set_dead", False)
                feed.is_dead = False
            unit = 10 ** (18 - feed.decimals)
            lowest, highest = up(listing.min_price, unit), down(listing.max_price, unit)
            self.post(asset, max(lowest, min(highest, feed.answer)), self.model.now)

    def script(self, steps: Sequence[tuple[str, bytes, bool]]) -> None:
        """What the executor does when it is called."""
        self.executor.send(ATTACKER, "clear")
        for start in range(0, len(steps), STEPS_AT_ONCE):
            self.executor.send(ATTACKER, "add_steps", steps[start : start + STEPS_AT_ONCE])

    def outcomes(self, count: int) -> list[tuple[bool, bytes]]:
        """What became of the steps of the last script."""
        return [self.executor.view("outcomes", index) for index in range(count)]

    @property
    def oracle_address(self) -> str:
        """The oracle of now."""
        return self.model.oracle.address

    @property
    def listings(self) -> dict[str, Listing]:
        """Everything that the first oracle prices."""
        return next(iter(self.model.oracles.values())).listings

    def feed(self, asset: str) -> Feed:
        """The feed of a token."""
        return self.listings[asset].feed

    @property
    def assets(self) -> list[str]:
        """The basket, in order."""
        return self.model.assets


def plain(value: Any) -> Any:
    """Lists and tuples alike."""
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def price_that_gives(value: int, amount: int, decimals: int) -> int:
    """WAD USD per whole token at which an amount is worth a value, rounded up and at least 1."""
    return max(1, up(value * 10**decimals, amount))
