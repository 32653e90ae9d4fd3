"""What can go wrong with a transaction on its way.

TransactionError
├── InFlight       a transaction of this account is still on its way
├── ForeignUse     somebody else used the account's key
├── Unfunded       the account cannot pay: names what to fund
├── NotTaken       the endpoint or the relay refused it; it did not leave
└── NotMined       it was cancelled or dropped, and will not be mined
ChainError
└── FalseReceipt   an endpoint showed a receipt that is not this transaction's
"""

from keeper.errors import ChainError, TransactionError


class InFlight(TransactionError):
    """A transaction of this account is still on its way."""


class ForeignUse(TransactionError):
    """A transaction that this ledger does not know was sent with the account's key."""


class Unfunded(TransactionError):
    """The account cannot pay for the transaction."""


class NotTaken(TransactionError):
    """The endpoint or the relay refused the transaction."""


class NotMined(TransactionError):
    """The transaction was cancelled or dropped."""


class FalseReceipt(ChainError):
    """An endpoint showed a receipt that is not the transaction's."""
