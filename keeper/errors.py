"""The tree of errors that people meet.

    EquipoiseError
    ├── ActingRefused                     the kill switch is on or a breaker is open: nothing is signed
    ├── AggregatorError                   an aggregator gives no quote that may be used; its package has the classes
    ├── ConfigurationError (ValueError)   a setting, argument or file is wrong: says which and how to mend it
    ├── ChainError (ConnectionError)      an RPC endpoint is down, lies about its chain, or lacks a method
    ├── DesignError (ValueError)          limits that no basket meets, or a history too short for one: says which to loosen
    ├── ForecastError (ValueError)        a forecast that cannot be made from what there is: says what is missing
    ├── HistoryError (ValueError)         prices over time that cannot be read, aligned or used: says which and how to mend it
    ├── LedgerError                       the ledger cannot be read or written; its package has the classes
    ├── OracleError                       a price is missing, stale or out of bounds
    ├── NoRoute                           no pools, or not enough liquidity, for what has to trade
    ├── SignerError                       an external signer did not sign what it was asked to
    ├── ToolchainError (OSError)          a tool (node, anvil) or a package could not be installed
    └── TransactionError                  a simulation or a transaction reverted

Every message is one line that names the input and the fix. The command line prints it and exits non-zero.
"""


class EquipoiseError(Exception):
    """Base of all errors of this package; `str()` is the line a person reads."""


class ActingRefused(EquipoiseError):
    """The keeper may look and may not act: its kill switch is on, or a circuit breaker is open. Nothing was signed."""


class AggregatorError(EquipoiseError):
    """An aggregator gives no quote that may be used."""


class ConfigurationError(EquipoiseError, ValueError):
    """A setting, an argument or a file is wrong."""


class ChainError(EquipoiseError, ConnectionError):
    """An RPC endpoint is down, serves another chain, or lacks a method."""


class DesignError(EquipoiseError, ValueError):
    """No basket meets what was asked for, or nothing can be said about one."""


class ForecastError(EquipoiseError, ValueError):
    """A forecast cannot be made, or not be judged, from the prices that there are."""


class HistoryError(EquipoiseError, ValueError):
    """Prices over time that cannot be read, aligned or used."""


class LedgerError(EquipoiseError):
    """The ledger cannot be read or written, or what should be written contradicts it."""


class OracleError(EquipoiseError):
    """A price is missing, stale or out of bounds."""


class NoRoute(EquipoiseError):
    """No pools, or not enough liquidity, for what has to trade."""


class SignerError(EquipoiseError):
    """An external signer did not sign, or signed something else than it was asked to; nothing was sent."""


class ToolchainError(EquipoiseError, OSError):
    """A tool or a package could not be installed."""


class TransactionError(EquipoiseError):
    """A simulation or a transaction reverted."""
