/** Mint or redeem for all assets of the basket, pro rata. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useConnection } from "wagmi";
import { type Quote, type Simulation, simulate, type Vault } from "../api";
import { transactionPage } from "../chains";
import { exact, tokens, usd, whole } from "../format";
import { useLive } from "../live";
import type { Kind } from "../pages/trade";
import { Amount, Hex, Table } from "../ui/parts";
import { WrongNetwork } from "../ui/wallet-button";
import { inWords } from "../words";
import { type Holdings, holdingsOf } from "./holdings";
import { gasPrice, OutcomeUnknown, type Progress, run } from "./run";
import { mintSteps, redeemSteps, type Step } from "./steps";

interface Props {
  vault: Vault;
  kind: Kind;
  shares: bigint;
  quote: Quote;
  /** The shares in words, as in "1.5 EQ6". */
  label: string;
  onAll: (text: string) => void;
}

const WORDS: Record<Progress["state"], string> = {
  waiting: "waits",
  checking: "is simulated",
  signing: "sign it in your wallet",
  mining: "sent, waits for its block",
  done: "done",
  failed: "failed",
};

export function InKind(props: Props) {
  const { vault, kind, shares, quote, label } = props;
  const { address, chainId } = useConnection();
  const queries = useQueryClient();
  const [running, setRunning] = useState<{ steps: Step[]; progress: Progress[]; over: boolean } | null>(null);

  const isHere = address !== undefined && chainId === vault.chainId;
  const holdings = useLive(["holdings", vault.address, address], () => holdingsOf(vault, address ?? "0x"), {
    enabled: isHere && (running === null || running.over),
  });
  const held = isHere ? holdings.data : undefined;
  const steps = held && address ? stepsOf(props, address, held) : null;
  const lack = held ? lackOf(props, held) : null;
  const canStart = steps !== null && lack === null && running === null;
  const simulation = useLive(
    ["simulation", vault.address, kind, address, String(shares), steps?.length],
    () => simulate(kind, vault.address, shares, address ?? "0x"),
    { enabled: canStart },
  );
  const price = useLive(["gas price", vault.chainId], () => gasPrice(vault.chainId), { enabled: canStart });
  const refused = simulation.data?.succeeds === false ? simulation.data.words : null;
  const obstacle = quote.problem ?? lack ?? refused;

  async function start() {
    if (!steps || !address) return;
    const progress: Progress[] = steps.map(() => ({ state: "waiting" }));
    const show = (over: boolean) => setRunning({ steps, progress: [...progress], over });
    show(false);
    await run(steps, address, vault.chainId, (index, now) => {
      progress[index] = now;
      show(false);
    });
    show(true);
    await queries.invalidateQueries();
  }

  const failed = running?.progress.find((each) => each.state === "failed");
  const done = running?.progress.every((each) => each.state === "done") ?? false;
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
        {quote.parts.map((part, index) => {
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
          nothing happens. The room of 0.5 % is for a rebalance in between.
        </li>
        {simulation.data && !refused && !running && <li>{simulated(simulation.data, price.data ?? null)}</li>}
        {kind === "mint" && steps && steps.length > 1 && !running && (
          <li>
            <strong>{steps.length - 1} approvals come first.</strong> Each allows this vault, and nobody else, to take
            “at most” of one token, when you mint and at no other time. Nothing is unlimited.
          </li>
        )}
      </ul>
      {!address && <p className="notice">Connect a wallet at the top to go on. Looking needs none.</p>}
      {address && !isHere && <WrongNetwork chain={vault.chainId} />}
      {isHere && holdings.isError && (
        <div className="notice bad" role="alert">
          <p>
            <strong>Could not read your balances.</strong> {inWords(holdings.error)} Trying again by itself.
          </p>
        </div>
      )}
      {obstacle !== null && !running && (
        <p className="notice bad" role="alert">
          {obstacle}
        </p>
      )}
      {running && <Steps running={running} chain={vault.chainId} />}
      {failed && running?.over && (
        <div className="notice bad" role="alert">
          <p>
            <strong>Stopped.</strong> {inWords(failed.error)} What was done before stays done.
          </p>
        </div>
      )}
      {done && running?.over && (
        <div className="notice good" role="status">
          <p>
            <strong>{kind === "mint" ? `You minted ${label}.` : `You redeemed ${label}.`}</strong> You hold{" "}
            {held ? `${tokens(held.shares, 18)} ${vault.symbol}` : "…"} now.
          </p>
        </div>
      )}
      {isHere && (
        <button
          type="button"
          className="main large"
          disabled={
            !steps ||
            obstacle !== null ||
            (running !== null && !running.over) ||
            done ||
            failed?.error instanceof OutcomeUnknown
          }
          onClick={start}
        >
          {failed ? "Go on" : kind === "mint" ? `Mint ${label}` : `Redeem ${label}`}
        </button>
      )}
    </>
  );
}

function Steps(props: { running: { steps: Step[]; progress: Progress[] }; chain: number }) {
  return (
    <ol className="steps" aria-live="polite" aria-label="Transactions">
      {props.running.steps.map((step, index) => {
        const now = props.running.progress[index] ?? { state: "waiting" };
        return (
          <li key={step.title} className={now.state}>
            <span>{step.title}</span>
            <span className="state">
              {WORDS[now.state]} {now.hash && <Hex of={now.hash} href={transactionPage(props.chain, now.hash)} />}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function stepsOf(props: Props, account: `0x${string}`, held: Holdings): Step[] {
  const { vault, kind, shares, quote, label } = props;
  return kind === "mint"
    ? mintSteps(vault.address, account, shares, quote.parts, held.allowances, label)
    : redeemSteps(vault.address, account, shares, quote.parts, label);
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

function simulated(found: Simulation, price: bigint | null): string {
  const count = found.gas.length;
  const what = count === 1 ? "The transaction" : `All ${count} transactions`;
  const words = found.succeeds
    ? `${what} would go through now, by simulation.`
    : "The chain's endpoint cannot simulate this.";
  const gas = found.gas.reduce<bigint | null>((sum, each) => (sum === null || each === null ? null : sum + each), 0n);
  if (gas === null || price === null) return words;
  return `${words} Gas: ${whole(gas)} units at most, ${tokens(gas * price, 18, "ceil")} of the chain's coin at today's price.`;
}
