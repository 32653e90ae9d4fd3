/** The functions that the page calls: the vault's, the zap's, and ERC-20's. */

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
  {
    type: "function",
    name: "claim",
    stateMutability: "nonpayable",
    inputs: [
      { name: "asset", type: "address" },
      { name: "receiver", type: "address" },
    ],
    outputs: [{ name: "", type: uint256 }],
  },
] as const;

const swaps = [
  {
    name: "operations",
    type: "tuple[]",
    components: [
      { name: "venue", type: uint256 },
      { name: "pool", type: "address" },
      { name: "token_in", type: "address" },
      { name: "token_out", type: "address" },
      { name: "fee", type: uint256 },
      { name: "share", type: uint256 },
    ],
  },
  {
    name: "calls",
    type: "tuple[]",
    components: [
      { name: "least_out", type: uint256 },
      { name: "data", type: "bytes" },
    ],
  },
  { name: "deadline", type: uint256 },
  {
    name: "permit",
    type: "tuple",
    components: [
      { name: "means", type: uint256 },
      { name: "amount", type: uint256 },
      { name: "nonce", type: uint256 },
      { name: "deadline", type: uint256 },
      { name: "v", type: "uint8" },
      { name: "r", type: "bytes32" },
      { name: "s", type: "bytes32" },
    ],
  },
] as const;

export const zapAbi = [
  {
    type: "function",
    name: "zap_mint",
    stateMutability: "payable",
    inputs: [
      { name: "vault", type: "address" },
      { name: "token_in", type: "address" },
      { name: "amount_in", type: uint256 },
      { name: "min_shares", type: uint256 },
      ...swaps,
    ],
    outputs: [{ name: "", type: uint256 }],
  },
  {
    type: "function",
    name: "zap_redeem",
    stateMutability: "nonpayable",
    inputs: [
      { name: "vault", type: "address" },
      { name: "shares", type: uint256 },
      { name: "token_out", type: "address" },
      { name: "min_out", type: uint256 },
      ...swaps,
    ],
    outputs: [{ name: "", type: uint256 }],
  },
  {
    type: "event",
    name: "ZapMint",
    inputs: [
      { name: "caller", type: "address", indexed: true },
      { name: "vault", type: "address", indexed: true },
      { name: "token_in", type: "address", indexed: true },
      { name: "amount_in", type: uint256 },
      { name: "came", type: uint256 },
    ],
  },
  {
    type: "event",
    name: "ZapRedeem",
    inputs: [
      { name: "caller", type: "address", indexed: true },
      { name: "vault", type: "address", indexed: true },
      { name: "token_out", type: "address", indexed: true },
      { name: "shares", type: uint256 },
      { name: "came", type: uint256 },
    ],
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
