# pragma version 0.4.3
"""
@title A token that misbehaves as it is told
@notice One switch per behaviour seen in real tokens. A transfer answers as `answer` says: true, false, or nothing at all.
"""


flag Answer:
    YES
    NO  # although the transfer happened, as Tether Gold
    NOTHING  # no return data, as USDT and BNB


interface Hook:
    def on_token(token: address, owner: address, receiver: address, amount: uint256): nonpayable


symbol: public(String[25])
decimals: public(uint8)
totalSupply: public(uint256)
balances: HashMap[address, uint256]
allowance: public(HashMap[address, HashMap[address, uint256]])

answer: public(Answer)
fee_bps: public(uint256)  # taken from what the receiver gets
extra_bps: public(uint256)  # taken from the sender on top of the amount
refuses_zero: public(bool)
refuses_zero_approval: public(bool)  # as BNB
does_nothing: public(bool)  # says true and moves nothing
hook: public(address)  # called after every movement, as ERC-777 does
kept_back: public(uint256)  # base units by which every movement falls short, as rebasing tokens round
is_blocked: public(bool)  # refuses every transfer, as a paused or blocking token
eats_gas: public(bool)  # a transfer burns all gas it is given
is_dead: public(bool)  # does not even tell balances


@deploy
def __init__(symbol: String[25], decimals: uint8):
    self.symbol = symbol
    self.decimals = decimals
    self.answer = Answer.YES


@external
def configure(
    answer: Answer,
    fee_bps: uint256,
    extra_bps: uint256,
    refuses_zero: bool,
    does_nothing: bool,
    hook: address,
    kept_back: uint256,
    is_blocked: bool,
    eats_gas: bool,
    is_dead: bool,
):
    self.answer = answer
    self.fee_bps = fee_bps
    self.extra_bps = extra_bps
    self.refuses_zero = refuses_zero
    self.does_nothing = does_nothing
    self.hook = hook
    self.kept_back = kept_back
    self.is_blocked = is_blocked
    self.eats_gas = eats_gas
    self.is_dead = is_dead


@external
def refuse_zero_approval():
    self.refuses_zero_approval = True


@external
@view
def balanceOf(owner: address) -> uint256:
    assert not self.is_dead, "odd: dead"
    return self.balances[owner]


@external
def mint(receiver: address, amount: uint256):
    self.totalSupply += amount
    self.balances[receiver] += amount


@external
def burn(owner: address, amount: uint256):
    """
    @notice Take tokens from anybody, as a falling rebase or a blocking issuer does
    """
    self.totalSupply -= amount
    self.balances[owner] -= amount


@external
def approve(spender: address, amount: uint256) -> bool:
    assert amount != 0 or not self.refuses_zero_approval, "odd: zero approval"
    self.allowance[msg.sender][spender] = amount
    return True


@external
@raw_return
def transfer(receiver: address, amount: uint256) -> Bytes[32]:
    self._move(msg.sender, receiver, amount)
    return self._answer()


@external
@raw_return
def transferFrom(owner: address, receiver: address, amount: uint256) -> Bytes[32]:
    if self.allowance[owner][msg.sender] != max_value(uint256):
        assert self.allowance[owner][msg.sender] >= amount, "token: allowance too low"
        self.allowance[owner][msg.sender] -= amount
    self._move(owner, receiver, amount)
    return self._answer()


@internal
def _move(owner: address, receiver: address, amount: uint256):
    assert amount != 0 or not self.refuses_zero, "odd: zero transfer"
    assert not self.is_blocked, "odd: blocked"
    if self.eats_gas:
        for i: uint256 in range(10**7):
            self.kept_back = self.kept_back
    if self.does_nothing:
        return
    moved: uint256 = amount - self.kept_back
    self.balances[owner] -= moved + amount * self.extra_bps // 10_000
    self.balances[receiver] += moved - amount * self.fee_bps // 10_000
    if self.hook != empty(address):
        extcall Hook(self.hook).on_token(self, owner, receiver, amount)


@internal
@view
def _answer() -> Bytes[32]:
    if self.answer == Answer.YES:
        return abi_encode(True)
    if self.answer == Answer.NO:
        return abi_encode(False)
    return b""
