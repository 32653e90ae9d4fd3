// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.26;

import {PlainToken} from "Tokens.sol";

/// stETH: balances are shares of a pot whose size the owner sets, so that they change without a transfer, and an amount that
/// is sent may arrive a wei or two short.
contract StakedEther {
    string public constant name = "Liquid staked Ether 2.0";
    string public constant symbol = "stETH";
    uint8 public constant decimals = 18;
    mapping(address => uint256) public sharesOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint256 public getTotalShares;
    uint256 public getTotalPooledEther;
    address public owner;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event TransferShares(address indexed from, address indexed to, uint256 shares);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(address owner_) {
        owner = owner_;
    }

    receive() external payable {
        _submit();
    }

    function submit(address) external payable returns (uint256) {
        return _submit();
    }

    /// Stands for the oracle's daily report: `pooled` is the new total in wei.
    function rebase(uint256 pooled) external {
        require(msg.sender == owner, "owner only");
        getTotalPooledEther = pooled;
    }

    function totalSupply() external view returns (uint256) {
        return getTotalPooledEther;
    }

    function balanceOf(address account) external view returns (uint256) {
        return getPooledEthByShares(sharesOf[account]);
    }

    function getSharesByPooledEth(uint256 amount) public view returns (uint256) {
        return getTotalPooledEther == 0 ? amount : (amount * getTotalShares) / getTotalPooledEther;
    }

    function getPooledEthByShares(uint256 shares) public view returns (uint256) {
        return getTotalShares == 0 ? shares : (shares * getTotalPooledEther) / getTotalShares;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _transferShares(msg.sender, to, getSharesByPooledEth(value), value);
        return true;
    }

    function transferShares(address to, uint256 shares) external returns (uint256 value) {
        value = getPooledEthByShares(shares);
        _transferShares(msg.sender, to, shares, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            require(allowed >= value, "ALLOWANCE_EXCEEDED");
            allowance[from][msg.sender] = allowed - value;
        }
        _transferShares(from, to, getSharesByPooledEth(value), value);
        return true;
    }

    function _submit() private returns (uint256 shares) {
        require(msg.value != 0, "ZERO_DEPOSIT");
        shares = getSharesByPooledEth(msg.value);
        getTotalShares += shares;
        getTotalPooledEther += msg.value;
        sharesOf[msg.sender] += shares;
        emit Transfer(address(0), msg.sender, msg.value);
        emit TransferShares(address(0), msg.sender, shares);
    }

    function _transferShares(address from, address to, uint256 shares, uint256 value) private {
        require(to != address(0) && to != address(this), "TRANSFER_TO_INVALID");
        require(sharesOf[from] >= shares, "BALANCE_EXCEEDED");
        sharesOf[from] -= shares;
        sharesOf[to] += shares;
        emit Transfer(from, to, value);
        emit TransferShares(from, to, shares);
    }
}

/// wstETH: one share of stETH as an ERC-20 with ERC-2612 permit; its rate grows, its balances do not.
contract WrappedStakedEther is PlainToken {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    StakedEther public immutable stETH;
    bytes32 public immutable DOMAIN_SEPARATOR;
    mapping(address => uint256) public nonces;

    constructor(address payable stETH_) PlainToken("Wrapped liquid staked Ether 2.0", "wstETH", 18, address(0)) {
        stETH = StakedEther(stETH_);
        DOMAIN_SEPARATOR = keccak256(
            abi.encode(DOMAIN, keccak256("Wrapped liquid staked Ether 2.0"), keccak256("1"), block.chainid, address(this))
        );
    }

    receive() external payable {
        _mint(msg.sender, stETH.submit{value: msg.value}(address(0)));
    }

    function wrap(uint256 amount) external returns (uint256 shares) {
        require(amount > 0, "wstETH: can't wrap zero stETH");
        shares = stETH.getSharesByPooledEth(amount);
        _mint(msg.sender, shares);
        stETH.transferFrom(msg.sender, address(this), amount);
    }

    function unwrap(uint256 shares) external returns (uint256 amount) {
        require(shares > 0, "wstETH: zero amount unwrap not allowed");
        amount = stETH.getPooledEthByShares(shares);
        _burn(msg.sender, shares);
        stETH.transfer(msg.sender, amount);
    }

    function getWstETHByStETH(uint256 amount) external view returns (uint256) {
        return stETH.getSharesByPooledEth(amount);
    }

    function getStETHByWstETH(uint256 shares) external view returns (uint256) {
        return stETH.getPooledEthByShares(shares);
    }

    function stEthPerToken() external view returns (uint256) {
        return stETH.getPooledEthByShares(1 ether);
    }

    function tokensPerStEth() external view returns (uint256) {
        return stETH.getSharesByPooledEth(1 ether);
    }

    function permit(address holder, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        require(block.timestamp <= deadline, "ERC20Permit: expired deadline");
        bytes32 request = keccak256(abi.encode(PERMIT, holder, spender, value, nonces[holder]++, deadline));
        address signer = ecrecover(keccak256(abi.encodePacked("\x19\x01", DOMAIN_SEPARATOR, request)), v, r, s);
        require(signer != address(0) && signer == holder, "ERC20Permit: invalid signature");
        _approve(holder, spender, value);
    }
}
