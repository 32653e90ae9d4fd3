/** Mint with one token, or redeem for one: the pools turn it into the basket, or the basket into it. */
import { useState } from "react";
import { useConnection } from "wagmi";
import { ApiError } from "../api/client";
import type { Token } from "../api/wire";
import { zapOf } from "../api/zaps";
import { exact, short, tokens } from "../format";
import { Answer, useLive } from "../live";
import type { WayProps } from "../pages/trade";
import { WrongNetwork } from "../ui/wallet-button";
import { AmountField, read, useSettled } from "./amount";
import { type Purse, purseOf } from "./purse";
import { gasPrice } from "./run";
import { SlippageField } from "./slippage-field";
import { ZapOrderView } from "./zap-order";

/** Units of gas that "Max" leaves the coin for: more than a mint of a large basket takes. */
const GAS = 4_000_000n;
const COIN = "coin";
/** The vault or its pools refuse the amount: nothing went wrong. */
const CONFLICT = 409;

export function OneToken(props: WayProps) {
  const { vault, kind, runner, slippage } = props;
  const { address, chainId } = useConnection();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [byApproval, setByApproval] = useState(false);

  const { zap } = vault;
  const found = zap?.tokens ?? [];
  const token = found.find((each) => keyOf(each) === chosen) ?? found[0];
  const isMint = kind === "mint";
  const decimals = isMint ? (token?.decimals ?? 18) : 18;
  const { amount, fault } = read(text, decimals);
  const settled = useSettled(amount);
  const account = address !== undefined && chainId === vault.chainId ? address : null;
  const given = isMint ? (token?.address ?? null) : vault.address;
  const purse = useLive(
    ["purse", vault.address, kind, token?.address, account],
    () => purseOf(vault.chainId, vault.address, zap?.address ?? "0x", token?.address ?? null, given, account ?? "0x"),
    { enabled: account !== null && token !== undefined && !runner.isBusy },
  );
  const asked = useLive(
    ["zap", kind, vault.address, token?.address, String(settled), account],
    () => zapOf(kind, vault.address, token?.address ?? null, settled ?? 0n, account, slippage.bps),
    { enabled: settled !== null && token !== undefined && !runner.isBusy && !runner.done },
  );
  const price = useLive(["gas price", vault.chainId], () => gasPrice(vault.chainId), { enabled: account !== null });
  if (!zap || !token) return null;

  const held = account === null ? undefined : purse.data;
  const most = held && price.data !== undefined ? mostOf(isMint, token, held, price.data) : 0n;
  const unit = isMint ? token.symbol : vault.symbol;
  const change = (what: () => void) => {
    runner.clear();
    what();
  };
  const choice = (
    <p className="choice">
      <label>
        {isMint ? "Token to pay with" : "Token to receive"}{" "}
        <select value={keyOf(token)} onChange={(event) => change(() => setChosen(event.target.value))}>
          {found.map((each) => (
            <option key={keyOf(each)} value={keyOf(each)}>
              {nameOf(each, found)}
            </option>
          ))}
        </select>
      </label>
    </p>
  );
  return (
    <>
      <div className="card">
        {props.ways}
        <fieldset className="bare" disabled={runner.isBusy}>
          {isMint && choice}
          <AmountField
            label={isMint ? `${token.symbol} to pay` : "Shares to redeem"}
            unit={unit}
            text={text}
            onText={(words) => change(() => setText(words))}
            fault={fault}
            hint={
              held === undefined
                ? "You give this much, and not more."
                : `You hold ${tokens(isMint ? held.token : held.shares, decimals)} ${unit}.`
            }
            onMax={most ? () => change(() => setText(exact(most, decimals))) : undefined}
          />
          {!isMint && choice}
          <SlippageField slippage={{ ...slippage, choose: (bps) => change(() => slippage.choose(bps)) }} />
        </fieldset>
      </div>
      {amount === null || settled === null ? (
        <p className="empty">
          {isMint
            ? "Write how much you pay: the page shows how many shares you get at least, before your wallet is asked for anything."
            : "Write how many shares you give: the page shows what you receive at least, before your wallet is asked for anything."}
        </p>
      ) : asked.error instanceof ApiError && asked.error.status === CONFLICT ? (
        <p className="notice bad" role="alert">
          {asked.error.message}
        </p>
      ) : (
        <Answer query={asked} what="the quote" lines={6}>
          {(zapped) => (
            <ZapOrderView
              key={`${kind}-${keyOf(token)}-${settled}`}
              vault={vault}
              runner={runner}
              order={{ kind, zap: zap.address, vault: vault.address, token: token.address, amount: settled }}
              zapped={zapped}
              bps={slippage.bps}
              isFresh={amount === settled && !(runner.failed && asked.isFetching)}
              account={account}
              held={held}
              byApproval={byApproval}
              onByApproval={setByApproval}
              trouble={account !== null && purse.isError ? purse.error : null}
            />
          )}
        </Answer>
      )}
      {address && account === null && <WrongNetwork chain={vault.chainId} />}
    </>
  );
}

function keyOf(token: Token): string {
  return token.address ?? COIN;
}

/** Two tokens of one name are told apart by their addresses. */
function nameOf(token: Token, all: readonly Token[]): string {
  const isAlone = all.filter((each) => each.symbol === token.symbol).length === 1;
  return isAlone || token.address === null ? token.symbol : `${token.symbol} (${short(token.address)})`;
}

/** All that can be given; of the coin less the gas, whose price is in wei a unit. */
function mostOf(isMint: boolean, token: Token, held: Purse, price: bigint): bigint {
  if (!isMint) return held.shares;
  if (token.address !== null) return held.token;
  const most = held.coin - GAS * price;
  return most > 0n ? most : 0n;
}
