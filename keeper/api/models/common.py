"""What the shapes have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ADDRESS = r"^0x[0-9a-fA-F]{40}$"
Address = Annotated[str, Field(pattern=ADDRESS, examples=["0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"])]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,78}$", description="Base units.", examples=["1500000000000000000"])]
Wad = Annotated[str, Field(pattern=r"^-?[0-9]{1,96}$", description="WAD: 1e18 is 1.", examples=["1000000000000000000"])]
Hash = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{64}$")]
Hex = Annotated[str, Field(pattern=r"^0x([0-9a-fA-F]{2})*$")]
Time = Annotated[int, Field(ge=0, description="Unix seconds.")]
Seconds = Annotated[int, Field(ge=0)]


class Shape(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(frozen=True)


class Block(Shape):
    """The block that an answer is of."""

    number: int
    hash: str
    time: Time
