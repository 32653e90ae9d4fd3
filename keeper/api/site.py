"""How routes come by the site that they serve."""

from typing import Annotated

from fastapi import Depends, Request

from keeper.api.chains import Site


def _site(request: Request) -> Site:
    found: Site = request.app.state.site
    return found


Served = Annotated[Site, Depends(_site)]
