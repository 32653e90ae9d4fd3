# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Creation code that is too long for one contract, kept in two
@license GNU Affero General Public License v3.0 only
@notice A contract holds 24,576 bytes of code; the creation code of a vault is longer. It is cut in a head and a tail, each kept as an
        ERC-5202 blueprint is: the preamble 0xFE7100, which makes calls fail, and then the code. The tail is filled up with zeros.
@dev Holds no authority. Head and tail have no way to change, so neither has what is created.
"""
PREAMBLE: constant(Bytes[3]) = x"FE7100"  # ERC-5202, version 0, no further data
MAX_TAIL: constant(uint256) = 6_144  # bytes
MAX_ARGUMENTS: constant(uint256) = 4_096  # bytes, ABI-encoded

HEAD: immutable(address)
TAIL: immutable(address)
TAIL_SIZE: immutable(uint256)


@deploy
def __init__(head: address, tail: address, tail_size: uint256):
    """
    @param head Where the start of the creation code is kept
    @param tail Where the rest is, filled up to 6,144 bytes
    @param tail_size Bytes of the tail that are code
    """
    assert tail_size <= MAX_TAIL, "blueprint: bad size"
    assert head.codesize > 3 and slice(head.code, 0, 3) == PREAMBLE, "blueprint: bad head"
    assert tail.codesize == MAX_TAIL + 3 and slice(tail.code, 0, 3) == PREAMBLE, "blueprint: bad tail"
    HEAD = head
    TAIL = tail
    TAIL_SIZE = tail_size


@internal
def _create(arguments: Bytes[MAX_ARGUMENTS], salt: bytes32) -> address:
    """
    @notice Create a contract with CREATE2; its own revert goes through
    @dev What follows the head as raw arguments is the tail and then the true arguments.
    @param arguments Of the constructor, ABI-encoded
    """
    return create_from_blueprint(
        HEAD,
        concat(slice(slice(TAIL.code, 3, MAX_TAIL), 0, TAIL_SIZE), arguments),
        raw_args=True,
        salt=salt,
        code_offset=3,
    )
