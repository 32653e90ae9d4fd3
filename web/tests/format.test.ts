import { describe, expect, test } from "vitest";
import { exact, parseAmount, percent, ratio, span, tokens, usd, WAD } from "../src/format";

describe("tokens", () => {
  test("an amount beyond a float's digits: every digit before the point is right", () => {
    expect(tokens(123_456_789_012_345_678_901_234_567n, 6)).toBe("123,456,789,012,345,678,901.23");
    expect(exact(123_456_789_012_345_678_901_234_567n, 6)).toBe("123456789012345678901.234567");
  });
  test("what is had is rounded down, what is paid up", () => {
    expect(tokens(1_999_999_999_999_999_999n, 18)).toBe("1.999999");
    expect(tokens(1_000_000_000_000_000_001n, 18, "ceil")).toBe("1.000001");
  });
});

test("usd: cents below a hundred thousand, none above; losses have their sign", () => {
  expect(usd(99_999n * WAD + WAD / 2n)).toBe("$99,999.50");
  expect(usd(1_234_567n * WAD)).toBe("$1,234,567");
  expect(usd(-5n * WAD)).toBe("-$5.00");
  expect(usd(-1n)).toBe("$0.00");
});

test("percent: of a WAD, exactly", () => {
  expect(percent(305_000_000_000_000_000n)).toBe("30.50%");
});

test("ratio: nothing of nothing is not known", () => {
  expect(ratio(1n, 0n)).toBeNull();
  expect(ratio(1n, 4n)).toBe(WAD / 4n);
});

test("span: the two largest units", () => {
  expect(span(90_061)).toBe("1 d 1 h");
  expect(span(59)).toBe("59 s");
  expect(span(0)).toBe("0 s");
});

describe("parseAmount", () => {
  test.each([
    ["1.5", 18, 1_500_000_000_000_000_000n],
    [".5", 6, 500_000n],
    ["7.", 0, 7n],
    ["0.1234567890123456789012345", 25, 1_234_567_890_123_456_789_012_345n],
  ])("%s with %i decimals", (text, decimals, amount) => {
    expect(parseAmount(text, decimals)).toBe(amount);
  });
  test.each(["", "1,5", "-1", "1e3", "0x10", "0", "0.0", "1.1234567", ".", "٣", "9".repeat(31)])(
    "%s is refused",
    (text) => {
      expect(() => parseAmount(text, 6)).toThrow();
    },
  );
});
