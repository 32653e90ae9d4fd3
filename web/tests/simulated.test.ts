import { expect, test } from "vitest";
import { simulated } from "../src/trade/simulated";

const of = (...gas: (bigint | null)[]) => simulated({ succeeds: true, words: null, gas }, null, 1);

test("simulated: one transaction, both, or all of them", () => {
  expect(of(1n)).toBe("The transaction would go through now, by simulation.");
  expect(of(1n, 2n)).toBe("Both transactions would go through now, by simulation.");
  expect(of(1n, 2n, 3n)).toBe("All 3 transactions would go through now, by simulation.");
});

test("simulated: the gas of all of them at today's price, where each is known", () => {
  const two = { succeeds: true, words: null, gas: [50_000n, 950_000n] };
  expect(simulated(two, 10n ** 9n, 1)).toMatch(/Gas: 1,000,000 units at most, 0\.001 ETH at today's price\.$/);
  expect(simulated({ ...two, gas: [50_000n, null] }, 10n ** 9n, 1)).not.toMatch(/Gas/);
});
