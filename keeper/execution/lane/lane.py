"""The lane of one account: one order at a time, written down before it leaves, followed until its block is there to stay.

    submit   checks, signs, writes the intent down, hands the transaction over
    step     once per block: takes what is in flight one move further
    wait     steps until an order is mined and confirmed, for a process that does one thing and ends

A process may be killed between any two of `steps.Step`. What it left is in the ledger, and `step` asks the chain about it.
Nothing is signed anew while an earlier transaction could be mined beside it, since both have the same nonce.
"""

import time
from collections.abc import Callable, Sequence

from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.errors import ActingRefused, SignerError, TransactionError
from keeper.execution import eip1559
from keeper.execution.fees import Fees, GasTooExpensive
from keeper.execution.lane import checks, renewal
from keeper.execution.lane.booking import book, confirm, take_back
from keeper.execution.lane.channels import Channel, Delivery, Outcome, PublicPool, channel_of
from keeper.execution.lane.desk import Desk
from keeper.execution.lane.errors import InFlight, NotMined, NotTaken, Unfunded
from keeper.execution.lane.launch import Draft, launch
from keeper.execution.lane.moves import Attempt, Kind, Move, next_move
from keeper.execution.lane.nonces import foreign, next_nonce
from keeper.execution.lane.orders import Event, Notice, Order, Ticket
from keeper.execution.lane.sight import read_mined, see
from keeper.execution.lane.steps import At, Step, nothing
from keeper.execution.receipt import Mined
from keeper.execution.signer import Signer
from keeper.ledger import CANCEL, IN_FLIGHT, PUBLIC, AlreadyIntended, Ledger, LedgerLeg, LockLost, State, TransactionRow
from keeper.settings import Settings

_POLL_FIRST_S, _POLL_MOST_S = 0.05, 2.0


class Lane:
    """The lane of the signer's account. The process holds the account's lock (`ledger.locks.lane`).

    :param listener: is told what happens, in lines for people; alerts among them are marked
    :param channel: in place of the one that the settings name
    :param at: passed every step between two durable effects; a test may end the process there
    :raises ConfigurationError: the settings name no usable relay
    """

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        signer: Signer,
        settings: Settings,
        listener: Callable[[Notice], None] = lambda _: None,
        *,
        channel: Channel | None = None,
        at: At = nothing,
        clock: Callable[[], float] = time.time,
    ):
        self._desk = Desk(
            client=client,
            ledger=ledger,
            signer=signer,
            settings=settings,
            channel=channel or channel_of(settings.relays, client, signer.address),
            public=PublicPool(client),
            listener=listener,
            at=at,
            clock=clock,
        )

    @property
    def is_free(self) -> bool:
        """Whether an order may be submitted: nothing is in flight. What is mined and not confirmed yet does not count."""
        return not self._in_flight()

    def check_free(self) -> None:
        """Return if an order may be submitted.

        :raises InFlight: names what is in flight
        """
        for row in self._in_flight():
            raise InFlight(f"transaction {row.hash} of {self._desk.sender} is not mined yet: wait for it and run again")

    def submit(self, order: Order, head: Block) -> Ticket:
        """Send an order; returns once it has left, or perhaps has: then `step` finds out.

        :param head: the latest block
        :raises InFlight: the lane is not free
        :raises ForeignUse: somebody else used the key
        :raises Refused, CostAboveCap, CostAboveBenefit, Unfunded: a check does not let it be signed
        :raises NotTaken: the endpoint or every relay refuses it; the ledger says why
        :raises SignerError, LedgerError, ChainError: nothing was sent
        """
        self.check_free()
        nonce = next_nonce(self._desk, order.decision_id, head)
        row, delivery = launch(self._desk, self._draft(order, nonce), head.number)
        if delivery.is_refusal:
            self._desk.tell(Event.REFUSED, row, delivery.why)
            raise _refusal(order, delivery, self._desk.sender)
        if delivery.outcome is Outcome.UNCERTAIN:
            self._desk.tell(Event.UNCERTAIN, row, delivery.why)
        else:
            self._desk.tell(Event.SENT, row, f"{row.mode} of {', '.join(row.vaults)} was sent: {row.hash}")
        assert row.hash is not None
        return Ticket(row.id, nonce, row.hash)

    def step(self, head: Block) -> None:
        """Look at what is in flight or not there to stay, and take each one move further. Asks nothing where there is nothing.

        What cannot be replaced now is told as a delay, and tried again at another block.

        :raises ForeignUse: somebody else used the key; said once
        :raises LedgerError, ChainError: the next step takes it up
        """
        take_back(self._desk, head)
        for place, nonce in enumerate(sorted({row.nonce for row in self._in_flight()})):
            self._advance(nonce, head, is_first=place == 0)
        confirm(self._desk, head)

    def wait(self, ticket: Ticket, timeout_s: float) -> Mined:
        """Step until the order is mined, and confirmed if that happens in time.

        :raises InFlight: it is not mined in time; a later `step` takes it up
        :raises NotMined: it was cancelled or dropped
        :raises TransactionError: it reverted
        :raises ForeignUse, LedgerError, ChainError: as `step`
        """
        deadline, pause = time.monotonic() + timeout_s, _POLL_FIRST_S
        while True:
            self.step(self._desk.client.head())
            is_late = time.monotonic() + pause > deadline
            mined = self._outcome(ticket, even_unconfirmed=is_late)
            if mined is not None:
                return mined
            if is_late:
                raise InFlight(f"transaction {ticket.hash} is not mined after {timeout_s:g} s: run again to settle it")
            time.sleep(pause)
            pause = min(2 * pause, _POLL_MOST_S)

    def _in_flight(self) -> list[TransactionRow]:
        rows = self._desk.ledger.unsettled(self._desk.chain_id, self._desk.sender)
        return [row for row in rows if row.state in IN_FLIGHT]

    def _draft(self, order: Order, nonce: int) -> Draft:
        call, settings = order.call, self._desk.settings
        fees = self._first_fees(order.fees, nonce)
        gas_limit = order.gas * settings.fees.gas_limit_percent // 100
        return Draft(
            decision_id=order.decision_id,
            together_with=order.together_with,
            vaults=call.vaults,
            mode=call.mode,
            transaction=eip1559.make(
                self._desk.chain_id, nonce, call.target, call.data, gas_limit, fees.max_fee, fees.tip
            ),
            fees=fees,
            gas=order.gas,
            deadline=order.deadline,
            benefit_cap=checks.benefit_cap(order.worth, settings),
            legs=[
                LedgerLeg(leg.pool, leg.venue, leg.token_in, leg.token_out, leg.amount_in, leg.amount_out)
                for leg in call.legs
            ],
        )

    def _first_fees(self, fees: Fees, nonce: int) -> Fees:
        """As ordered; more where a node may still hold an order that was dropped, and which this one has to displace."""
        earlier = [
            row for row in self._desk.attempts(nonce) if row.state is State.DROPPED or renewal.was_underpriced(row)
        ]
        try:
            return renewal.bumped(self._desk, earlier, fees) if earlier else fees
        except GasTooExpensive:
            return fees  # then it is taken or refused as it is

    def _advance(self, nonce: int, head: Block, *, is_first: bool) -> None:
        desk, rows = self._desk, self._desk.attempts(nonce)
        seen, mined = see(desk.client, rows, head, desk.settings.confirmations)
        stuck_after = desk.settings.fees.replace_after_blocks
        move = next_move([_attempt(row) for row in rows], seen, head, stuck_after, is_first=is_first)
        row = next(each for each in rows if each.id == move.attempt)
        match move.kind:
            case Kind.WAIT:
                if seen.settled_nonce > nonce:
                    desk.tell(
                        Event.DELAYED, row, f"{row.hash} is mined, but no endpoint shows its receipt: check rpc_url"
                    )
            case Kind.BOOK:
                assert mined is not None
                book(desk, rows, row.id, mined)
            case Kind.FOREIGN:
                for each in rows:
                    if each.state in IN_FLIGHT:
                        desk.ledger.mark_failed(each.id, "a transaction that this ledger does not know has its nonce")
                raise foreign(desk, row.decision_id, nonce)
            case Kind.DROP:
                for each in rows:
                    if each.state in IN_FLIGHT:
                        desk.ledger.mark_dropped(each.id, move.reason)
                        desk.at(Step.DROPPED)
                        desk.tell(Event.DROPPED, each, f"{each.hash} was dropped: {move.reason}")
            case Kind.RESEND | Kind.REPLACE | Kind.CANCEL:
                self._renew(move, rows, row, head)

    def _renew(self, move: Move, rows: Sequence[TransactionRow], row: TransactionRow, head: Block) -> None:
        is_stuck = head.number - (row.since_block or 0) >= self._desk.settings.fees.replace_after_blocks
        try:
            if move.kind is Kind.RESEND:
                is_taken = renewal.resend(self._desk, row, head)
                # What nodes take and lose again pays too little for them to keep: it is replaced in time like what they keep.
                if not is_stuck or (is_taken and row.state is State.INTENT):
                    return
            if move.kind is Kind.CANCEL or row.mode == CANCEL:
                renewal.cancel(self._desk, rows, head, move.reason)
            else:
                renewal.replace(self._desk, rows, head)
        except (TransactionError, SignerError, ActingRefused, AlreadyIntended, LockLost) as error:
            self._desk.tell(Event.DELAYED, row, f"{row.hash} could not be replaced: {error}")

    def _outcome(self, ticket: Ticket, *, even_unconfirmed: bool) -> Mined | None:
        """What the order did; None while that is open."""
        rows = self._desk.attempts(ticket.nonce)
        if any(row.state in IN_FLIGHT for row in rows):
            return None
        order = next(row for row in rows if row.id == ticket.row_id)
        in_block = [row for row in rows if row.block_hash is not None]
        if not in_block:
            raise NotMined(f"transaction {ticket.hash} will not be mined: {order.error}")
        row = in_block[-1]
        if row.mode == CANCEL or row.decision_id != order.decision_id:
            raise NotMined(f"transaction {ticket.hash} was replaced by {row.mode} {row.hash}: plan it again")
        if row.state is State.FAILED:
            raise TransactionError(
                f"{row.mode} of {', '.join(row.vaults)} reverted in transaction {row.hash}: plan it again"
            )
        if row.state is State.MINED and not even_unconfirmed:
            return None
        return read_mined(self._desk.client, row)


def _attempt(row: TransactionRow) -> Attempt:
    return Attempt(
        id=row.id,
        nonce=row.nonce,
        is_cancellation=row.mode == CANCEL,
        is_private=row.channel != PUBLIC,
        is_live=row.state in IN_FLIGHT,
        has_left=row.state is State.SENT,
        deadline=row.deadline or 0,
        since=row.since_block or 0,
        left=row.left_block or 0,
    )


def _refusal(order: Order, delivery: Delivery, sender: str) -> TransactionError:
    line = f"{order.call.mode} of {', '.join(order.call.vaults)} was not taken: {delivery.why}"
    if delivery.outcome is Outcome.POOR:
        return Unfunded(f"{line}: fund {sender}")
    return NotTaken(line)
