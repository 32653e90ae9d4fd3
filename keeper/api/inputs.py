"""Inputs of the routes, checked: an address whose checksum is wrong is a typing error, and refused."""

from dataclasses import dataclass
from typing import Annotated, Literal

from eth_utils.address import is_checksum_address, to_checksum_address
from fastapi import Depends, Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from keeper.api.models.common import ADDRESS
from keeper.chain.abi import Means
from keeper.services.permits import Signature
from keeper.services.zap_market import ETHER

AMOUNT = r"^[1-9][0-9]{0,37}$"  # below 2^128, which no supply exceeds and no pool can hold
NONCE = r"^(0|[1-9][0-9]{0,76})$"  # below 2^256
SIGNATURE = r"^0x[0-9a-fA-F]{128}([0-9a-fA-F]{2})?$"
COIN = r"^(ETH|0x[0-9a-fA-F]{40})$"


def _checksummed(value: str) -> str:
    """One case throughout carries no checksum; mixed case has to carry the right one."""
    digits = value[2:]
    if digits not in {digits.lower(), digits.upper()} and not is_checksum_address(value):
        raise ValueError("its checksum (EIP-55) is wrong: copy the address again, or write it in lower case")
    return to_checksum_address(value)


def _coin(value: str) -> str:
    """Ether by the address that the zap has for it."""
    return ETHER.address if value == ETHER.symbol else _checksummed(value)


def _number(value: object) -> object:
    """JSON's 30.0 is a whole number; its "30" and its true are none."""
    if isinstance(value, str | bool):
        raise ValueError("it is not a number")  # noqa: TRY004 (pydantic reports ValueErrors alone)
    return value


Checked = AfterValidator(_checksummed)
CheckedCoin = AfterValidator(_coin)
ADDRESS_SCHEMA = {"format": "ethereum-address"}
AMOUNT_SCHEMA = {"format": "base-units"}
COIN_SCHEMA = {"format": "ethereum-address-or-eth"}
COIN_TEXT = "An address, or `ETH` for the chain's coin: one of the vault's `zap.tokens`."

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
Shares = Annotated[
    str,
    Query(
        pattern=AMOUNT,
        description="Base units of shares.",
        examples=["1000000000000000000"],
        json_schema_extra=AMOUNT_SCHEMA,
    ),
]
Coin = Annotated[str, Query(pattern=COIN, description=COIN_TEXT, json_schema_extra=COIN_SCHEMA), CheckedCoin]
Amount = Annotated[
    str,
    Query(
        pattern=AMOUNT,
        description="Base units of the token.",
        examples=["10000000000"],
        json_schema_extra=AMOUNT_SCHEMA,
    ),
]
SlippageBps = Annotated[
    int, Query(ge=0, le=2_000, description="How much worse than quoted each amount may be, in basis points.")
]

SLIPPAGE_BPS, DEADLINE_S = 50, 1_200


@dataclass(frozen=True, slots=True)
class Quoted:
    """For whom a quote is, and how much room it leaves."""

    account: Account = None
    slippage_bps: SlippageBps = SLIPPAGE_BPS


Terms = Annotated[Quoted, Depends()]

# Of orders.
Person = Annotated[str, Field(pattern=ADDRESS, json_schema_extra=ADDRESS_SCHEMA), Checked]
SharesOrder = Annotated[
    str,
    Field(
        pattern=AMOUNT,
        description="Base units of shares.",
        examples=["1000000000000000000"],
        json_schema_extra=AMOUNT_SCHEMA,
    ),
]
AmountOrder = Annotated[
    str,
    Field(
        pattern=AMOUNT,
        description="Base units of the token.",
        examples=["10000000000"],
        json_schema_extra=AMOUNT_SCHEMA,
    ),
]
CoinOrder = Annotated[str, Field(pattern=COIN, description=COIN_TEXT, json_schema_extra=COIN_SCHEMA), CheckedCoin]
SlippageOrder = Annotated[int, Field(ge=0, le=2_000), BeforeValidator(_number)]
DeadlineS = Annotated[int, Field(ge=60, le=86_400, description="From now on."), BeforeValidator(_number)]


class PermitOrder(BaseModel):
    """What the account signed of the `permit` that an order's answer offered."""

    model_config = ConfigDict(extra="forbid")

    means: Literal["erc2612", "permit2"]
    nonce: str = Field(pattern=NONCE, description="As it was offered.", examples=["0"])
    deadline: Annotated[int, BeforeValidator(_number)] = Field(
        ge=0, le=2**53 - 1, description="As it was offered: unix seconds. It is the zap's too."
    )
    signature: str = Field(pattern=SIGNATURE, description="65 bytes, r, s and v, or the 64 of EIP-2098.")

    @property
    def signed(self) -> Signature:
        """As the services have it."""
        means = Means[self.means.upper()]
        return Signature(means, int(self.nonce), self.deadline, bytes.fromhex(self.signature[2:]))
