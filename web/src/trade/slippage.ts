/** How much worse than quoted a trade may come, in basis points, and what that makes of amounts. Pure. */
import { parseDecimal } from "../format";

/** Of which one is chosen at first: room for a rebalance in between, and for pools that move a little. */
export const CHOICES = [10, 50, 100] as const;
export const USUAL = 50;
/** The server takes no more. */
const MOST = 2_000;
/** From here on it is a warning. */
const LARGE = 200;

const BPS = 10_000n;

/** The least that is accepted of what was quoted, rounded up: it protects whoever signs. */
export function atLeast(quoted: bigint, bps: number): bigint {
  return (quoted * (BPS - BigInt(bps)) + BPS - 1n) / BPS;
}

/** The most that is paid of what was quoted, rounded down: it protects whoever signs. */
export function atMost(quoted: bigint, bps: number): bigint {
  return (quoted * (BPS + BigInt(bps))) / BPS;
}

/**
 * What a person typed as a percentage, in basis points.
 *
 * @throws Error with a sentence for the person
 */
export function parseSlippage(text: string): number {
  const bps = parseDecimal(text, 2);
  if (bps > BigInt(MOST)) throw new Error(`Write no more than ${percentOf(MOST)}.`);
  return Number(bps);
}

export function percentOf(bps: number): string {
  return `${bps / 100}%`;
}

/** What it may cost to leave so much room, in words; null where that is little. */
export function warningOf(bps: number): string | null {
  return bps > LARGE
    ? `Whoever trades right before you can make it ${percentOf(bps)} worse and keep that. Leave so much only where pools move fast.`
    : null;
}
