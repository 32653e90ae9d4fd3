/** What the connected wallet holds, what it cost, and its lots. */

import { useConnection } from "wagmi";
import { Link } from "wouter";
import { type Position, positionsOf } from "../api/portfolio";
import type { Address } from "../api/wire";
import { transactionPage } from "../chains";
import { CENT, day, signedUsd, usd } from "../format";
import { Answer, Empty, useLive } from "../live";
import { Claims } from "../trade/claims";
import { Amount, Figure, Hex, Table } from "../ui/parts";

export function Portfolio() {
  const { address } = useConnection();
  return (
    <>
      <h1>Portfolio</h1>
      {address ? (
        <Positions account={address} />
      ) : (
        <Empty>Connect a wallet at the top: nothing else is asked of it here.</Empty>
      )}
    </>
  );
}

function Positions(props: { account: Address }) {
  const positions = useLive(["positions", props.account], () => positionsOf(props.account), { slow: true });
  return (
    <Answer query={positions} what="your positions" lines={6}>
      {(found) =>
        found.length === 0 ? (
          <Empty>
            This wallet holds no shares. <Link href="/">Look at the vaults</Link>
          </Empty>
        ) : (
          found.map((each) => <Held key={`${each.chainId}-${each.vault}`} position={each} account={props.account} />)
        )
      }
    </Answer>
  );
}

function gainClass(gain: bigint | null): string {
  if (gain === null || (gain < CENT / 2n && gain > -CENT / 2n)) return "";
  return gain > 0n ? "up" : "down";
}

function Held(props: { position: Position; account: Address }) {
  const { position } = props;
  return (
    <section className="card" aria-label={position.name}>
      <h2>
        <Link href={`/vaults/${position.vault}`}>{position.name}</Link> <span className="quiet">{position.symbol}</span>
      </h2>
      <dl className="figures">
        <Figure label="Shares" value={<Amount of={position.shares} decimals={18} />} />
        <Figure label="Value" value={position.value === null ? "no price" : usd(position.value)} />
        <Figure label="Cost" value={position.cost === null ? "not known" : usd(position.cost)} />
        <Figure
          label="Gain not realised"
          value={
            <span className={gainClass(position.gain)}>
              {position.gain === null ? "not known" : signedUsd(position.gain)}
            </span>
          }
        />
        {position.realised !== null && (
          <Figure
            label="Gain realised"
            value={<span className={gainClass(position.realised)}>{signedUsd(position.realised)}</span>}
          />
        )}
      </dl>
      <Claims position={position} account={props.account} />
      {position.lots.length > 0 && (
        <>
          <h3>Tax lots</h3>
          <Table
            label={`Tax lots of ${position.name}`}
            head={
              <>
                <th scope="col">Acquired</th>
                <th scope="col">Shares</th>
                <th scope="col">Cost</th>
                <th scope="col">Transaction</th>
              </>
            }
          >
            {position.lots.map((lot, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lots have no name of their own and keep their order
              <tr key={index}>
                <th scope="row">{lot.acquired === null ? "not known" : day(lot.acquired)}</th>
                <td>
                  <Amount of={lot.shares} decimals={18} />
                </td>
                <td>{lot.cost === null ? "not known" : usd(lot.cost)}</td>
                <td>
                  {lot.transaction ? (
                    <Hex of={lot.transaction} href={transactionPage(position.chainId, lot.transaction)} />
                  ) : (
                    "—"
                  )}
                </td>
              </tr>
            ))}
          </Table>
        </>
      )}
      {position.disposals.length > 0 && (
        <>
          <h3>What went</h3>
          <Table
            label={`Disposals of ${position.name}`}
            head={
              <>
                <th scope="col">Disposed</th>
                <th scope="col">Acquired</th>
                <th scope="col">Shares</th>
                <th scope="col">Proceeds</th>
                <th scope="col">Gain</th>
              </>
            }
          >
            {position.disposals.map((gone, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: disposals have no name of their own and keep their order
              <tr key={index}>
                <th scope="row">{day(gone.disposed)}</th>
                <td>{gone.acquired === null ? "not known" : day(gone.acquired)}</td>
                <td>
                  <Amount of={gone.shares} decimals={18} />
                </td>
                <td>{usd(gone.proceeds)}</td>
                <td className={gainClass(gone.gain)}>{gone.gain === null ? "not known" : signedUsd(gone.gain)}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
      <p className="quiet small">
        {position.problem ?? "Oldest lots go first. This is bookkeeping at the oracle's prices, not tax advice."}
      </p>
    </section>
  );
}
