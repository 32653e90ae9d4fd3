/** Mint and redeem. A way in or out is one entry of `WAYS`: in kind now, one token when its quotes are served. */
import { useId, useState } from "react";
import { type Address, quoteOf, type Vault } from "../api";
import { parseAmount, percent, tokens, usd } from "../format";
import { Answer, useLive } from "../live";
import { InKind } from "../trade/in-kind";
import { VaultHead } from "./head";
import { useVault } from "./vault";

export type Kind = "mint" | "redeem";

const WAYS = [{ id: "kind", label: "In kind", View: InKind }] as const;

export function Trade(props: { address: Address; kind: Kind }) {
  const vault = useVault(props.address);
  return (
    <Answer query={vault} what="this vault" lines={8}>
      {(found) => (
        <>
          <VaultHead vault={found} title={props.kind === "mint" ? "Mint" : "Redeem"} />
          <Form vault={found} kind={props.kind} />
        </>
      )}
    </Answer>
  );
}

function Form(props: { vault: Vault; kind: Kind }) {
  const { vault, kind } = props;
  const [text, setText] = useState("");
  const [way, setWay] = useState<(typeof WAYS)[number]["id"]>("kind");
  const id = useId();
  const { shares, fault } = read(text);
  const quote = useLive(
    ["quote", kind, vault.address, String(shares)],
    () => quoteOf(kind, vault.address, shares ?? 0n),
    { enabled: shares !== null },
  );
  const fee = kind === "mint" ? vault.fees.mint : vault.fees.redeem;
  const { View } = WAYS.find((each) => each.id === way) ?? WAYS[0];
  return (
    <div className="trade">
      {kind === "mint" && vault.mode !== "open" && (
        <div className="notice bad" role="alert">
          <p>
            <strong>The vault is {vault.mode}: it takes no deposits.</strong> Redeeming works.
          </p>
        </div>
      )}
      <div className="card">
        {WAYS.length > 1 && (
          <fieldset className="ways">
            <legend>{kind === "mint" ? "Pay with" : "Receive"}</legend>
            {WAYS.map((each) => (
              <label key={each.id}>
                <input type="radio" name={id} checked={each.id === way} onChange={() => setWay(each.id)} /> {each.label}
              </label>
            ))}
          </fieldset>
        )}
        <label htmlFor={`${id}-shares`}>Shares to {kind}</label>
        <div className="amount">
          <input
            id={`${id}-shares`}
            inputMode="decimal"
            autoComplete="off"
            placeholder="0.0"
            value={text}
            aria-invalid={fault !== null}
            aria-describedby={`${id}-hint`}
            onChange={(event) => setText(event.target.value)}
          />
          <span className="unit">{vault.symbol}</span>
        </div>
        <p id={`${id}-hint`} className={fault ? "bad small" : "quiet small"} role={fault ? "alert" : undefined}>
          {fault ??
            (shares !== null && vault.navPerShare !== null
              ? `Worth ${usd((shares * vault.navPerShare) / 10n ** 18n)} at the oracle's prices.`
              : `One share is worth ${vault.navPerShare === null ? "what its basket is" : usd(vault.navPerShare)}.`)}
          {fee > 0n && ` The vault keeps ${percent(fee, 3)} of the shares.`}
        </p>
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
            <View
              key={`${kind}-${shares}`}
              vault={vault}
              kind={kind}
              shares={shares}
              quote={found}
              label={`${tokens(shares, 18)} ${vault.symbol}`}
              onAll={(all) => setText(all)}
            />
          )}
        </Answer>
      )}
    </div>
  );
}

function read(text: string): { shares: bigint | null; fault: string | null } {
  if (text.trim() === "") return { shares: null, fault: null };
  try {
    return { shares: parseAmount(text, 18), fault: null };
  } catch (error) {
    return { shares: null, fault: (error as Error).message };
  }
}
