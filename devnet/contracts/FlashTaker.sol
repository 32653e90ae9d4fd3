// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.26;

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
    function approve(address spender, uint256 value) external returns (bool);
}

interface IBalancerVault {
    function flashLoan(address receiver, address[] calldata tokens, uint256[] calldata amounts, bytes calldata data) external;
}

interface IAavePool {
    function flashLoanSimple(address receiver, address asset, uint256 amount, bytes calldata data, uint16 referral) external;
}

interface IMorpho {
    function flashLoan(address token, uint256 amount, bytes calldata data) external;
}

/// Borrows from each lender, notes the amount and pays back in the same transaction. `verify` deploys one for its own use.
contract FlashTaker {
    uint256 public borrowed;

    function takeFromBalancer(address vault, address token, uint256 amount) external {
        address[] memory tokens = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (tokens[0], amounts[0]) = (token, amount);
        IBalancerVault(vault).flashLoan(address(this), tokens, amounts, "");
    }

    function receiveFlashLoan(address[] memory tokens, uint256[] memory amounts, uint256[] memory fees, bytes memory) external {
        borrowed = amounts[0];
        IToken(tokens[0]).transfer(msg.sender, amounts[0] + fees[0]);
    }

    function takeFromAave(address pool, address token, uint256 amount) external {
        IAavePool(pool).flashLoanSimple(address(this), token, amount, "", 0);
    }

    function executeOperation(address asset, uint256 amount, uint256 fee, address, bytes calldata) external returns (bool) {
        borrowed = amount;
        IToken(asset).approve(msg.sender, amount + fee);
        return true;
    }

    function takeFromMorpho(address morpho, address token, uint256 amount) external {
        IMorpho(morpho).flashLoan(token, amount, abi.encode(token));
    }

    function onMorphoFlashLoan(uint256 amount, bytes calldata data) external {
        borrowed = amount;
        IToken(abi.decode(data, (address))).approve(msg.sender, amount);
    }
}
