/**
 * The libOSes and providers in the build: the columns of the table.
 *
 * @module
 */

import { open } from "../../libos/open.ts";
import type { LibOS } from "../../libos/pdpix.ts";
import { inet, unix } from "./sockets.ts";
import type { Subject } from "./subject.ts";
import { CATPOWDER } from "./subjects_catpowder.ts";
import { CATNIP, CATPOWDER as NATIVE_CATPOWDER } from "./subjects_device.ts";
import { NATIVE } from "./subjects_native.ts";
import { SIM } from "./subjects_sim.ts";

const CATNAP = {
  libos: "catnap",
  provider: "typescript",
  isolated: false,
  open: (options = {}): LibOS => open({ libos: "catnap", ...options }),
} as const satisfies Partial<Subject>;

function catnapInet(domain: "inet" | "inet6"): Subject {
  return {
    ...CATNAP,
    name: `catnap ${domain}`,
    features: [
      "stream",
      "datagram",
      "inet",
      "channel",
      "duplex",
      "bytes",
      "end",
      "nodelay",
      ...(domain === "inet6" ? ["ipv6"] as const : []),
    ],
    stream: inet(domain, "stream"),
    datagram: inet(domain, "dgram"),
    deviations: {},
  };
}

function catnapUnix(type: "stream" | "seqpacket"): Subject {
  return {
    ...CATNAP,
    name: `catnap unix ${type}`,
    features: [
      "stream",
      "channel",
      "duplex",
      "end",
      "file",
      type === "stream" ? "bytes" : "records",
    ],
    stream: unix(type),
    deviations: {},
  };
}

/** The in-memory queue that every libOS has: both ends of its channel are one. */
const QUEUE: Subject = {
  ...CATNAP,
  name: "queue",
  features: ["queue", "channel", "records"],
  deviations: {},
  channel(libos) {
    const qd = libos.queue();
    return { from: qd, to: qd };
  },
};

/** All that are run by the tests. */
export const SUBJECTS: readonly Subject[] = [
  catnapInet("inet"),
  catnapInet("inet6"),
  catnapUnix("stream"),
  catnapUnix("seqpacket"),
  QUEUE,
  ...SIM,
  ...CATPOWDER,
  ...NATIVE,
  NATIVE_CATPOWDER,
];

/** Those that need more than the machine of a developer has, and are run when asked for. */
export const ON_REQUEST: readonly Subject[] = [CATNIP];

/** The one of a name. */
export function subjectOf(name: string): Subject {
  const all = [...SUBJECTS, ...ON_REQUEST];
  const subject = all.find((one) => one.name === name);
  if (subject !== undefined) return subject;
  throw new Error(
    `there is no subject "${name}"; there is ${all.map((one) => one.name).join(", ")}`,
  );
}
