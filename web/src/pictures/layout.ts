/** Where a route's tokens and pools stand in its picture. Pure. */
import { type SankeyLink, type SankeyNode, sankey, sankeyJustify } from "d3-sankey";
import type { Leg } from "../api/legs";

export interface Spot {
  id: string;
  label: string;
  isPool: boolean;
}
export interface Stream {
  symbol: string;
}
export type Placed = { nodes: SankeyNode<Spot, Stream>[]; links: SankeyLink<Spot, Stream>[] };

/** USD per whole token by lower-case address; only as exact as a picture needs. */
export type Prices = ReadonlyMap<string, number>;

/** What flows through a leg in USD, by the side whose price is known. */
export function worth(leg: Leg, prices: Prices): number | null {
  const of = (side: Leg["from"], amount: bigint) => {
    const price = prices.get(side.address.toLowerCase());
    return price === undefined ? null : (Number(amount) / 10 ** side.decimals) * price;
  };
  return of(leg.from, leg.amountIn) ?? of(leg.to, leg.amountOut);
}

/** Prices of the tokens in the middle of routes follow from the pools that trade them against known ones. */
export function inferred(legs: readonly Leg[], known: Prices): Prices {
  const prices = new Map(known);
  for (let before = -1; before !== prices.size; ) {
    before = prices.size;
    for (const leg of legs) {
      const value = worth(leg, prices);
      if (value === null) continue;
      for (const [side, amount] of [
        [leg.from, leg.amountIn],
        [leg.to, leg.amountOut],
      ] as const) {
        const key = side.address.toLowerCase();
        if (!prices.has(key) && amount > 0n) prices.set(key, value / (Number(amount) / 10 ** side.decimals));
      }
    }
  }
  return prices;
}

/** Tokens and pools with the streams between them; null where a route runs in a circle, which no such picture can show. */
export function layout(legs: readonly Leg[], known: Prices, width: number, height: number): Placed | null {
  const prices = inferred(legs, known);
  const nodes = new Map<string, Spot>();
  const links: { source: string; target: string; value: number; symbol: string }[] = [];
  legs.forEach((leg, index) => {
    const value = worth(leg, prices);
    if (!value || !Number.isFinite(value)) return;
    const pool = `${leg.pool}-${index}`;
    for (const side of [leg.from, leg.to])
      nodes.set(side.address.toLowerCase(), { id: side.address.toLowerCase(), label: side.symbol, isPool: false });
    nodes.set(pool, { id: pool, label: leg.venue, isPool: true });
    links.push({ source: leg.from.address.toLowerCase(), target: pool, value, symbol: leg.from.symbol });
    links.push({ source: pool, target: leg.to.address.toLowerCase(), value, symbol: leg.to.symbol });
  });
  if (links.length === 0) return null;
  const place = sankey<Spot, Stream>()
    .nodeId((node) => node.id)
    .nodeAlign(sankeyJustify)
    .nodeWidth(10)
    .nodePadding(14)
    .extent([
      [1, 8],
      [width - 1, height - 8],
    ]);
  try {
    return place({ nodes: [...nodes.values()], links: links as never });
  } catch {
    return null;
  }
}
