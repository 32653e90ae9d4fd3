/** The functions that the page calls: the vault's, the zap's, and ERC-20's. */
import { parseAbi } from "viem";

export const vaultAbi = parseAbi([
  "function mint(uint256 shares, address receiver, uint256[] max_amounts, uint256 deadline) returns (uint256[])",
  "function redeem(uint256 shares, address receiver, uint256[] min_amounts, uint256 deadline) returns (uint256[])",
  "function claim(address asset, address receiver) returns (uint256)",
]);

export const zapAbi = parseAbi([
  "struct Operation { uint256 venue; address pool; address token_in; address token_out; uint256 fee; uint256 share; }",
  "struct Call { uint256 least_out; bytes data; }",
  "struct Permit { uint256 means; uint256 amount; uint256 nonce; uint256 deadline; uint8 v; bytes32 r; bytes32 s; }",
  "function zap_mint(address vault, address token_in, uint256 amount_in, uint256 min_shares, Operation[] operations, Call[] calls, uint256 deadline, Permit permit) payable returns (uint256)",
  "function zap_redeem(address vault, uint256 shares, address token_out, uint256 min_out, Operation[] operations, Call[] calls, uint256 deadline, Permit permit) returns (uint256)",
  "event ZapMint(address indexed caller, address indexed vault, address indexed token_in, uint256 amount_in, uint256 came)",
  "event ZapRedeem(address indexed caller, address indexed vault, address indexed token_out, uint256 shares, uint256 came)",
]);

export const tokenAbi = parseAbi([
  // Without what it returns: some tokens return nothing.
  "function approve(address spender, uint256 amount)",
  "function balanceOf(address owner) view returns (uint256)",
  "function allowance(address owner, address spender) view returns (uint256)",
]);
