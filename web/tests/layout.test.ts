import { expect, test } from "vitest";
import type { Leg } from "../src/api/legs";
import type { Address } from "../src/api/wire";
import { inferred, layout } from "../src/pictures/layout";

const token = (name: string, decimals = 18) => ({
  address: `0x${name.charCodeAt(0).toString(16).padStart(40, "0")}` as Address,
  symbol: name,
  decimals,
});
const leg = (from: string, to: string, amountIn: bigint, amountOut: bigint): Leg => ({
  venue: "uniswap_v3",
  pool: `${from}${to}`,
  from: token(from),
  to: token(to),
  amountIn: amountIn * 10n ** 18n,
  amountOut: amountOut * 10n ** 18n,
});
const PRICES = new Map([[token("A").address, 2]]);

test("inferred: a token in the middle takes its price from the pool that trades it", () => {
  const prices = inferred([leg("B", "C", 5n, 1n), leg("A", "B", 10n, 5n)], PRICES);
  expect(prices.get(token("B").address)).toBe(4);
  expect(prices.get(token("C").address)).toBe(20);
});

test("layout: as much comes out of a pool as goes in, and tokens stand left of what they are sold for", () => {
  const placed = layout([leg("A", "B", 10n, 5n), leg("B", "C", 5n, 1n)], PRICES, 700, 200);
  expect(placed?.links).toHaveLength(4);
  expect(new Set(placed?.links.map((each) => each.value))).toEqual(new Set([20]));
  const x = (label: string) => placed?.nodes.find((each) => each.label === label)?.x0 ?? Number.NaN;
  expect(x("A")).toBeLessThan(x("B"));
  expect(x("B")).toBeLessThan(x("C"));
});

test("layout: a route in a circle, or without any price, has no picture", () => {
  expect(layout([leg("A", "B", 10n, 5n), leg("B", "A", 5n, 10n)], PRICES, 700, 200)).toBeNull();
  expect(layout([leg("A", "B", 10n, 5n)], new Map(), 700, 200)).toBeNull();
});
