/** From a quote and what is already allowed to the transactions that a wallet has to sign. Pure. */
import type { Address, Part } from "../api";

export type Step =
  // `allowed` is what the token allows already: too little.
  | { kind: "approve"; title: string; token: Address; spender: Address; amount: bigint; allowed: bigint }
  | { kind: "mint" | "redeem"; title: string; vault: Address; shares: bigint; receiver: Address; limits: bigint[] };

/** Seconds from the first signature to the last moment at which the vault accepts. */
export const DEADLINE_S = 1_200n;

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
    if (allowed >= part.limit) return;
    const title = `Approve ${part.symbol}`;
    steps.push({ kind: "approve", title, token: part.address, spender: vault, amount: part.limit, allowed });
  });
  const limits = parts.map((part) => part.limit);
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
      limits: parts.map((part) => part.limit),
    },
  ];
}
