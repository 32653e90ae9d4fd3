/** A rebalance's route: what is sold on the left, the pools in the middle, what is bought on the right. */
import { sankeyLinkHorizontal } from "d3-sankey";
import type { Leg } from "../api/legs";
import { Amount, Table } from "../ui/parts";
import { venueName } from "../words";
import { layout, type Prices, wordsOf } from "./layout";

// Drawn narrower where it is shown narrower, so that its words stay readable.
const WIDTH = 720;
const NARROW = 400;

export function Flow(props: { legs: readonly Leg[]; prices: Prices; label: string }) {
  const { legs, prices, label } = props;
  const height = Math.max(120, Math.min(520, 44 * legs.length));
  const width = window.matchMedia("(max-width: 40rem)").matches ? NARROW : WIDTH;
  const placed = layout(legs, prices, width, height);
  const path = sankeyLinkHorizontal();
  return (
    <div className="flow">
      {placed && (
        <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${label}: ${legs.length} swaps, listed below`}>
          {placed.links.map((link) => (
            <path
              key={link.index}
              className="stream"
              d={path(link) ?? ""}
              strokeWidth={Math.max(1.5, link.width ?? 0)}
            />
          ))}
          {placed.nodes.map(({ id, isPool, x0 = 0, x1 = 0, y0 = 0, y1 = 0 }) => (
            <rect
              key={id}
              className={isPool ? "pool" : "token"}
              x={x0}
              y={y0}
              width={x1 - x0}
              height={Math.max(2, y1 - y0)}
              rx="2"
            />
          ))}
          {wordsOf(placed.nodes, width).map(({ id, text, x, y, anchor }) => (
            <text key={id} x={x} y={y} dy="0.35em" textAnchor={anchor}>
              {text}
            </text>
          ))}
        </svg>
      )}
      <details>
        <summary>
          {legs.length} {legs.length === 1 ? "swap" : "swaps"}
        </summary>
        <Table
          label={label}
          head={
            <>
              <th scope="col">Venue</th>
              <th scope="col" className="right">
                Sold
              </th>
              <th scope="col" className="right">
                Bought
              </th>
            </>
          }
        >
          {legs.map((leg, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: legs have no name of their own and keep their order
            <tr key={index}>
              <th scope="row">{venueName(leg.venue)}</th>
              <td>
                <Amount of={leg.amountIn} decimals={leg.from.decimals} symbol={leg.from.symbol} up />
              </td>
              <td>
                <Amount of={leg.amountOut} decimals={leg.to.decimals} symbol={leg.to.symbol} />
              </td>
            </tr>
          ))}
        </Table>
      </details>
    </div>
  );
}
