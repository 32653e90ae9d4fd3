/**
 * How the server writes numbers and names tokens. This folder alone knows the shapes of /api/v1, a file for each subject.
 *
 * Amounts are base units, USD and ratios WAD, all bigint; times are unix seconds.
 */

export type Address = `0x${string}`;

export interface Token {
  /** Null for the chain's coin. */
  address: Address | null;
  symbol: string;
  decimals: number;
}

export type Text = string;

export type MaybeText = string | null;

export function maybe(text: MaybeText): bigint | null {
  return text === null ? null : BigInt(text);
}
