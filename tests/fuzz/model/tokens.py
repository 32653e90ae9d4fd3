"""ERC-20 tokens as section 5 of the specification knows them, honest and odd."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from fuzz.model.numbers import ANYTHING, SILENCE, Refused

MAX_BALANCE = 2**128  # base units that a redemption believes


class Mood(NamedTuple):
    """How a token behaves at present; the order of `OddToken.configure` without its hook."""

    answer: int = 1  # 1 true, 2 false, 4 nothing: none of it may matter
    fee_bps: int = 0
    extra_bps: int = 0
    refuses_zero: bool = False
    does_nothing: bool = False
    kept_back: int = 0
    is_blocked: bool = False
    eats_gas: bool = False
    is_dead: bool = False

    @property
    def pays(self) -> bool:
        """Whether what is asked leaves, to the unit."""
        return not (
            self.extra_bps or self.kept_back or self.is_blocked or self.does_nothing or self.eats_gas or self.is_dead
        )


HONEST = Mood()


@dataclass
class Token:
    """One token: who holds how much, and who may take it from whom. Base units."""

    address: str
    decimals: int
    mood: Mood = HONEST
    supply: int = 0
    balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    allowances: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def mint(self, receiver: str, amount: int) -> None:
        """Tokens out of nothing, as a faucet gives them."""
        self.supply += amount
        self.balances[receiver] += amount

    def burn(self, owner: str, amount: int) -> None:
        """Tokens into nothing, as a falling rebase takes them.

        :raises Refused: the owner has less
        """
        if self.balances[owner] < amount:
            raise Refused({SILENCE})
        self.supply -= amount
        self.balances[owner] -= amount

    def balance(self, owner: str) -> int:
        """What the token says that `owner` holds.

        :raises Refused: it does not say
        """
        if self.mood.is_dead:
            raise Refused({"odd: dead"})
        return self.balances[owner]

    def balance_or_zero(self, owner: str) -> int:
        """As `balance`, zero when the token does not say, or says what no sum could hold."""
        return 0 if self.mood.is_dead or self.balances[owner] > MAX_BALANCE else self.balances[owner]

    def transfer(self, owner: str, receiver: str, amount: int) -> None:
        """Move tokens in their owner's name.

        :raises Refused: the token does not
        """
        mood = self.mood
        if amount == 0 and mood.refuses_zero:
            raise Refused({"odd: zero transfer"})
        if mood.is_blocked:
            raise Refused({"odd: blocked"})
        if mood.eats_gas:
            raise Refused({SILENCE})
        if mood.does_nothing:
            return
        moved = amount - mood.kept_back
        gone = moved + amount * mood.extra_bps // 10_000
        if moved < 0 or gone > self.balances[owner]:
            raise Refused({SILENCE})
        # What extra takes from the sender and a fee from the receiver is gone, but the mock counts it in its supply still.
        self.balances[owner] -= gone
        self.balances[receiver] += moved - amount * mood.fee_bps // 10_000

    def transfer_from(self, spender: str, owner: str, receiver: str, amount: int) -> None:
        """Move tokens by an allowance.

        :raises Refused: the token does not, or may not
        """
        allowed = self.allowances[owner, spender]
        if allowed < amount:
            raise Refused({"token: allowance too low"})
        self.transfer(owner, receiver, amount)
        if allowed != ANYTHING:
            self.allowances[owner, spender] -= amount
