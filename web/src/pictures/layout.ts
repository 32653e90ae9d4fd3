/** Where a route's tokens and pools stand in its picture. Pure. */
import { type SankeyLink, type SankeyNode, sankey, sankeyJustify } from "d3-sankey";
import type { Leg } from "../api/legs";
import { venueName } from "../words";

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
    nodes.set(pool, { id: pool, label: venueName(leg.venue), isPool: true });
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

export interface Words {
  id: string;
  text: string;
  x: number;
  y: number;
  anchor: "start" | "end";
}

/** Pixels of a line of words with its halo, of a letter, about, and between words and their bar. */
const LINE = 17;
const LETTER = 7;
const GAP = 6;

/**
 * Where the words of the bars stand: beside a bar's middle, to its left near the right edge, or, where other words are
 * in the way, as near to the middle as the bar has room for. Short bars come first: they have the least room.
 */
export function wordsOf(nodes: Placed["nodes"], width: number): Words[] {
  const placed: Words[] = [];
  const height = (node: Placed["nodes"][number]) => (node.y1 ?? 0) - (node.y0 ?? 0);
  for (const node of [...nodes].sort((a, b) => height(a) - height(b))) {
    const { id, label, x0 = 0, x1 = 0, y0 = 0, y1 = 0 } = node;
    const isLeft = x0 < width * 0.7;
    const at = (y: number): Words => ({
      id,
      text: label,
      x: isLeft ? x1 + GAP : x0 - GAP,
      y,
      anchor: isLeft ? "start" : "end",
    });
    const middle = at((y0 + y1) / 2);
    let found: Words | undefined;
    for (let off = 0; off <= height(node) / 2 && found === undefined; off++)
      found = [at(middle.y - off), at(middle.y + off)].find((words) => !placed.some((each) => touch(words, each)));
    placed.push(found ?? middle);
  }
  return placed;
}

function touch(a: Words, b: Words): boolean {
  const [left, right] = [a, b].map(({ x, text, anchor }) => {
    const length = text.length * LETTER;
    return anchor === "start" ? [x, x + length] : [x - length, x];
  }) as [[number, number], [number, number]];
  return Math.abs(a.y - b.y) < LINE && left[0] < right[1] && right[0] < left[1];
}
