"""Inputs of the routes, checked: an address whose checksum is wrong is a typing error, and refused."""

from typing import Annotated

from eth_utils.address import is_checksum_address, to_checksum_address
from fastapi import Path, Query
from pydantic import AfterValidator

from keeper.api.models import ADDRESS

SHARES = r"^[1-9][0-9]{0,37}$"  # below 2^128, which no supply exceeds


def _checksummed(value: str) -> str:
    """One case throughout carries no checksum; mixed case has to carry the right one."""
    digits = value[2:]
    if digits not in {digits.lower(), digits.upper()} and not is_checksum_address(value):
        raise ValueError("its checksum (EIP-55) is wrong: copy the address again, or write it in lower case")
    return to_checksum_address(value)


Checked = AfterValidator(_checksummed)
ADDRESS_SCHEMA = {"format": "ethereum-address"}

VaultAddress = Annotated[
    str, Path(alias="address", pattern=ADDRESS, description="The vault's.", json_schema_extra=ADDRESS_SCHEMA), Checked
]
AccountAddress = Annotated[
    str,
    Path(alias="address", pattern=ADDRESS, description="The account's.", json_schema_extra=ADDRESS_SCHEMA),
    Checked,
]
Account = Annotated[
    Annotated[str, Checked] | None,
    Query(pattern=ADDRESS, description="Whose balances and allowances to look at.", json_schema_extra=ADDRESS_SCHEMA),
]
ChainId = Annotated[int | None, Query(ge=1, le=2**53 - 1, description="Where two chains have a vault at one address.")]
Shares = Annotated[str, Query(pattern=SHARES, description="Base units of shares.", examples=["1000000000000000000"])]
SlippageBps = Annotated[
    int, Query(ge=0, le=2_000, description="How much worse than quoted each amount may be, in basis points.")
]
