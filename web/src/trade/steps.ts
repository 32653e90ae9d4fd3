/** From a quote and what is already allowed to the transactions that a wallet has to sign. Pure. */
import type { Part } from "../api/in-kind";
import type { Address } from "../api/wire";
import type { PermitOffer } from "../api/zaps";
import type { Permission } from "./permit";
import type { Operation, ZapOrder } from "./zap";

/** What is taken at most, or paid at least. */
export type LimitedPart = Part & { limit: bigint };

export type Step =
  // `allowed` is what the token allows already: too little.
  | { kind: "approve"; title: string; token: Address; spender: Address; amount: bigint; allowed: bigint }
  // Signed and not sent: what it allows comes along with the zap.
  | { kind: "permit"; title: string; permission: Permission }
  | { kind: "mint" | "redeem"; title: string; vault: Address; shares: bigint; receiver: Address; limits: bigint[] }
  | { kind: "zap"; title: string; order: ZapOrder; least: bigint; swaps: readonly Operation[] }
  | { kind: "claim"; title: string; vault: Address; asset: Address; receiver: Address };

/** Seconds from the first signature to the last moment at which the vault accepts. */
export const DEADLINE_S = 1_200n;

/** Approvals that are missing, each for what may be taken at most, then the mint. */
export function mintSteps(
  vault: Address,
  receiver: Address,
  shares: bigint,
  parts: readonly LimitedPart[],
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
  parts: readonly LimitedPart[],
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

/** The approval that is missing, for what is given and not more, then the zap. With an offer a permission is signed in its place. */
export function zapSteps(
  order: ZapOrder,
  least: bigint,
  swaps: readonly Operation[],
  given: { address: Address | null; symbol: string },
  allowed: bigint,
  title: string,
  offer: PermitOffer | null,
): Step[] {
  const { zap: spender, amount } = order;
  const last: Step = { kind: "zap", title, order, least, swaps };
  if (given.address === null || allowed >= amount) return [last];
  const what = { token: given.address, spender, amount };
  return offer
    ? [{ kind: "permit", title: "Sign a permission", permission: { offer, ...what } }, last]
    : [{ kind: "approve", title: `Approve ${given.symbol}`, ...what, allowed }, last];
}
