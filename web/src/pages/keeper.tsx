/** What the keeper would do with a vault now, and why. */
import { type Decision, decisionOf } from "../api/keeper";
import type { Vault } from "../api/vaults";
import type { Address } from "../api/wire";
import { bps, moment, percent, ratio, span, usd } from "../format";
import { Answer, Empty, useLive } from "../live";
import { Flow } from "../pictures/flow";
import { Figure, Section } from "../ui/parts";
import { VaultHead } from "./head";
import { pricesOf, useVault } from "./vault";

const WORDS: Record<string, string> = { wait: "Wait", open: "Open a rebalance", rebalance: "Rebalance" };

export function Keeper(props: { address: Address }) {
  const vault = useVault(props.address);
  return (
    <Answer query={vault} what="this vault" lines={8}>
      {(found) => (
        <>
          <VaultHead vault={found} title="Keeper" />
          <Now vault={found} />
        </>
      )}
    </Answer>
  );
}

function Now(props: { vault: Vault }) {
  const { vault } = props;
  const decision = useLive(["decision", vault.address], () => decisionOf(vault.address));
  return (
    <>
      <Answer query={decision} what="the keeper's decision" lines={6}>
        {(found) => <Decided decision={found} vault={vault} />}
      </Answer>
      <Section title="What bounds it">
        <dl className="figures">
          <Figure label="Drift" value={vault.drift === null ? "no price" : percent(vault.drift)} />
          <Figure label="Due because of" value={vault.triggers.join(", ") || "nothing"} />
          <Figure
            label="Price bound"
            value={percent(vault.bound)}
            note={vault.isOpen ? "least value in per value out, now" : "at the opening of a rebalance"}
          />
        </dl>
        <p className="quiet">Anybody may run a keeper. Whoever it is, the vault holds every rebalance to this bound.</p>
      </Section>
    </>
  );
}

function Decided(props: { decision: Decision; vault: Vault }) {
  const { decision, vault } = props;
  const { valueIn, valueOut } = decision;
  const lost = valueIn === null || valueOut === null ? null : ratio(valueOut - valueIn, valueOut);
  return (
    <Section title="What the keeper would do now">
      <div className="card" aria-live="polite">
        <p>
          <strong className="verdict">{WORDS[decision.kind] ?? decision.kind}</strong>
        </p>
        <p>{sentence(decision.reason)}</p>
        <p className="quiet">
          At block {decision.block}, {moment(decision.time)}
          {decision.until !== null && decision.until > decision.time && (
            <>
              ; again in {span(decision.until - decision.time)}, at {moment(decision.until)}
            </>
          )}
        </p>
      </div>
      {valueOut !== null && valueIn !== null && (
        <dl className="figures">
          <Figure label="Sells" value={usd(valueOut)} />
          <Figure
            label="Buys"
            value={usd(valueIn)}
            note={lost === null ? undefined : `${bps(lost)} under the oracle`}
          />
          {decision.gasUsd !== null && <Figure label="Gas" value={usd(decision.gasUsd)} />}
          {decision.gapBps !== null && (
            <Figure
              label="Certified gap"
              value={`${decision.gapBps.toFixed(2)} bps`}
              note="no route over these pools is better by more"
            />
          )}
        </dl>
      )}
      {decision.partialReason && <p className="quiet">Only a part trades: {decision.partialReason}.</p>}
      {decision.legs.length > 0 ? (
        <Flow legs={decision.legs} prices={pricesOf(vault)} label="Route of the rebalance" />
      ) : (
        <Empty>No swap now.</Empty>
      )}
    </Section>
  );
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
