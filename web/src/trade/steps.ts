/** From a quote and what is already allowed to the transactions that a wallet has to sign. Pure. */
import type { Address } from "../api";

/** An amount of a basket's asset, base units. */
export interface Part {
  address: Address;
  symbol: string;
  decimals: number;
  amount: bigint;
}

export type Step =
  // `allowed` is what the token allows already: too little.
  | { kind: "approve"; title: string; token: Address; spender: Address; amount: bigint; allowed: bigint }
  | { kind: "mint" | "redeem"; title: string; vault: Address; shares: bigint; receiver: Address; limits: bigint[] };

export const TOLERANCE_BPS = 50n;
/** Seconds from the first signature to the last moment at which the vault accepts. */
export const DEADLINE_S = 1_200n;

/** The most that is paid of an asset: the quote and the tolerance, rounded up. */
export function atMost(amount: bigint): bigint {
  return amount + (amount * TOLERANCE_BPS + 9_999n) / 10_000n;
}

/** The least that is accepted of an asset: the quote less the tolerance, rounded down. */
export function atLeast(amount: bigint): bigint {
  return amount - (amount * TOLERANCE_BPS + 9_999n) / 10_000n;
}

/** Approvals that are missing, each for what may be taken at most, then the mint. */
export function mintSteps(
  vault: Address,
  receiver: Address,
  shares: bigint,
  parts: readonly Part[],
  allowances: readonly bigint[],
  label: string,
): Step[] {
  const steps: Step[] = [];
  parts.forEach((part, index) => {
    const allowed = allowances[index] ?? 0n;
    const most = atMost(part.amount);
    if (allowed >= most) return;
    const title = `Approve ${part.symbol}`;
    steps.push({ kind: "approve", title, token: part.address, spender: vault, amount: most, allowed });
  });
  const limits = parts.map((part) => atMost(part.amount));
  steps.push({ kind: "mint", title: `Mint ${label}`, vault, shares, receiver, limits });
  return steps;
}

export function redeemSteps(
  vault: Address,
  receiver: Address,
  shares: bigint,
  parts: readonly Part[],
  label: string,
): Step[] {
  return [
    {
      kind: "redeem",
      title: `Redeem ${label}`,
      vault,
      shares,
      receiver,
      limits: parts.map((part) => atLeast(part.amount)),
    },
  ];
}
