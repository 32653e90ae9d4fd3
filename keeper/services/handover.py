"""Acting for a vault that another keeper of the same ledger acted for."""

from keeper.chain.rpc import Client
from keeper.execution.lane import InFlight, settle
from keeper.ledger import Ledger, LockTaken
from keeper.settings import Settings


def take_over(client: Client, settings: Settings, ledger: Ledger, vault: str, sender: str) -> str | None:
    """Settle what other accounts have left on its way to a vault whose lock this process holds.

    :returns: why the vault cannot be acted for yet; None where nothing stands against it
    :raises ForeignUse, LedgerError, ChainError: as `settle`
    """
    for other in sorted({row.sender for row in ledger.in_flight(client.chain_id, vault)} - {sender}):
        try:
            with ledger.locks.lane(client.chain_id, other):
                settle(client, ledger, other, settings)
        except LockTaken:
            return f"a transaction of {other}, which another keeper signs for, is on its way to it"
        except InFlight as error:
            return str(error)
    return None
