"""Types of the fields of answers. Everything in an answer is hostile: what is not exactly the documented form is refused."""

import re
from typing import Annotated, TypeVar

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from keeper.aggregators.errors import MalformedAnswer

# Digits of 2**256 - 1. Python's own parsing takes signs, underscores, blanks and the digits of every script.
_DIGITS = re.compile(r"[0-9]{1,78}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


def _amount(value: object) -> int:
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise ValueError("not a string of decimal digits")
    return int(value)


def _count(value: object) -> int:
    if isinstance(value, str):
        return _amount(value)
    if not isinstance(value, int) or not 0 <= value < 2**256:
        raise ValueError("not a whole number")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("not an address")
    digits = value[2:]
    # Some venues write lower case. Mixed case claims a checksum, which then has to be right.
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(value):
        raise ValueError("an address with a wrong checksum")
    return to_checksum_address(value)


def _bytes(value: object) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueError("not whole bytes in hex")
    return bytes.fromhex(value[2:])


Amount = Annotated[int, BeforeValidator(_amount)]  # base units or wei, as a string
Count = Annotated[int, BeforeValidator(_count)]  # gas or wei; venues differ in whether it is a string
ForeignAddress = Annotated[str, AfterValidator(_address)]
HexBytes = Annotated[bytes, BeforeValidator(_bytes)]


def _name(field: str) -> str:
    """camelCase; `from_` is `from`."""
    return to_camel(field.rstrip("_"))


class Answer(BaseModel):
    """What an answer has to hold, by its names in camelCase. Other fields are ignored, and nothing is converted."""

    model_config = ConfigDict(alias_generator=_name, extra="ignore", strict=True, frozen=True)


A = TypeVar("A", bound=Answer)


def parse(model: type[A], body: object, venue: str) -> A:
    """An answer's fields.

    :raises MalformedAnswer: one is missing or has another form; its value is not repeated
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(str(part) for part in fault["loc"]) or "the answer"
        raise MalformedAnswer(
            f"{venue}: {name} is not as documented ({fault['msg']}): leave this venue out until it is"
        ) from None


def verbatim(body: object, *names: str) -> object:
    """A part of an answer that `parse` has seen, untouched, to be sent back."""
    for name in names:
        assert isinstance(body, dict)
        body = body[name]
    return body
