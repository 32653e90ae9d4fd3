import { expect, test } from "vitest";
import type { Leg } from "../src/api/legs";
import type { Address } from "../src/api/wire";
import { inferred, layout, type Placed, wordsOf } from "../src/pictures/layout";

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

test("layout: a pool bears its venue's name, one for every leg", () => {
  const placed = layout([leg("A", "B", 10n, 5n), leg("A", "B", 6n, 3n)], PRICES, 700, 200);
  const pools = placed?.nodes.filter((each) => each.isPool).map((each) => each.label);
  expect(pools).toEqual(["Uniswap V3", "Uniswap V3"]);
});

/** A bar of 10 by `height` at x, around y = 100. */
const bar = (label: string, x: number, height: number) =>
  ({
    id: label,
    label,
    isPool: false,
    x0: x,
    x1: x + 10,
    y0: 100 - height / 2,
    y1: 100 + height / 2,
  }) as Placed["nodes"][number];

test("wordsOf: words that would stand on others move along their bar, as far as they have to", () => {
  const [short, tall] = wordsOf([bar("WETH", 180, 200), bar("Uniswap V3", 290, 20)], 400);
  expect(short).toMatchObject({ text: "Uniswap V3", x: 284, y: 100, anchor: "end" });
  expect(tall).toMatchObject({ text: "WETH", x: 196, anchor: "start" });
  expect(Math.abs((tall?.y ?? 100) - 100)).toBe(17);
});

test("wordsOf: words with room beside each other, or nowhere to go, stand at the middle of their bars", () => {
  for (const bars of [
    [bar("WETH", 180, 200), bar("Uniswap V3", 500, 20)],
    [bar("WETH", 180, 8), bar("Uniswap V3", 290, 20)],
  ])
    expect(wordsOf(bars, 400).map((each) => each.y)).toEqual([100, 100]);
});
