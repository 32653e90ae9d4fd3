/** What redemptions could not pay, and the way to fetch it. */
import { useConnection } from "wagmi";
import type { Claim, Position } from "../api/portfolio";
import type { Address } from "../api/wire";
import { tokens } from "../format";
import { WrongNetwork } from "../ui/wallet-button";
import { Transactions, useRunner } from "./runner";

export function Claims(props: { position: Position; account: Address }) {
  const { position, account } = props;
  const { chainId } = useConnection();
  const runner = useRunner(position.chainId);
  if (position.claims.length === 0 && runner.running === null) return null;
  const isHere = chainId === position.chainId;
  const fetch = (claim: Claim, title: string) =>
    runner.start([{ kind: "claim", title, vault: position.vault, asset: claim.address, receiver: account }], account);
  return (
    <>
      <h3>Kept for you</h3>
      <p>
        What did not move when you redeemed, because its token was paused or blocked the vault, stays there for you.
        Nobody else can fetch it.
      </p>
      {!isHere && <WrongNetwork chain={position.chainId} />}
      {position.claims.map((claim) => {
        const title = `Fetch ${tokens(claim.amount, claim.decimals)} ${claim.symbol}`;
        return (
          <button
            key={claim.address}
            type="button"
            className="main"
            disabled={runner.isBusy || runner.isLost || !isHere}
            onClick={() => fetch(claim, title)}
          >
            {title}
          </button>
        );
      })}
      <Transactions runner={runner} chain={position.chainId}>
        <strong>It came to you.</strong>
      </Transactions>
    </>
  );
}
