"""What can go wrong between the keeper and its chain.

ChainError
├── TransientError    the endpoint may answer the same question well in a moment; reads are retried
│   ├── BlockMissing  it does not have the block that was asked for, yet or no more
│   └── Reorged       the block that was asked for is no longer part of the chain: start over from the head
├── RpcError          the endpoint answered with an error
└── NoQuorum          too few endpoints agree: nothing is decided on what fewer say
TransactionError
└── Reverted          a call ran and reverted: its return data is kept
"""

from keeper.errors import ChainError, TransactionError


class TransientError(ChainError):
    """The endpoint may answer the same question well in a moment.

    :param wait_s: how long the endpoint is to be left alone before
    """

    def __init__(self, message: str, wait_s: float = 0.0):
        super().__init__(message)
        self.wait_s = wait_s


class BlockMissing(TransientError):
    """The endpoint does not have the block that was asked for."""


class Reorged(TransientError):
    """The block that was asked for is no longer part of the chain."""


class RpcError(ChainError):
    """The endpoint answered with an error."""

    def __init__(self, message: str, code: int, data: object):
        super().__init__(message)
        self.code = code
        self.data = data


class NoQuorum(ChainError):
    """Fewer endpoints than the quorum gave the same answer.

    :param may_pass: whether it may be otherwise in a moment: some did not answer, or not about the same block
    """

    def __init__(self, message: str, may_pass: bool = False):
        super().__init__(message)
        self.may_pass = may_pass


class Reverted(TransactionError):
    """A call ran and reverted; `data` is what it returned."""

    def __init__(self, data: bytes, message: str = ""):
        super().__init__(message or "the call reverted")
        self.data = data
