import { BaseError, ContractFunctionRevertedError, UserRejectedRequestError } from "viem";
import { expect, test } from "vitest";
import { vaultAbi } from "../src/abi";
import { ApiError } from "../src/api/client";
import { inWords, reasonInWords, venueName } from "../src/words";

/** Error(string) with "vault: paused". */
const PAUSED = `0x08c379a0${(32).toString(16).padStart(64, "0")}${(13).toString(16).padStart(64, "0")}${"7661756c743a20706175736564".padEnd(64, "0")}`;

test("inWords: a contract's reason is explained, and named", () => {
  const error = new ContractFunctionRevertedError({
    abi: vaultAbi,
    data: PAUSED as `0x${string}`,
    functionName: "mint",
  });
  expect(inWords(new BaseError("outer", { cause: error }))).toMatch(/minting has stopped.*\(vault: paused\)/);
});

test("inWords: a refusal in the wallet says that nothing was sent", () => {
  const error = new UserRejectedRequestError(new Error("no"));
  expect(inWords(new BaseError("outer", { cause: error }))).toMatch(/Nothing was sent/);
});

test("inWords: the server's own sentence is kept", () => {
  expect(inWords(new ApiError("The chain gives no answer: try again.", 503))).toBe(
    "The chain gives no answer: try again.",
  );
});

test("reasonInWords: a token that does not move may be of a redemption, or what a mint leaves over", () => {
  const words = reasonInWords("zap: a token does not move");
  expect(words).toMatch(/paid out or given back/);
  expect(words).toMatch(/Mint or redeem in kind/);
});

test("venueName: a venue is called as people call it, and one that nobody knows as it calls itself", () => {
  expect(venueName("uniswap_v3")).toBe("Uniswap V3");
  expect(venueName("pool 0x1234…")).toBe("pool 0x1234…");
});
