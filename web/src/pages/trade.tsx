/** Mint and redeem. A way in or out is one entry of `WAYS`. */
import { type ReactNode, useId, useState } from "react";
import type { Vault } from "../api/vaults";
import type { Address } from "../api/wire";
import { Answer } from "../live";
import { InKind } from "../trade/in-kind";
import { OneToken } from "../trade/one-token";
import { type Runner, useRunner } from "../trade/runner";
import { type Slippage, useSlippage } from "../trade/slippage-field";
import { VaultHead } from "./head";
import { useVault } from "./vault";

export type Kind = "mint" | "redeem";

export interface WayProps {
  vault: Vault;
  kind: Kind;
  runner: Runner;
  slippage: Slippage;
  /** The choice between the ways, which stands on top of a form. */
  ways: ReactNode;
}

// The first that a vault has is the one that is shown.
const WAYS = [
  { id: "token", label: "One token", View: OneToken, isThere: (vault: Vault) => vault.zap !== null },
  { id: "kind", label: "In kind", View: InKind, isThere: () => true },
] as const;

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
  const [chosen, setChosen] = useState<(typeof WAYS)[number]["id"] | null>(null);
  const runner = useRunner(vault.chainId);
  const slippage = useSlippage();
  const name = useId();
  const there = WAYS.filter((each) => each.isThere(vault));
  const way = there.find((each) => each.id === chosen) ?? there[0];
  if (!way) return null;
  const { View } = way;
  return (
    <div className="trade">
      {kind === "mint" && vault.mode !== "open" && (
        <div className="notice bad" role="alert">
          <p>
            <strong>The vault is {vault.mode}: it takes no deposits.</strong> Redeeming works.
          </p>
        </div>
      )}
      <View
        vault={vault}
        kind={kind}
        runner={runner}
        slippage={slippage}
        ways={
          there.length > 1 && (
            <fieldset className="ways" disabled={runner.isBusy}>
              <legend>{kind === "mint" ? "Pay with" : "Receive"}</legend>
              {there.map((each) => (
                <label key={each.id}>
                  <input
                    type="radio"
                    name={name}
                    checked={each === way}
                    onChange={() => {
                      runner.clear();
                      setChosen(each.id);
                    }}
                  />{" "}
                  {each.label}
                </label>
              ))}
            </fieldset>
          )
        }
      />
    </div>
  );
}
