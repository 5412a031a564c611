/**
 * The libOSes and providers in the build: the columns of the table.
 *
 * @module
 */

import { open } from "../../libos/open.ts";
import { hasDatagrams } from "../../libos/deno/datagram_queue.ts";
import type { LibOS } from "../../libos/pdpix.ts";
import { inet, unix } from "./sockets.ts";
import type { Deviation, Subject } from "./subject.ts";
import { CATNIP } from "./subjects_catnip.ts";
import { CATMINT } from "./subjects_catmint.ts";
import { CATPOWDER } from "./subjects_catpowder.ts";
import { CATNIP as NATIVE_CATNIP, CATPOWDER as NATIVE_CATPOWDER } from "./subjects_device.ts";
import { all, NATIVE } from "./subjects_native.ts";
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

const DENO = {
  libos: "catnap",
  provider: "deno",
  isolated: false,
  open: (options = {}): LibOS => open({ libos: "deno:catnap", ...options }),
} as const satisfies Partial<Subject>;

/** What is so of all sockets of Deno's. */
const DENO_SOCKETS: Readonly<Record<string, Deviation>> = {
  "connect/bound": {
    answer: "ENOTSUP",
    reason: "Deno connects from an address of its own choosing",
  },
  ...all(
    ["names/peers", "names/closed"],
    "n/a",
    "Deno connects from an address of its own choosing",
  ),
  "connect/refused": { answer: "connect", reason: "Deno listens as soon as it binds" },
  "connect/again": { answer: "connect EISCONN", reason: "Deno listens as soon as it binds" },
};

const NO_LOOK = "Deno cannot tell whether somebody is bound to a file, but by connecting to it";

function denoInet(domain: "inet" | "inet6"): Subject {
  return {
    ...DENO,
    name: `deno catnap ${domain}`,
    features: [
      "stream",
      ...(hasDatagrams ? ["datagram"] as const : []),
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
    deviations: {
      ...DENO_SOCKETS,
      "datagram/close": {
        answer: "ECANCELED ECANCELED EADDRINUSE",
        reason:
          "Deno lets go of an address in its next go, if something waited for what comes there",
      },
      "reset/unread": {
        answer: "end end ECONNRESET ECONNRESET, ECONNRESET ECONNRESET end end",
        reason: "Deno sends the end before it closes, and so before the reset",
      },
      "reset/unread-data": {
        answer: "one two end end",
        reason: "Deno sends the end before it closes, and so before the reset",
      },
    },
  };
}

const DENO_UNIX: Subject = {
  ...DENO,
  name: "deno catnap unix",
  features: ["stream", "channel", "duplex", "end", "file", "bytes"],
  stream: unix("stream"),
  deviations: {
    ...DENO_SOCKETS,
    "file/another": { answer: "n/a", reason: "Deno removes whatever is at the path by then" },
    "file/stale": { answer: "EADDRINUSE ENOPROTOOPT ECONNREFUSED", reason: NO_LOOK },
    "file/in-use": { answer: "ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT pending", reason: NO_LOOK },
  },
};

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
  denoInet("inet"),
  denoInet("inet6"),
  DENO_UNIX,
  QUEUE,
  ...SIM,
  ...CATPOWDER,
  ...CATNIP,
  ...CATMINT,
  ...NATIVE,
  NATIVE_CATPOWDER,
];

/** Those that need more than the machine of a developer has, and are run when asked for. */
export const ON_REQUEST: readonly Subject[] = [NATIVE_CATNIP];

/** The one of a name. */
export function subjectOf(name: string): Subject {
  const all = [...SUBJECTS, ...ON_REQUEST];
  const subject = all.find((one) => one.name === name);
  if (subject !== undefined) return subject;
  throw new Error(
    `there is no subject "${name}"; there is ${all.map((one) => one.name).join(", ")}`,
  );
}
