/**
 * The libOSes of Microsoft's library, on devices that every machine has. Each runs in processes of its own,
 * since it may end them, and a thread has one.
 *
 * @module
 */

import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { open } from "../../libos/open.ts";
import { missingLibrary } from "../_needs.ts";
import { inet } from "./sockets.ts";
import type { Deviation, Subject } from "./subject.ts";

function native(libos: NativeLibOS) {
  return {
    libos,
    provider: "demikernel",
    isolated: true,
    missing: missingLibrary(libos),
    open: (options = {}) => open({ libos, provider: "demikernel", ...options }),
  } as const satisfies Partial<Subject>;
}

/** The same deviation of several cases. */
export function all(
  ids: readonly string[],
  answer: string,
  reason: string,
): Readonly<Record<string, Deviation>> {
  return Object.fromEntries(ids.map((id) => [id, { answer, reason }]));
}

/** Cases that need a push that stays pending. */
const PENDING_PUSHES = [
  "close/pending-pushes",
  "close/sends-what-waits",
  "cancel/push",
  "cancel/half-a-push",
  "backpressure/bounded",
  "backpressure/not-read-ahead",
  "backpressure/whole",
  "backpressure/others",
  "backpressure/other-way",
  "backpressure/both-ways",
  "backpressure/by-littles",
  "backpressure/bytes",
  "backpressure/try-push",
  "push/free-pending",
];

const RESETS = [
  "reset/pops",
  "reset/pushes",
  "reset/both",
  "reset/data-before",
  "reset/close",
  "reset/unread",
  "reset/unread-data",
  "names/reset-connected",
  "names/reset-accepted",
];
const NO_RESET = "upstream's close sends no reset, whatever linger says";

/** What is so of all sockets of upstream's. */
const SOCKETS: Readonly<Record<string, Deviation>> = {
  "names/unbound": { answer: "ENOTSUP", reason: "upstream does not tell which port it chose" },
  "connect/cancel": {
    answer: "ECANCELED EINPROGRESS",
    reason: "upstream cannot cancel: the socket goes on to connect",
  },
};

/** What is so of upstream's catnap, whatever it talks with. */
const CATNAP: Readonly<Record<string, Deviation>> = {
  ...SOCKETS,
  "connect/nobody": {
    answer: "ECONNABORTED",
    reason: "upstream tells ECONNABORTED of every connect that fails",
  },
  "connect/refused": {
    answer: "ECONNABORTED",
    reason: "upstream tells ECONNABORTED of every connect that fails",
  },
  ...all(
    ["connect/again", "connect/gone"],
    "ECONNABORTED ECONNABORTED",
    "upstream's socket cannot be connected again",
  ),
  "datagram/empty": { answer: "ENOTSUP", reason: "upstream has no buffers of no bytes" },
  "datagram/empty-harmless": {
    answer: "data",
    reason:
      "upstream receives nothing more after an empty datagram, so the kernel is told to drop them",
  },
};

const CATNAP_PARTS = {
  ...native("catnap"),
  features: ["stream", "datagram", "inet", "channel", "duplex", "bytes", "end"],
  stream: inet("inet", "stream"),
  datagram: inet("inet", "dgram"),
} as const satisfies Partial<Subject>;

let names = 0;

/** See the module's description. */
export const NATIVE: readonly Subject[] = [
  {
    ...CATNAP_PARTS,
    name: "demikernel catnap",
    // Whether a push finds the kernel's buffers full is the race of two threads of the kernel's.
    attempts: 3,
    deviations: {
      ...CATNAP,
      "datagram/empty-harmless": CATNAP["datagram/empty"]!,
      ...all(PENDING_PUSHES, "never pending", "upstream's catnap reads ahead without bound"),
      ...all(RESETS, "n/a", NO_RESET),
    },
  },
  {
    ...CATNAP_PARTS,
    name: "demikernel catnap to catnap",
    deviations: CATNAP,
    openPeer: () => open("catnap"),
  },
  {
    ...native("catloop"),
    name: "demikernel catloop",
    features: ["stream", "inet", "channel", "duplex", "bytes", "end"],
    stream: inet("inet", "stream"),
    deviations: {
      ...SOCKETS,
      "connect/refused": {
        answer: "pending",
        reason: "upstream's catloop waits until somebody listens",
      },
      ...all(
        ["connect/again", "connect/gone"],
        "n/a",
        "upstream's catloop waits until somebody listens",
      ),
      "names/peers": {
        answer: "same same differs",
        reason: "upstream's catloop connects from a port that it chooses, though bound",
      },
      ...all(RESETS, "n/a", NO_RESET),
      "reset/closed-data": {
        answer: "all taken data end end",
        reason: "upstream's catloop takes what is pushed until the peer's end was popped",
      },
      ...all(
        ["listen/takes-connections", "accept/after-connection", "accept/gone"],
        "n/a",
        "upstream's catloop makes a connection when it is accepted, and not before",
      ),
    },
  },
  {
    ...native("catmem"),
    name: "demikernel catmem",
    features: ["channel", "bytes", "end"],
    deviations: {},
    channel(libos) {
      const name = `contract-channel-${Deno.pid}-${names++}`;
      const to = libos.pipe(name, "pop");
      return { from: libos.pipe(name, "push"), to };
    },
  },
];
