/** The functions that the page calls: the vault's, and ERC-20's. */

const uint256 = "uint256";

export const vaultAbi = [
  {
    type: "function",
    name: "mint",
    stateMutability: "nonpayable",
    inputs: [
      { name: "shares", type: uint256 },
      { name: "receiver", type: "address" },
      { name: "max_amounts", type: "uint256[]" },
      { name: "deadline", type: uint256 },
    ],
    outputs: [{ name: "", type: "uint256[]" }],
  },
  {
    type: "function",
    name: "redeem",
    stateMutability: "nonpayable",
    inputs: [
      { name: "shares", type: uint256 },
      { name: "receiver", type: "address" },
      { name: "min_amounts", type: "uint256[]" },
      { name: "deadline", type: uint256 },
    ],
    outputs: [{ name: "", type: "uint256[]" }],
  },
] as const;

export const tokenAbi = [
  // Without what it returns: some tokens return nothing.
  {
    type: "function",
    name: "approve",
    stateMutability: "nonpayable",
    inputs: [
      { name: "spender", type: "address" },
      { name: "amount", type: uint256 },
    ],
    outputs: [],
  },
  {
    type: "function",
    name: "balanceOf",
    stateMutability: "view",
    inputs: [{ name: "owner", type: "address" }],
    outputs: [{ name: "", type: uint256 }],
  },
  {
    type: "function",
    name: "allowance",
    stateMutability: "view",
    inputs: [
      { name: "owner", type: "address" },
      { name: "spender", type: "address" },
    ],
    outputs: [{ name: "", type: uint256 }],
  },
] as const;
