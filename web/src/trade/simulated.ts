import type { Simulation } from "../api/transactions";
import { coinName } from "../chains";
import { tokens, whole } from "../format";

/**
 * What a simulation says, with the gas where its price is known.
 *
 * @param price wei a unit of gas
 */
export function simulated(found: Simulation, price: bigint | null, chain: number): string {
  const count = found.gas.length;
  const what = count === 1 ? "The transaction" : count === 2 ? "Both transactions" : `All ${count} transactions`;
  const words = found.succeeds
    ? `${what} would go through now, by simulation.`
    : "The chain's endpoint cannot simulate this.";
  const gas = found.gas.reduce<bigint | null>((sum, each) => (sum === null || each === null ? null : sum + each), 0n);
  if (gas === null || price === null) return words;
  return `${words} Gas: ${whole(gas)} units at most, ${tokens(gas * price, 18, "ceil")} ${coinName(chain)} at today's price.`;
}
