"""How routes come by the site that they serve, and by the vault that they are asked about."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from keeper.api.chains import Chain, Site
from keeper.api.conditional import mark
from keeper.api.inputs import ChainId, VaultAddress
from keeper.chain.snapshot import Block


def _site(request: Request) -> Site:
    found: Site = request.app.state.site
    return found


Served = Annotated[Site, Depends(_site)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request about a vault, and the answer's headers."""

    chain: Chain
    vault: str
    request: Request
    response: Response

    @property
    def chain_id(self) -> int:
        """Of the vault's chain."""
        return self.chain.settings.chain_id

    def mark(self, block: Block, *, private: bool = False) -> None:
        """Say that the answer is of a block. Parameters and errors as `conditional.mark`."""
        mark(self.request, self.response, (self.chain, block), private=private)

    def forget(self) -> None:
        """Say that nobody is to keep the answer."""
        self.response.headers["Cache-Control"] = "no-store"


def _asked(
    site: Served, request: Request, response: Response, address: VaultAddress, chain_id: ChainId = None
) -> Asked:
    return Asked(site.of(address, chain_id), address, request, response)


OneVault = Annotated[Asked, Depends(_asked)]
