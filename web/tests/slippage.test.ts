import { expect, test } from "vitest";
import { atLeast, atMost, CHOICES, parseSlippage, USUAL, warningOf } from "../src/trade/slippage";

test("atLeast: so much under the quote, rounded up", () => {
  expect(atLeast(1_000n, 50)).toBe(995n);
  expect(atLeast(1_001n, 50)).toBe(996n);
  expect(atLeast(1n, 2_000)).toBe(1n);
  expect(atLeast(1_000n, 0)).toBe(1_000n);
  expect(atLeast(0n, 50)).toBe(0n);
});

test("atMost: so much over the quote, rounded down", () => {
  expect(atMost(1_000n, 50)).toBe(1_005n);
  expect(atMost(1_001n, 50)).toBe(1_006n);
  expect(atMost(1n, 2_000)).toBe(1n);
  expect(atMost(1_000n, 0)).toBe(1_000n);
});

test.each([
  ["0", 0],
  ["0.5", 50],
  [" .05 ", 5],
  ["20", 2_000],
])("parseSlippage: %s percent is %d basis points", (text, bps) => {
  expect(parseSlippage(text)).toBe(bps);
});

test.each([
  ["", /Write a number/],
  ["0,5", /no commas/],
  ["-1", /Write a number/],
  ["0.001", /No more than 2 digits/],
  ["20.01", /no more than 20%/],
])("parseSlippage: %s is none", (text, words) => {
  expect(() => parseSlippage(text)).toThrow(words);
});

test("warningOf: what is large is, and no choice of the list", () => {
  expect(warningOf(201)).toContain("2.01% worse");
  expect([...CHOICES, 200].map(warningOf)).toEqual([null, null, null, null]);
  expect(CHOICES).toContain(USUAL);
});
