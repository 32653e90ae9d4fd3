/** Amounts and shares as people read them. Every figure comes from integers: no float is made on the way. */
import { formatUnits } from "viem";

export const WAD = 10n ** 18n;
export const CENT = WAD / 100n;
type Rounding = "floor" | "ceil" | "halfExpand";

const locale = "en";

/** The exact decimal, as `Intl` takes it without a float. */
function decimal(amount: bigint, decimals: number): Intl.StringNumericLiteral {
  return formatUnits(amount, decimals) as Intl.StringNumericLiteral;
}

/** Whole tokens: six fraction digits below a thousand, two above. What is paid is rounded up, what is had down. */
export function tokens(amount: bigint, decimals: number, rounding: Rounding = "floor"): string {
  const large = amount >= 1000n * 10n ** BigInt(decimals);
  return new Intl.NumberFormat(locale, {
    maximumFractionDigits: large ? 2 : 6,
    roundingMode: rounding,
  }).format(decimal(amount, decimals));
}

/** Every digit, for whoever wants to know. */
export function exact(amount: bigint, decimals: number): string {
  return formatUnits(amount, decimals);
}

/** WAD USD in dollars and cents; without cents from a hundred thousand on. */
export function usd(amount: bigint): string {
  const size = amount < 0n ? -amount : amount;
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency: "USD",
    signDisplay: "negative", // less than half a cent is no loss
    maximumFractionDigits: size >= 100_000n * WAD ? 0 : 2,
  }).format(decimal(amount, 18));
}

/** A WAD ratio in percent. */
export function percent(ratio: bigint, digits = 2): string {
  return new Intl.NumberFormat(locale, {
    style: "percent",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(decimal(ratio, 18));
}

/** A WAD ratio in percent, with its sign. */
export function signedPercent(ratio: bigint, digits = 2): string {
  return new Intl.NumberFormat(locale, {
    style: "percent",
    signDisplay: "exceptZero",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(decimal(ratio, 18));
}

/** WAD USD with its sign. */
export function signedUsd(amount: bigint): string {
  return `${amount >= CENT / 2n ? "+" : ""}${usd(amount)}`;
}

/** a ÷ b as a WAD, rounded towards zero; null for b = 0. */
export function ratio(a: bigint, b: bigint): bigint | null {
  return b === 0n ? null : (a * WAD) / b;
}

/** Basis points of a WAD ratio, one digit. */
export function bps(wad: bigint): string {
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(decimal(wad, 14))} bps`;
}

export function whole(count: number | bigint): string {
  return new Intl.NumberFormat(locale).format(count);
}

export function short(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}

/** Unix seconds as a local date and time. */
export function moment(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
}

export function day(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString(locale, { dateStyle: "medium" });
}

/** A span of seconds in its two largest units. */
export function span(seconds: number): string {
  const units: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const parts: string[] = [];
  let rest = Math.max(0, Math.round(seconds));
  for (const [size, name] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 s";
}

/**
 * What a person typed, in base units, and more than nothing.
 *
 * @throws Error with a sentence for the person
 */
export function parseAmount(text: string, decimals: number): bigint {
  const amount = parseDecimal(text, decimals);
  if (amount === 0n) throw new Error("Write an amount above zero.");
  return amount;
}

/** As `parseAmount`; nothing is a number too. */
export function parseDecimal(text: string, decimals: number): bigint {
  const cleaned = text.trim();
  if (!/^(\d+\.?\d*|\.\d+)$/.test(cleaned)) throw new Error("Write a number such as 1.5, with a point and no commas.");
  const [before = "", after = ""] = cleaned.split(".");
  if (after.length > decimals) throw new Error(`No more than ${decimals} digits after the point.`);
  if (before.length > 30) throw new Error("That is more than any vault can hold.");
  return BigInt(before || "0") * 10n ** BigInt(decimals) + BigInt(after.padEnd(decimals, "0") || "0");
}
