/** What an asset weighs against its target and band, on one line. The figures stand beside it: it is hidden from screen readers. */
import { scaleLinear } from "d3-scale";
import type { Asset } from "../api/vaults";

const WIDTH = 220;
const HEIGHT = 22;
const MIDDLE = HEIGHT / 2;

// Pixels, not money: a float is right here.
function share(wad: bigint): number {
  return Number(wad) / 1e18;
}

export function reach(assets: readonly Asset[]): number {
  return Math.max(...assets.map((each) => Math.max(share(each.weight ?? 0n), share(each.target + each.band)))) * 1.05;
}

export function Balance(props: { asset: Asset; reach: number }) {
  const { asset } = props;
  const x = scaleLinear([0, props.reach || 1], [0, WIDTH]).clamp(true);
  const low = x(share(asset.target) - share(asset.band));
  const high = x(share(asset.target) + share(asset.band));
  const weight = asset.weight === null ? null : x(share(asset.weight));
  const outside = weight !== null && (weight < low || weight > high);
  return (
    <svg className="balance" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" preserveAspectRatio="none">
      <line className="track" x1="0" x2={WIDTH} y1={MIDDLE} y2={MIDDLE} />
      <rect className="band" x={low} width={Math.max(1, high - low)} y="3" height={HEIGHT - 6} rx="3" />
      {weight !== null && (
        <rect className={outside ? "weight outside" : "weight"} x="0" width={weight} y={MIDDLE - 3} height="6" rx="3" />
      )}
      <line className="target" x1={x(share(asset.target))} x2={x(share(asset.target))} y1="1" y2={HEIGHT - 1} />
    </svg>
  );
}
