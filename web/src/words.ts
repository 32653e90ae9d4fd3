/** What went wrong, in words: a contract's reason, a wallet's refusal, a connection that is gone. */
import { BaseError, ContractFunctionRevertedError, UserRejectedRequestError } from "viem";
import { ApiError } from "./api/client";

/** What the contracts' reasons mean for a depositor, and what to do. */
export const REASONS: Readonly<Record<string, string>> = {
  "vault: paused": "The vault is paused: minting has stopped until its owner resumes it. Redeeming works.",
  "vault: shut down": "The vault is shut down for good. Redeeming works.",
  "vault: over supply cap": "The vault takes no more than its supply cap: mint fewer shares.",
  "vault: expired": "It took too long and the deadline passed: start again.",
  "vault: zero shares": "Write an amount of shares above zero.",
  "vault: bad receiver": "Shares and assets cannot go to this receiver.",
  "vault: wrong number of amounts": "The basket has changed since the quote: look at the new one and start again.",
  "vault: amount over maximum":
    "The basket costs more than you allowed, because it changed since the quote: start again.",
  "vault: amount under minimum": "The vault would pay less than you accept, because the basket changed: start again.",
  "vault: more than supply": "There are not that many shares.",
  "basket: first mint too small": "The first mint of a vault has to be larger: mint more shares.",
  "basket: transfer failed":
    "A token refused its transfer: it may be paused, or block you or the vault; of what you pay, check your balance.",
  "basket: too little arrived": "A token of the basket moved less than it said: it cannot be minted with now.",
  "basket: nothing to claim": "There is nothing to fetch: it was fetched already.",
  "zap: expired": "It took too long and the deadline passed: start again.",
  "zap: too few shares":
    "The pools' prices moved, and it would give fewer shares than the least that you accept: look at the new quote and start again.",
  "zap: too little out":
    "The pools' prices moved, and it would pay less than the least that you accept: look at the new quote and start again.",
  "zap: a token does not move":
    "A token that would be paid out or given back does not move: it is paused, or blocks someone. Mint or redeem in kind: that redemption pays the other tokens and keeps this one for you.",
  "zap: vault without shares": "Nobody has minted yet: make the first mint in kind.",
  "executor: too little out": "A pool would give too little for one of the swaps: start again.",
  "uniswap: pool asks too much": "A pool would take more than one of the swaps gives: start again.",
  "erc20: insufficient allowance": "An approval is missing or too small: start again.",
  "erc20: transfer amount exceeds balance": "You do not hold that many shares.",
  "erc20: burn amount exceeds balance": "You do not hold that many shares.",
  "ERC20: transfer amount exceeds balance": "You hold too little of one of the tokens.",
  "ERC20: transfer amount exceeds allowance": "A token's approval is missing or too small: start again.",
};

/** Where routes swap, as people call it. */
const VENUES: Readonly<Record<string, string>> = {
  uniswap_v2: "Uniswap V2",
  uniswap_v3: "Uniswap V3",
  balancer_v2: "Balancer V2",
  curve: "Curve",
  erc4626: "ERC-4626",
  wsteth: "wstETH",
  velora: "Velora",
  kyberswap: "KyberSwap",
  openocean: "OpenOcean",
  cow: "CoW",
};

/** A venue by its name for people; one that is not known keeps its own. */
export function venueName(venue: string): string {
  return VENUES[venue] ?? venue;
}

/** A reason in words, with the bare reason behind it where there are words. */
export function reasonInWords(reason: string): string {
  const words = REASONS[reason];
  return words ? `${words} (${reason})` : `The contract refused: ${reason}`;
}

/** Whether somebody said no in the wallet. */
export function isRejected(error: unknown): boolean {
  return error instanceof BaseError && error.walk((cause) => cause instanceof UserRejectedRequestError) !== null;
}

/** One sentence or two for a person. */
export function inWords(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  if (isRejected(error)) return "You rejected it in the wallet. Nothing was sent.";
  if (error instanceof BaseError) {
    const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    if (reverted instanceof ContractFunctionRevertedError)
      return reasonInWords(reverted.reason ?? reverted.data?.errorName ?? "no reason given");
    const root = error.walk();
    if (root instanceof Error && /timed? ?out|fetch|network|disconnected/i.test(root.message))
      return "The wallet's connection to the chain does not answer. Try again in a moment.";
    return error.shortMessage;
  }
  return error instanceof Error ? error.message : String(error);
}
