"""Where a keeper stands, from its ledger and its files: no network, and no keeper that runs."""

from dataclasses import dataclass

from keeper.ledger import Ledger
from keeper.ledger.models import DecisionRow, TransactionRow
from keeper.operations.breaker_file import BreakerFile, Tripped
from keeper.operations.kill_switch import KillSwitch
from keeper.settings import Settings

_TRANSACTIONS = 10  # that are shown


@dataclass(frozen=True, slots=True)
class KeeperStatus:
    """What a person asks first. `killed` says why nothing is signed; None while the switch is off."""

    killed: str | None
    breakers: tuple[Tripped, ...]
    decisions: tuple[DecisionRow, ...]  # the newest of each vault
    transactions: tuple[TransactionRow, ...]  # newest first


def look(settings: Settings) -> KeeperStatus:
    """The status now.

    :raises ConfigurationError: the breakers' file or the ledger cannot be read
    """
    switch = KillSwitch(settings.operations.kill_switch_file)
    breakers = BreakerFile(settings.operations.breakers_file).read().tripped
    decisions: list[DecisionRow] = []
    transactions: list[TransactionRow] = []
    if settings.ledger_file.exists():  # looking makes no ledger
        ledger = Ledger(settings.ledger_file)
        try:
            decisions, transactions = ledger.latest_decisions(), ledger.latest_transactions(_TRANSACTIONS)
        finally:
            ledger.close()
    return KeeperStatus(switch.why(), breakers, tuple(decisions), tuple(transactions))
