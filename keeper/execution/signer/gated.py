"""A signer that asks, right before it signs, whether anything may be signed: replacements and cancellations too."""

from collections.abc import Callable

from keeper.execution.eip1559 import Transaction
from keeper.execution.signer.interface import Signed, Signer


class GatedSigner:
    """Signs while the gate lets it.

    :param refuse: raises ActingRefused while nothing may be signed
    """

    def __init__(self, signer: Signer, refuse: Callable[[], None]):
        self._signer = signer
        self._refuse = refuse

    @property
    def address(self) -> str:
        """Checksum address of the account."""
        return self._signer.address

    def sign(self, transaction: Transaction) -> Signed:
        """As the signer behind it.

        :raises ActingRefused: the kill switch is on, or a breaker is open for the account
        :raises SignerError: as the signer behind it
        """
        self._refuse()
        return self._signer.sign(transaction)
