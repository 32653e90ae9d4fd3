/** One zap as it is quoted: what comes of it, what it costs, how it goes, and the button that starts it. */
import { useState } from "react";
import { useConnection } from "wagmi";
import { type Vault, wrappedCoins } from "../api/vaults";
import type { Address, Token } from "../api/wire";
import type { Zapped, ZapQuote } from "../api/zaps";
import { coinName } from "../chains";
import { percent, tokens, usd, WAD } from "../format";
import { useLive } from "../live";
import { pricesOf } from "../pages/vault";
import { Flow } from "../pictures/flow";
import { Amount, Figure } from "../ui/parts";
import { inWords } from "../words";
import { Act } from "./act";
import { Allowing, ByApproval } from "./allowing";
import { CannotSign } from "./permit";
import type { Purse } from "./purse";
import type { Runner } from "./runner";
import { simulated } from "./simulated";
import { atLeast, percentOf } from "./slippage";
import { zapSteps } from "./steps";
import { cameOf, impactOf, swapsOf, type ZapOrder } from "./zap";

/** From here on the price impact is a warning, and from there on it has to be accepted by itself. */
const WARNING = WAD / 100n;
const ALARM = WAD / 20n;

interface Props {
  vault: Vault;
  runner: Runner;
  order: ZapOrder;
  zapped: Zapped;
  /** How much less than quoted may come, in basis points. */
  bps: number;
  /** Whether the quote is for what stands in the form, and none that failed already. */
  isFresh: boolean;
  account: Address | null;
  held: Purse | undefined;
  trouble: unknown;
  /** Whether an approval is wanted where a permission could be signed in its place. */
  byApproval: boolean;
  onByApproval: (wanted: boolean) => void;
}

export function ZapOrderView(props: Props) {
  const { vault, runner, order, zapped, account, held, trouble } = props;
  const { quote, prepared, simulation } = zapped;
  const { address } = useConnection();
  const [accepted, setAccepted] = useState<bigint>(0n);
  const { given, wanted } = quote;
  const isMint = order.kind === "mint";
  const least = atLeast(quote.amountOut, props.bps);
  const impact = impactOf(quote);
  const price = useCoinPrice(vault);
  const wei = quote.gas * quote.gasPrice;
  const paid = `${tokens(order.amount, given.decimals, "ceil")} ${given.symbol}`;
  const title = isMint ? `Mint with ${paid}` : `Redeem ${paid}`;

  const lack = held ? lackOf(order, given, held, wei) : null;
  const refused = simulation?.succeeds === false ? simulation.words : null;
  const checked = prepared ? check(() => swapsOf(order, atLeast(quote.amountOut, zapped.bps), prepared)) : null;
  const obstacle = quote.problem ?? checked?.fault ?? lack ?? refused;
  const isAlarming = impact !== null && impact > ALARM;
  // Accepted once, a little more is no news.
  const isAccepted = !isAlarming || impact <= accepted;
  const byApproval = props.byApproval || runner.failed?.error instanceof CannotSign;
  const offer = byApproval ? null : zapped.permit;
  const steps =
    checked?.swaps && held ? zapSteps(order, least, checked.swaps, given, held.allowance, title, offer) : null;
  const first = steps?.[0];
  const receipt = runner.running?.progress.at(-1)?.receipt;
  const came = receipt ? cameOf(order, receipt.logs) : null;
  return (
    <>
      <dl className="figures" aria-live="off">
        <Figure
          label="You receive"
          value={<Amount of={quote.amountOut} decimals={wanted.decimals} symbol={wanted.symbol} />}
          note={quote.valueOut === null ? undefined : `worth ${usd(quote.valueOut)} at the oracle's prices`}
        />
        <Figure
          label="At least"
          value={<Amount of={least} decimals={wanted.decimals} symbol={wanted.symbol} />}
          note="or nothing happens"
        />
        <Figure
          label="Price impact"
          value={
            <span className={impact !== null && impact > WARNING ? "bad" : ""}>
              {impact === null ? "not known" : percent(impact)}
            </span>
          }
          note="with the pools' fees, against the oracle"
        />
        <Figure
          label="Gas"
          value={<Amount of={wei} decimals={18} symbol={coinName(vault.chainId)} up />}
          note={price === null ? undefined : `about ${usd((wei * price) / WAD)}`}
        />
      </dl>
      {impact === null && (
        <p className="notice">
          The vault's oracle has no price of {[given, wanted].map((each) => each.symbol).join(" or of ")}: compare with
          another market before you sign.
        </p>
      )}
      {impact !== null && impact > WARNING && (
        <div className="notice bad" role="alert">
          <p>
            <strong>You lose {percent(impact)} to the pools.</strong> They are too shallow for this much, or off the
            oracle's prices: give less, wait, or go in kind, which trades nothing.
          </p>
          {isAlarming && !runner.running && (
            <label>
              <input
                type="checkbox"
                checked={isAccepted}
                onChange={(event) => setAccepted(event.target.checked ? impact + WARNING : 0n)}
              />{" "}
              I accept to lose {percent(impact)}
            </label>
          )}
        </div>
      )}
      {quote.legs.length > 0 && <Flow legs={quote.legs} prices={pricesOf(vault)} label="Route" />}
      <ul className="facts">
        <li>
          Below “at least” nothing happens but that gas is spent. It is {percentOf(props.bps)} under the quote of block{" "}
          {quote.block}, which is renewed with every block until you start.
        </li>
        <Certified quote={quote} />
        {quote.back.length > 0 && <li>{returned(quote)}</li>}
        {first && !runner.running && <Allowing step={first} zap={order.zap} paid={paid} />}
        {simulation && !refused && !runner.running && (
          <li>
            {first?.kind === "permit"
              ? // It was simulated with an approval, whose gas is not this one's.
                simulated({ ...simulation, gas: simulation.gas.slice(-1) }, null, vault.chainId)
              : simulated(simulation, quote.gasPrice, vault.chainId)}
          </li>
        )}
      </ul>
      {zapped.permit && first && first.kind !== "zap" && !runner.isBusy && !runner.done && (
        <ByApproval wanted={byApproval} onWanted={props.onByApproval} />
      )}
      {!address && <p className="notice">Connect a wallet at the top to go on. Looking needs none.</p>}
      <Act
        runner={runner}
        chain={vault.chainId}
        trouble={trouble}
        obstacle={obstacle}
        isHere={account !== null}
        title={title}
        start={steps && account && props.isFresh && isAccepted ? () => runner.start(steps, account) : null}
      >
        <strong>
          {isMint ? "You minted" : "You received"}{" "}
          {`${tokens(came ?? quote.amountOut, wanted.decimals)} ${wanted.symbol}`}.
        </strong>{" "}
        You hold {held ? `${tokens(held.shares, 18)} ${vault.symbol}` : "…"} now.
      </Act>
    </>
  );
}

function Certified(props: { quote: ZapQuote }) {
  const { certificate, legs, wanted } = props.quote;
  if (certificate === null)
    return (
      <li>
        {legs.length === 0
          ? "Nothing is traded."
          : "How much better another route could be is not known: gas outweighs so small an amount."}
      </li>
    );
  const ceiling = `${tokens(certificate.ceiling, wanted.decimals, "ceil")} ${wanted.symbol}`;
  return (
    <li>
      No other route over these pools would give more than {ceiling}: at most {certificate.gapBps.toFixed(2)} bps
      better.
    </li>
  );
}

/** USD of the chain's coin, where the vault's oracle prices it. */
function useCoinPrice(vault: Vault): bigint | null {
  const coins = useLive(["coins"], wrappedCoins, { slow: true });
  const wrapped = coins.data?.get(vault.chainId)?.toLowerCase();
  return vault.assets.find((each) => each.address.toLowerCase() === wrapped)?.price ?? null;
}

function returned(quote: ZapQuote): string {
  const amounts = quote.back.map((each) => [tokens(each.amount, each.token.decimals), each.token.symbol] as const);
  const words = amounts.filter(([amount]) => amount !== "0").map((each) => each.join(" "));
  const what = words.length > 0 ? words.join(", ") : "less than a millionth of a token of each kind";
  return `What does not fit comes back to you: ${what}.`;
}

/**
 * What is missing for it, in words; null when all is there.
 *
 * @param gas wei that it takes beside
 */
function lackOf(order: ZapOrder, given: Token, held: Purse, gas: bigint): string | null {
  const has = order.kind === "mint" ? held.token : held.shares;
  if (has < order.amount) return `You hold ${tokens(has, given.decimals)} ${given.symbol}: give no more than that.`;
  if (order.kind === "mint" && order.token === null && has < order.amount + gas)
    return `Leave ${tokens(gas, given.decimals, "ceil")} ${given.symbol} for the gas: give less.`;
  return null;
}

function check(swaps: () => ReturnType<typeof swapsOf>): {
  swaps: ReturnType<typeof swapsOf> | null;
  fault: string | null;
} {
  try {
    return { swaps: swaps(), fault: null };
  } catch (error) {
    return { swaps: null, fault: inWords(error) };
  }
}
