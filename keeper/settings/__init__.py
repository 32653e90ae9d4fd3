"""Settings: one validated TOML file plus the environment, with units in every name.

Order of precedence, first wins: arguments of the command line, `EQUIPOISE_*` variables (groups are joined with two
underscores, `EQUIPOISE_POLICY__SLIPPAGE_BPS=30`), the TOML file, the defaults here. A key that is not a setting is
refused, not ignored: a limit with a typing error in its name would otherwise not limit anything.

No setting holds a private key. A key is a keystore v3 file (`key_file`) whose password comes from a file or a file
descriptor, or it stays with an external signer (`web3signer_url`, `clef_url`). The API key of an aggregator and the URLs
that alerts go to come from the environment or from a file of their own.
"""

from keeper.settings.api_keys import api_key
from keeper.settings.groups import (
    AggregatorSettings,
    FeeSettings,
    HistorySettings,
    LenderSettings,
    OperationsSettings,
    PolicySettings,
    PoolSettings,
    RelaySettings,
    ServeSettings,
    StrategistSettings,
)
from keeper.settings.load import keys, load, load_chains
from keeper.settings.model import Settings
from keeper.settings.plain_keys import refuse_plain_arguments, refuse_plain_key

__all__ = [
    "AggregatorSettings",
    "FeeSettings",
    "HistorySettings",
    "LenderSettings",
    "OperationsSettings",
    "PolicySettings",
    "PoolSettings",
    "RelaySettings",
    "ServeSettings",
    "Settings",
    "StrategistSettings",
    "api_key",
    "keys",
    "load",
    "load_chains",
    "refuse_plain_arguments",
    "refuse_plain_key",
]
