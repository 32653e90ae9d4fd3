/** Mint or redeem for all assets of the basket, pro rata. */
import { useState } from "react";
import { useConnection } from "wagmi";
import { type Quote, quoteOf, simulate } from "../api/in-kind";
import type { Vault } from "../api/vaults";
import { exact, percent, tokens, usd } from "../format";
import { Answer, useLive } from "../live";
import type { Kind, WayProps } from "../pages/trade";
import { Amount, Table } from "../ui/parts";
import { WrongNetwork } from "../ui/wallet-button";
import { Act } from "./act";
import { AmountField, read } from "./amount";
import { type Holdings, holdingsOf } from "./holdings";
import { gasPrice } from "./run";
import type { Runner } from "./runner";
import { simulated } from "./simulated";
import { atLeast, atMost, percentOf } from "./slippage";
import { SlippageField } from "./slippage-field";
import { type LimitedPart, mintSteps, redeemSteps, type Step } from "./steps";

export function InKind(props: WayProps) {
  const { vault, kind, runner, slippage } = props;
  const [text, setText] = useState("");
  const { amount: shares, fault } = read(text, 18);
  const quote = useLive(
    ["quote", kind, vault.address, String(shares)],
    () => quoteOf(kind, vault.address, shares ?? 0n),
    { enabled: shares !== null },
  );
  const fee = kind === "mint" ? vault.fees.mint : vault.fees.redeem;
  const write = (words: string) => {
    runner.clear();
    setText(words);
  };
  return (
    <>
      <div className="card">
        {props.ways}
        <fieldset className="bare" disabled={runner.isBusy}>
          <AmountField
            label={`Shares to ${kind}`}
            unit={vault.symbol}
            text={text}
            onText={write}
            fault={fault}
            hint={
              <>
                {shares !== null && vault.navPerShare !== null
                  ? `Worth ${usd((shares * vault.navPerShare) / 10n ** 18n)} at the oracle's prices.`
                  : `One share is worth ${vault.navPerShare === null ? "what its basket is" : usd(vault.navPerShare)}.`}
                {fee > 0n && ` The vault keeps ${percent(fee, 3)} of the shares.`}
              </>
            }
          />
          <SlippageField
            slippage={{
              ...slippage,
              choose: (bps) => {
                runner.clear();
                slippage.choose(bps);
              },
            }}
          />
        </fieldset>
      </div>
      {shares === null ? (
        <p className="empty">
          {kind === "mint"
            ? "Write how many shares you want: the page shows what each asset costs, before your wallet is asked for anything."
            : "Write how many shares you give: the page shows what you receive of each asset, before your wallet is asked for anything."}
        </p>
      ) : (
        <Answer query={quote} what="the quote" lines={6}>
          {(found) => (
            <Order
              vault={vault}
              kind={kind}
              runner={runner}
              shares={shares}
              quote={found}
              bps={slippage.bps}
              parts={found.parts.map((part) => ({
                ...part,
                limit: (kind === "mint" ? atMost : atLeast)(part.amount, slippage.bps),
              }))}
              label={`${tokens(shares, 18)} ${vault.symbol}`}
              onAll={write}
            />
          )}
        </Answer>
      )}
    </>
  );
}

interface Props {
  vault: Vault;
  kind: Kind;
  runner: Runner;
  shares: bigint;
  quote: Quote;
  /** How much worse than quoted it may come, in basis points. */
  bps: number;
  /** Of the quote. */
  parts: readonly LimitedPart[];
  /** The shares in words, as in "1.5 EQ6". */
  label: string;
  onAll: (text: string) => void;
}

function Order(props: Props) {
  const { vault, kind, runner, shares, quote, bps, parts, label } = props;
  const { address, chainId } = useConnection();

  const isHere = address !== undefined && chainId === vault.chainId;
  const holdings = useLive(["holdings", vault.address, address], () => holdingsOf(vault, address ?? "0x"), {
    enabled: isHere && !runner.isBusy,
  });
  const held = isHere ? holdings.data : undefined;
  const steps = held && address ? stepsOf(props, address, held) : null;
  const lack = held ? lackOf(props, held) : null;
  const canStart = steps !== null && lack === null && runner.running === null;
  const simulation = useLive(
    ["simulation", vault.address, kind, address, String(shares), bps, steps?.length],
    () => simulate(kind, vault.address, shares, address ?? "0x", bps),
    { enabled: canStart },
  );
  const price = useLive(["gas price", vault.chainId], () => gasPrice(vault.chainId), { enabled: canStart });
  const refused = simulation.data?.succeeds === false ? simulation.data.words : null;
  const obstacle = quote.problem ?? lack ?? refused;
  return (
    <>
      <Table
        label={kind === "mint" ? "What you pay" : "What you receive"}
        head={
          <>
            <th scope="col">Asset</th>
            <th scope="col">{kind === "mint" ? "You pay" : "You receive"}</th>
            <th scope="col">{kind === "mint" ? "At most" : "At least"}</th>
            <th scope="col">You hold</th>
          </>
        }
      >
        {parts.map((part, index) => {
          const balance = held?.balances[index];
          const short = kind === "mint" && balance !== undefined && balance < part.amount;
          return (
            <tr key={part.address}>
              <th scope="row">{part.symbol}</th>
              <td>
                <Amount of={part.amount} decimals={part.decimals} up={kind === "mint"} />
              </td>
              <td>
                <Amount of={part.limit} decimals={part.decimals} up={kind === "mint"} />
              </td>
              <td className={short ? "bad" : ""}>
                {balance === undefined ? "—" : <Amount of={balance} decimals={part.decimals} />}
              </td>
            </tr>
          );
        })}
      </Table>
      <ul className="facts">
        <li>
          {kind === "mint" ? "You get " : "You give "}
          <strong>{label}</strong>
          {quote.value !== null && <>, worth {usd(quote.value)} at the oracle's prices</>}.
          {held && (
            <>
              {" "}
              You hold <Amount of={held.shares} decimals={18} symbol={vault.symbol} />.{" "}
              {kind === "redeem" && held.shares > 0n && (
                <button type="button" className="link" onClick={() => props.onAll(exact(held.shares, 18))}>
                  Redeem all
                </button>
              )}
            </>
          )}
        </li>
        <li>No price impact: nothing is traded. Every holder's part of the basket stays what it was.</li>
        <li>
          {kind === "mint" ? "The vault takes no more than “at most”" : "The vault pays no less than “at least”"}, or
          nothing happens. The room of {percentOf(bps)} is for a rebalance in between.
        </li>
        {simulation.data && !refused && !runner.running && (
          <li>{simulated(simulation.data, price.data ?? null, vault.chainId)}</li>
        )}
        {kind === "mint" && steps && steps.length > 1 && !runner.running && (
          <li>
            <strong>{steps.length - 1} approvals come first.</strong> Each allows this vault, and nobody else, to take
            “at most” of one token, when you mint and at no other time. Nothing is unlimited.
          </li>
        )}
      </ul>
      {!address && <p className="notice">Connect a wallet at the top to go on. Looking needs none.</p>}
      {address && !isHere && <WrongNetwork chain={vault.chainId} />}
      <Act
        runner={runner}
        chain={vault.chainId}
        trouble={isHere && holdings.isError ? holdings.error : null}
        obstacle={obstacle}
        isHere={isHere}
        title={kind === "mint" ? `Mint ${label}` : `Redeem ${label}`}
        start={steps && address ? () => runner.start(steps, address) : null}
      >
        <strong>{kind === "mint" ? `You minted ${label}.` : `You redeemed ${label}.`}</strong> You hold{" "}
        {held ? `${tokens(held.shares, 18)} ${vault.symbol}` : "…"} now.
      </Act>
    </>
  );
}

function stepsOf(props: Props, account: `0x${string}`, held: Holdings): Step[] {
  const { vault, kind, shares, parts, label } = props;
  return kind === "mint"
    ? mintSteps(vault.address, account, shares, parts, held.allowances, label)
    : redeemSteps(vault.address, account, shares, parts, label);
}

/** What is missing for it, in words; null when all is there. */
function lackOf(props: Props, held: Holdings): string | null {
  const { vault, kind, shares, quote } = props;
  if (kind === "redeem")
    return held.shares < shares
      ? `You hold ${tokens(held.shares, 18)} ${vault.symbol}: redeem no more than that.`
      : null;
  const missing = quote.parts.filter((part, index) => (held.balances[index] ?? 0n) < part.amount);
  if (missing.length === 0) return null;
  const words = missing.map((part) => {
    const index = quote.parts.indexOf(part);
    return `${tokens(part.amount - (held.balances[index] ?? 0n), part.decimals, "ceil")} ${part.symbol}`;
  });
  return `You hold too little: ${words.join(", ")} ${missing.length > 1 ? "are" : "is"} missing. Mint fewer shares, or get them first.`;
}
