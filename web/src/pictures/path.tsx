/** NAV per share over time. */
import { scaleLinear, scaleUtc } from "d3-scale";
import { area, curveStepAfter, line } from "d3-shape";
import { useState } from "react";
import type { NavPoint } from "../api/past";
import { moment, ratio, signedPercent, usd } from "../format";

const WIDTH = 720;
const HEIGHT = 220;
const MARGIN = { top: 12, right: 16, bottom: 26, left: 64 };

// Pixels, not money.
function dollars(wad: bigint): number {
  return Number(wad) / 1e18;
}

export function Path(props: { points: readonly NavPoint[] }) {
  const { points } = props;
  const [at, setAt] = useState<number | null>(null);
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return null;
  const values = points.map((point) => dollars(point.perShare));
  const x = scaleUtc(
    [first.time * 1000, Math.max(last.time, first.time + 1) * 1000],
    [MARGIN.left, WIDTH - MARGIN.right],
  );
  const room = (Math.max(...values) - Math.min(...values)) * 0.1 || Math.max(...values) * 0.01 || 1;
  const y = scaleLinear(
    [Math.min(...values) - room, Math.max(...values) + room],
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  ).nice(4);
  const place = (point: NavPoint): [number, number] => [x(point.time * 1000), y(dollars(point.perShare))];
  const drawn =
    line<NavPoint>(
      (d) => place(d)[0],
      (d) => place(d)[1],
    ).curve(curveStepAfter)(points) ?? "";
  const under =
    area<NavPoint>(
      (d) => place(d)[0],
      HEIGHT - MARGIN.bottom,
      (d) => place(d)[1],
    ).curve(curveStepAfter)(points) ?? "";
  const change = ratio(last.perShare - first.perShare, first.perShare);
  const summary = `NAV per share from ${usd(first.perShare)} on ${moment(first.time)} to ${usd(last.perShare)} on ${moment(last.time)}${change === null ? "" : `, ${signedPercent(change)}`}`;
  const shown = at === null ? last : (points[at] ?? last);
  const [markX, markY] = place(shown);
  return (
    <figure className="path">
      <figcaption>
        <span className="value">{usd(shown.perShare)}</span>{" "}
        <span className="note">
          {moment(shown.time)}
          {change !== null && at === null && <> · {signedPercent(change)} since the first point</>}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={summary}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const time = x.invert(((event.clientX - box.left) / box.width) * WIDTH).getTime() / 1000;
          setAt(nearest(points, time));
        }}
        onPointerLeave={() => setAt(null)}
      >
        {y.ticks(4).map((tick) => (
          <g key={tick}>
            <line className="grid" x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y(tick)} y2={y(tick)} />
            <text className="tick" x={MARGIN.left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
              {y.tickFormat(4, ",.6~f")(tick)}
            </text>
          </g>
        ))}
        {x.ticks(5).map((tick) => (
          <text key={tick.getTime()} className="tick" x={x(tick)} y={HEIGHT - 6} textAnchor="middle">
            {x.tickFormat(5)(tick)}
          </text>
        ))}
        <path className="under" d={under} />
        <path className="line" d={drawn} />
        <circle className="mark" cx={markX} cy={markY} r="4" />
      </svg>
    </figure>
  );
}

function nearest(points: readonly NavPoint[], time: number): number {
  let best = 0;
  points.forEach((point, index) => {
    if (Math.abs(point.time - time) < Math.abs((points[best]?.time ?? 0) - time)) best = index;
  });
  return best;
}
