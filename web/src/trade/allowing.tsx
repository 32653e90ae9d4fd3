/** How the zap comes to take what is given, in words, and the choice between the two ways where there is one. */
import type { Address } from "../api/wire";
import { Hex } from "../ui/parts";
import { DEADLINE_S, type Step } from "./steps";

/** What the first step allows. */
export function Allowing(props: { step: Step; zap: Address; paid: string }) {
  const { step, zap, paid } = props;
  const whom = (
    <>
      It allows the zap contract <Hex of={zap} />, and nobody else, to take
    </>
  );
  if (step.kind === "approve")
    return (
      <li>
        <strong>One approval comes first.</strong> {whom} {paid} from you when you call it. Nothing is unlimited and
        nothing stays.
      </li>
    );
  if (step.kind === "permit")
    return (
      <li>
        <strong>You sign a permission first, which costs no gas.</strong> {whom} exactly {paid} from you when you call
        it, within {String(DEADLINE_S / 60n)} minutes. One transaction then does it all.
      </li>
    );
  return null;
}

export function ByApproval(props: { wanted: boolean; onWanted: (wanted: boolean) => void }) {
  return (
    <p className="by-approval">
      <label>
        <input type="checkbox" checked={props.wanted} onChange={(event) => props.onWanted(event.target.checked)} /> Send
        an approval in place of signing a permission
      </label>
    </p>
  );
}
