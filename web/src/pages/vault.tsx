import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { type NavPoint, navOf, type Rebalance, rebalancesOf } from "../api/past";
import { type Vault, vaultOf } from "../api/vaults";
import type { Address } from "../api/wire";
import { transactionPage } from "../chains";
import { bps, moment, percent, ratio, usd } from "../format";
import { Answer, Empty, useLive } from "../live";
import { Balance, reach } from "../pictures/balance";
import { Flow } from "../pictures/flow";
import type { Prices } from "../pictures/layout";
import { Path } from "../pictures/path";
import { Amount, Figure, Hex, Section, Table } from "../ui/parts";
import { VaultHead } from "./head";

const SHOWN = 5;

export function useVault(address: Address) {
  return useLive(["vault", address], () => vaultOf(address));
}

/** Oracle prices as the pictures need them. */
export function pricesOf(vault: Vault): Prices {
  return new Map(
    vault.assets
      .filter((each) => each.price !== null)
      .map((each) => [each.address.toLowerCase(), Number(each.price) / 1e18]),
  );
}

export function VaultPage(props: { address: Address }) {
  const vault = useVault(props.address);
  return (
    <Answer query={vault} what="this vault" lines={8}>
      {(found) => (
        <>
          <VaultHead vault={found} title="Overview" />
          <Overview vault={found} />
        </>
      )}
    </Answer>
  );
}

function Overview(props: { vault: Vault }) {
  const { vault } = props;
  const nav = useLive(["nav", vault.address], () => navOf(vault.address), { slow: true });
  const rebalances = useLive(["rebalances", vault.address], () => rebalancesOf(vault.address, SHOWN), { slow: true });
  useNews(vault);
  return (
    <>
      {vault.problem && (
        <div className="notice bad" role="alert">
          <p>
            <strong>No prices now.</strong> {vault.problem}. Minting and redeeming in kind need none.
          </p>
        </div>
      )}
      <dl className="figures">
        <Figure label="NAV per share" value={vault.navPerShare === null ? "no price" : usd(vault.navPerShare)} />
        <Figure label="NAV" value={vault.nav === null ? "no price" : usd(vault.nav)} />
        <Figure label="Shares" value={<Amount of={vault.supply} decimals={18} />} />
        <Figure
          label="Drift"
          value={vault.drift === null ? "no price" : percent(vault.drift)}
          note="what would have to trade to be on target"
        />
      </dl>
      <Holdings vault={vault} />
      <Section title="NAV per share over time">
        <Answer query={nav} what="the history of NAV" lines={5}>
          {(points: NavPoint[]) =>
            points.length < 2 ? <Empty>There is no history yet.</Empty> : <Path points={points} />
          }
        </Answer>
      </Section>
      <Costs vault={vault} />
      <Section title="Last rebalances">
        <Answer query={rebalances} what="the rebalances">
          {(found: Rebalance[]) =>
            found.length === 0 ? (
              <Empty>None yet: no weight has left its band, and no time has come.</Empty>
            ) : (
              <ol className="rebalances">
                {found.map((each) => (
                  <li key={each.transaction} className="card">
                    <Filled rebalance={each} vault={vault} />
                  </li>
                ))}
              </ol>
            )
          }
        </Answer>
      </Section>
      <Roles vault={vault} />
    </>
  );
}

/** What was traded, or came and went, is a part of the past at once, however slowly that is asked for by itself. */
function useNews(vault: Vault) {
  const queries = useQueryClient();
  const held = vault.assets.map((each) => each.balance).join();
  const before = useRef(held);
  useEffect(() => {
    if (before.current === held) return;
    before.current = held;
    for (const what of ["nav", "rebalances"]) void queries.invalidateQueries({ queryKey: [what, vault.address] });
  }, [held, queries, vault.address]);
}

function Holdings(props: { vault: Vault }) {
  const { vault } = props;
  const furthest = reach(vault.assets);
  return (
    <Section
      title="Holdings against targets"
      aside={
        <p className="key" aria-hidden="true">
          <i className="weight" /> weight <i className="target" /> target <i className="band" /> band
        </p>
      }
    >
      <Table
        label="Holdings against targets and bands"
        head={
          <>
            <th scope="col">Asset</th>
            <th scope="col" className="picture">
              <span className="hidden">Picture</span>
            </th>
            <th scope="col">Weight</th>
            <th scope="col">Target</th>
            <th scope="col">Band</th>
            <th scope="col">Held</th>
            <th scope="col">Value</th>
          </>
        }
      >
        {vault.assets.map((asset) => (
          <tr key={asset.address}>
            <th scope="row" title={asset.address}>
              {asset.symbol}
            </th>
            <td className="picture">
              <Balance asset={asset} reach={furthest} />
            </td>
            <td>{asset.weight === null ? "no price" : percent(asset.weight)}</td>
            <td>{percent(asset.target)}</td>
            <td>± {percent(asset.band)}</td>
            <td>
              <Amount of={asset.balance} decimals={asset.decimals} />
            </td>
            <td>{asset.value === null ? "no price" : usd(asset.value)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function Costs(props: { vault: Vault }) {
  const { fees } = props.vault;
  return (
    <Section title="What it costs">
      <dl className="figures">
        <Figure label="To mint" value={percent(fees.mint, 3)} note="of the shares" />
        <Figure label="To redeem" value={percent(fees.redeem, 3)} note="of the shares" />
        <Figure label="To hold" value={percent(fees.streaming, 3)} note="a year, in new shares" />
      </dl>
      <p className="quiet">
        {fees.recipient ? (
          <>
            Fees go to <Hex of={fees.recipient} />.{" "}
          </>
        ) : (
          "Nobody takes a fee. "
        )}
        Trading costs what the rebalances below lost against the oracle; their gas is the keeper's.
      </p>
    </Section>
  );
}

function Filled(props: { rebalance: Rebalance; vault: Vault }) {
  const { rebalance, vault } = props;
  const lost = ratio(rebalance.valueOut - rebalance.valueIn, rebalance.valueOut);
  return (
    <>
      <p>
        <strong>{usd(rebalance.valueOut)} traded</strong>
        {lost !== null && (
          <>
            , {lost <= 0n ? "gaining" : "losing"} {bps(lost < 0n ? -lost : lost)} against the oracle
          </>
        )}
        ; drift {percent(rebalance.driftBefore)} to {percent(rebalance.driftAfter)}
        {rebalance.gasUsd !== null && <>; gas {usd(rebalance.gasUsd)}</>}
      </p>
      <p className="quiet">
        Pool fees {usd(rebalance.poolFees)}, price impact {usd(rebalance.impact)}, kept by the executor{" "}
        {usd(rebalance.kept)}.
      </p>
      <p className="quiet">
        {moment(rebalance.time)},{" "}
        <Hex of={rebalance.transaction} href={transactionPage(vault.chainId, rebalance.transaction)} />
      </p>
      {rebalance.legs.length > 0 && (
        <Flow legs={rebalance.legs} prices={pricesOf(vault)} label={`Route of ${moment(rebalance.time)}`} />
      )}
    </>
  );
}

function Roles(props: { vault: Vault }) {
  return (
    <Section title="Who may do what">
      <Table
        label="Roles"
        head={
          <>
            <th scope="col">Role</th>
            <th scope="col">Who</th>
            <th scope="col" className="left">
              May
            </th>
          </>
        }
      >
        {props.vault.roles.map((role) => (
          <tr key={role.name}>
            <th scope="row">{role.name}</th>
            <td>
              {role.holder ? <Hex of={role.holder} /> : "—"}
              {role.isContract && <span className="quiet"> contract</span>}
              {role.pending && (
                <span className="quiet">
                  {" "}
                  then <Hex of={role.pending} />
                </span>
              )}
            </td>
            <td className="left prose">{role.may}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
