// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.26;

// Stand-ins for tokens whose bytecode no package carries. Each keeps the manners of the real one that an integrator meets:
// what it returns, when it reverts, who can stop it. Owner functions exist so that tests can use those powers.

/// The common ground: an ERC-20 that reverts on failure and returns true. Also stands for BAL and sUSD.
contract PlainToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint256 public totalSupply;
    address public owner;
    string public name;
    string public symbol;
    uint8 public immutable decimals;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    modifier onlyOwner() {
        require(msg.sender == owner, "owner only");
        _;
    }

    constructor(string memory name_, string memory symbol_, uint8 decimals_, address owner_) {
        (name, symbol, decimals, owner) = (name_, symbol_, decimals_, owner_);
    }

    function approve(address spender, uint256 value) external virtual returns (bool) {
        _approve(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _transfer(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        _spend(from, value);
        _transfer(from, to, value);
        return true;
    }

    function mint(address to, uint256 value) external onlyOwner returns (bool) {
        _mint(to, value);
        return true;
    }

    function burn(uint256 value) external {
        _burn(msg.sender, value);
    }

    function _approve(address holder, address spender, uint256 value) internal {
        allowance[holder][spender] = value;
        emit Approval(holder, spender, value);
    }

    function _spend(address from, uint256 value) internal virtual {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed == type(uint256).max) return;
        require(allowed >= value, "allowance too low");
        allowance[from][msg.sender] = allowed - value;
    }

    function _transfer(address from, address to, uint256 value) internal virtual {
        require(to != address(0), "to the zero address");
        require(balanceOf[from] >= value, "balance too low");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }

    function _mint(address to, uint256 value) internal {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function _burn(address from, uint256 value) internal {
        require(balanceOf[from] >= value, "balance too low");
        balanceOf[from] -= value;
        totalSupply -= value;
        emit Transfer(from, address(0), value);
    }
}

/// WBTC: pausable by its owner; an allowance is always spent down, the largest one too.
contract WrappedBitcoin is PlainToken {
    bool public paused;

    constructor(address owner_) PlainToken("Wrapped BTC", "WBTC", 8, owner_) {}

    function pause() external onlyOwner {
        paused = true;
    }

    function unpause() external onlyOwner {
        paused = false;
    }

    function _spend(address from, uint256 value) internal override {
        require(allowance[from][msg.sender] >= value);
        allowance[from][msg.sender] -= value;
    }

    function _transfer(address from, address to, uint256 value) internal override {
        require(!paused);
        super._transfer(from, to, value);
    }
}

/// USDT: returns nothing, refuses to change a non-zero allowance, can charge a fee, be paused, and freeze or wipe an account.
/// Balances and allowances lie in mainnet's storage slots (2 and 5).
contract Tether {
    address public owner; // slot 0
    bool public paused; // slot 0
    uint256 public totalSupply; // slot 1
    mapping(address => uint256) public balanceOf; // slot 2
    uint256 public basisPointsRate; // slot 3
    uint256 public maximumFee; // slot 4
    mapping(address => mapping(address => uint256)) public allowance; // slot 5
    mapping(address => bool) public isBlackListed; // slot 6
    string public name = "Tether USD"; // slot 7
    string public symbol = "USDT"; // slot 8
    uint256 public decimals = 6; // slot 9

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Issue(uint256 amount);
    event DestroyedBlackFunds(address account, uint256 balance);

    modifier onlyOwner() {
        require(msg.sender == owner);
        _;
    }

    constructor(address owner_) {
        owner = owner_;
    }

    function approve(address spender, uint256 value) external {
        require(value == 0 || allowance[msg.sender][spender] == 0);
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
    }

    function transfer(address to, uint256 value) external {
        _transfer(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < type(uint256).max) allowance[from][msg.sender] = allowed - value;
        _transfer(from, to, value);
    }

    function issue(uint256 amount) external onlyOwner {
        totalSupply += amount;
        balanceOf[owner] += amount;
        emit Issue(amount);
    }

    function setParams(uint256 basisPoints, uint256 maximum) external onlyOwner {
        require(basisPoints < 20 && maximum < 50);
        basisPointsRate = basisPoints;
        maximumFee = maximum * 10 ** decimals;
    }

    function pause() external onlyOwner {
        paused = true;
    }

    function unpause() external onlyOwner {
        paused = false;
    }

    function addBlackList(address account) external onlyOwner {
        isBlackListed[account] = true;
    }

    function removeBlackList(address account) external onlyOwner {
        isBlackListed[account] = false;
    }

    function destroyBlackFunds(address account) external onlyOwner {
        require(isBlackListed[account]);
        uint256 wiped = balanceOf[account];
        balanceOf[account] = 0;
        totalSupply -= wiped;
        emit DestroyedBlackFunds(account, wiped);
    }

    function _transfer(address from, address to, uint256 value) private {
        require(!paused && !isBlackListed[from]);
        uint256 fee = (value * basisPointsRate) / 10_000;
        if (fee > maximumFee) fee = maximumFee;
        balanceOf[from] -= value;
        balanceOf[to] += value - fee;
        if (fee > 0) {
            balanceOf[owner] += fee;
            emit Transfer(from, owner, fee);
        }
        emit Transfer(from, to, value - fee);
    }
}

/// MKR: name and symbol are bytes32, a holder needs no allowance to move its own, and its owner can stop it.
contract MakerToken {
    bytes32 public constant name = "Maker";
    bytes32 public constant symbol = "MKR";
    uint256 public constant decimals = 18;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint256 public totalSupply;
    address public owner;
    bool public stopped;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Mint(address indexed account, uint256 value);
    event Burn(address indexed account, uint256 value);

    modifier onlyOwner() {
        require(msg.sender == owner);
        _;
    }

    modifier stoppable() {
        require(!stopped);
        _;
    }

    constructor(address owner_) {
        owner = owner_;
    }

    function approve(address spender, uint256 value) external stoppable returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return transferFrom(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) public stoppable returns (bool) {
        if (from != msg.sender && allowance[from][msg.sender] != type(uint256).max) allowance[from][msg.sender] -= value;
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }

    function mint(address to, uint256 value) external onlyOwner stoppable {
        balanceOf[to] += value;
        totalSupply += value;
        emit Mint(to, value);
    }

    function burn(uint256 value) external stoppable {
        balanceOf[msg.sender] -= value;
        totalSupply -= value;
        emit Burn(msg.sender, value);
    }

    function stop() external onlyOwner {
        stopped = true;
    }

    function start() external onlyOwner {
        stopped = false;
    }
}

/// LDO: a transfer that cannot be paid returns false and does not revert; a non-zero allowance must pass through zero.
contract LidoToken {
    string public constant name = "Lido DAO Token";
    string public constant symbol = "LDO";
    uint8 public constant decimals = 18;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint256 public totalSupply;
    address public owner;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(address owner_) {
        owner = owner_;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        require(value == 0 || allowance[msg.sender][spender] == 0);
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return _transfer(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        if (allowance[from][msg.sender] < value) return false;
        allowance[from][msg.sender] -= value;
        return _transfer(from, to, value);
    }

    function mint(address to, uint256 value) external {
        require(msg.sender == owner);
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function _transfer(address from, address to, uint256 value) private returns (bool) {
        require(to != address(0) && to != address(this));
        if (balanceOf[from] < value) return false;
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }
}
