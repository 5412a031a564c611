/**
 * Runs one case on one subject, in this process.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Capabilities, LibOS } from "../../libos/pdpix.ts";
import { within } from "../runtime/_assert.ts";
import { type Case, type Feature, FEATURES } from "./case.ts";
import type { Subject } from "./subject.ts";

/** How a case ended on a subject. `deviates`: it answered otherwise, as is known, and not to be repaired. */
export type Verdict = "pass" | "fail" | "deviates" | "n/a";

/** What came of a case on a subject. */
export interface Result {
  /** The case. */
  readonly id: string;
  /** How it ended. */
  readonly verdict: Verdict;
  /** The answer that it gave; empty if there is none. */
  readonly answer: string;
  /** Why it is not for this subject, deviates or failed; empty if it passed. */
  readonly why: string;
}

/** Seconds until a case that waits for a promise is given up. */
const PATIENCE = 20;

/** Why a case is not for a subject, or undefined if it is. Opens nothing. */
export function notApplicable(one: Case, subject: Subject): string | undefined {
  const deviation = subject.deviations[one.id];
  if (deviation?.answer === "n/a") return deviation.reason;
  const missing = one.needs.find((feature) =>
    !CAPABLE[feature] && !subject.features.includes(feature)
  );
  return missing && FEATURES[missing];
}

/** Features that the capabilities of an open libOS tell. */
const CAPABLE: Partial<Record<Feature, (capabilities: Capabilities) => boolean>> = {
  halfClose: ({ halfClose }) => halfClose,
  pipe: ({ pipes }) => pipes,
  linger: ({ options }) => options.includes("linger"),
  reuseAddress: ({ options }) => options.includes("reuseAddress"),
  maxSegmentSize: ({ options }) => options.includes("maxSegmentSize"),
  noStorage: ({ storage }) => !storage,
};

/** Runs a case on a subject. */
export async function runCase(one: Case, subject: Subject): Promise<Result> {
  const { id } = one;
  const reason = notApplicable(one, subject);
  if (reason !== undefined) return { id, verdict: "n/a", answer: "", why: reason };
  try {
    const libos = subject.open();
    const incapable = one.needs.find((feature) =>
      !(CAPABLE[feature]?.(libos.capabilities) ?? true)
    );
    if (incapable !== undefined) {
      await libos.exit();
      return { id, verdict: "n/a", answer: "", why: FEATURES[incapable] };
    }
    return judge(one, subject, await answer(one, subject, libos));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { id, verdict: "fail", answer: "", why };
  }
}

async function answer(one: Case, subject: Subject, libos: LibOS): Promise<string> {
  const peer = subject.openPeer?.(libos) ?? libos;
  let given: string;
  try {
    given = await within(Promise.resolve(one.run({ subject, libos, peer })), PATIENCE);
  } catch (error) {
    await close(libos, peer);
    throw error;
  }
  const report = await close(libos, peer);
  if (!one.exits) {
    const { leakedBuffers, unusedTokens } = report;
    assertEquals(leakedBuffers, 0, `${leakedBuffers} buffers leaked`);
    assertEquals(unusedTokens, 0, `${unusedTokens} tokens were never waited for`);
  }
  return given;
}

async function close(libos: LibOS, peer: LibOS) {
  // Together, since each may wait for the other to hear of its end; the peer first, since a libOS may block meanwhile.
  const [, report] = await Promise.all([peer.exit(), libos.exit()]);
  return report;
}

function judge({ id, pdpix }: Case, { deviations }: Subject, answer: string): Result {
  const known = deviations[id];
  if (known === undefined) {
    if (answer === pdpix) return { id, verdict: "pass", answer, why: "" };
    return { id, verdict: "fail", answer, why: `answered "${answer}", not "${pdpix}"` };
  }
  if (answer === known.answer) return { id, verdict: "deviates", answer, why: known.reason };
  const why = answer === pdpix
    ? "it keeps the rule now: take its deviation out of the subject"
    : `answered "${answer}", neither "${pdpix}" nor "${known.answer}"`;
  return { id, verdict: "fail", answer, why };
}
