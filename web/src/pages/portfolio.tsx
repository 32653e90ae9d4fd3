/** What the connected wallet holds, what it cost, and its lots. */

import { useConnection } from "wagmi";
import { Link } from "wouter";
import { type Address, type Position, positionsOf } from "../api";
import { day, signedUsd, usd } from "../format";
import { Answer, Empty, useLive } from "../live";
import { Amount, Figure, Table } from "../ui/parts";

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
  const positions = useLive(["positions", props.account], () => positionsOf(props.account));
  return (
    <Answer query={positions} what="your positions" lines={6}>
      {(found) =>
        found.length === 0 ? (
          <Empty>
            This wallet holds no shares. <Link href="/">Look at the vaults</Link>
          </Empty>
        ) : (
          found.map((each) => <Held key={each.vault} position={each} />)
        )
      }
    </Answer>
  );
}

function gainClass(gain: bigint | null): string {
  return gain === null || gain === 0n ? "" : gain > 0n ? "up" : "down";
}

function Held(props: { position: Position }) {
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
                <th scope="col">Gain</th>
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
                <td className={gainClass(lot.gain)}>{lot.gain === null ? "not known" : signedUsd(lot.gain)}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </section>
  );
}
