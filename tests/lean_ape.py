"""Ape without what it does for people at a prompt and tests do without: two thirds of its requests, half of the suite's time.

What it sends, the receipts and what it makes of a revert stay as they are.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partialmethod
from typing import Any
from unittest.mock import patch

import ape_ethereum.provider
from ape.api.transactions import ReceiptAPI
from ape.contracts.base import ContractMethodHandler
from ape_foundry.provider import FoundryProvider
from web3.eth import Eth

from devnet import anvil

_EAGER = {"poll_latency": 0.002}  # s, in place of 0.1


@contextmanager
def lean(*, records_steps: bool) -> Iterator[None]:
    """Ape's own node and what ape asks of it, made light.

    :param records_steps: whether the node keeps the steps of each transaction, for whoever traces them
    """
    with ExitStack() as stack:
        for change in (
            patch.object(FoundryProvider, "build_command", _command(records_steps=records_steps)),
            patch.object(FoundryProvider, "settings", property(_settings())),
            # Of the node and the same all along; ape asks for each again with every transaction.
            patch.object(FoundryProvider, "max_gas", _kept("max_gas")),
            patch.object(FoundryProvider, "priority_fee", _kept("priority_fee")),
            # It traces every transaction for what Solidity's console.log wrote.
            patch.object(ape_ethereum.provider, "_post_send_transaction", _nothing),
            # Every address that tests call has code, or the call says so.
            patch.object(ContractMethodHandler, "_validate_is_contract", _nothing),
            # The receipt is there, so the nonce is.
            patch.object(ReceiptAPI, "_await_sender_nonce_increment", _nothing),
            # Anvil mines at once, and not before it answers: a receipt that is asked for too early is waited for.
            patch.object(
                Eth, "wait_for_transaction_receipt", partialmethod(Eth.wait_for_transaction_receipt, **_EAGER)
            ),
        ):
            stack.enter_context(change)
        yield


def _nothing(*_: Any) -> None:
    pass


def _command(*, records_steps: bool) -> Any:
    """Anvil without old blocks, which it keeps on disk, and without steps."""
    command, unwanted = FoundryProvider.build_command, () if records_steps else ("--steps-tracing",)

    def lighter(self: Any) -> list[str]:
        return [word for word in command(self) if word not in unwanted] + [*anvil.SHORT_MEMORY]

    return lighter


def _settings() -> Any:
    """Ape validates its settings anew for every request, which takes longer than the request."""
    getter, known = FoundryProvider.settings.fget, {}

    def settings(self: Any) -> Any:
        key = id(self), repr(self.provider_settings)
        if key not in known:
            known[key] = self, getter(self)  # kept, so that no other gets its id
        return known[key][1]

    return settings


def _kept(name: str) -> property:
    """A property that is asked for once."""
    getter, known = getattr(FoundryProvider, name).fget, {}

    def kept(self: Any) -> Any:
        if id(self) not in known:
            known[id(self)] = self, getter(self)
        return known[id(self)][1]

    return property(kept)
