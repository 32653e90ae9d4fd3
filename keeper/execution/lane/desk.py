"""What the parts of the lane share."""

from collections.abc import Callable
from dataclasses import dataclass

from keeper.chain.rpc import Client
from keeper.execution.lane.channels import Channel
from keeper.execution.lane.orders import Event, Notice
from keeper.execution.lane.steps import At
from keeper.execution.signer import Signer
from keeper.ledger import PUBLIC, Ledger, TransactionRow
from keeper.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """One account's means.

    :param channel: where new transactions go
    :param public: where those go that went there before
    :param clock: unix s of this machine, for the day's cap alone: what depends on the chain goes by the chain's time
    """

    client: Client
    ledger: Ledger
    signer: Signer
    settings: Settings
    channel: Channel
    public: Channel
    listener: Callable[[Notice], None]
    at: At
    clock: Callable[[], float]

    @property
    def chain_id(self) -> int:
        """The chain that the endpoint serves."""
        return self.client.chain_id

    @property
    def sender(self) -> str:
        """Checksum address of the account."""
        return self.signer.address

    def channel_of(self, row: TransactionRow) -> Channel | None:
        """Where a transaction may go again; None for a private one whose relay is not in the settings any more."""
        if row.channel == self.channel.name:
            return self.channel
        return self.public if row.channel == PUBLIC else None

    def attempts(self, nonce: int) -> list[TransactionRow]:
        """The transactions of a nonce, oldest first."""
        return self.ledger.attempts(self.chain_id, self.sender, nonce)

    def tell(self, event: Event, row: TransactionRow, text: str) -> None:
        """Tell whoever listens."""
        self.listener(Notice(event, row, text))
