/**
 * The libOSes of Microsoft's library that have a device for themselves: one end of a wire, with the Linux kernel on
 * the other. A libOS cannot talk with itself over a device, so the peer is catnap, in a network namespace of its own.
 *
 * @module
 */

import type { NativeConfiguration } from "../../libos/demikernel/configuration.ts";
import { open } from "../../libos/open.ts";
import type { LibOS, SocketType } from "../../libos/pdpix.ts";
import { Namespace } from "../_network/namespace.ts";
import {
  DEVICE,
  ealOnTap,
  equipKernelEnd,
  KERNEL,
  LIBOS,
  missingForNetwork,
  NEIGHBOURS,
  Network,
  TAP,
} from "../_network/network.ts";
import { missingLibrary } from "../_needs.ts";
import type { Deviation, Sockets, Subject } from "./subject.ts";
import { all } from "./subjects_native.ts";

function sockets(type: SocketType): Sockets {
  return {
    domain: "inet",
    type,
    address: ({ provider }) => ({
      hostname: provider === "demikernel" ? LIBOS.address : KERNEL.address,
      port: 0,
    }),
    wildcard: "0.0.0.0",
    nonlocal: "192.0.2.1",
    stranger: { hostname: "::1", port: 0 },
  };
}

/** Cases in which the libOS closes a connection before its peer does. */
const CLOSES_FIRST = [
  "exit/report",
  "pop/end",
  "pop/end-at-once",
  "close/twice",
  "close/every-call",
  "close/sends-all",
  "close/crossing",
  "close/others",
  "coroutine/end",
];

/** Cases in which the peer resets a connection: it closes while there is data that it has not read. */
const RESETS = [
  "reset/pops",
  "reset/pushes",
  "reset/both",
  "reset/data-before",
  "reset/close",
  "reset/closed",
  "reset/try-push",
  "reset/closed-data",
  "reset/unread",
  "reset/unread-data",
  "names/reset-connected",
  "names/reset-accepted",
  "bind/connecting",
  "listen/connecting",
  "accept/connecting",
  "connect/connecting",
  "connect/cancel",
  "push/connecting",
  "push/twice",
  "push/use-after",
  "close/pending-connect",
  "wait/twice",
  "waitAny/no-token",
  "waitAll/arguments",
  "waitNextN/count",
  "waitNextN/used-up",
  "cancel/used-up",
];

/** Cases in which the peer's receive window is full for a while. */
const FULL_WINDOWS = [
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

/** What is so of all that upstream's own TCP does. */
const DEVIATIONS: Readonly<Record<string, Deviation>> = {
  ...all(CLOSES_FIRST, "n/a", "upstream's close blocks the thread until the peer has closed, too"),
  ...all(RESETS, "n/a", "upstream's close blocks the thread for 120 s after a reset"),
  ...all(
    FULL_WINDOWS,
    "n/a",
    "upstream does not look at the window of a segment that acknowledges nothing new, so a push that met a full " +
      "window may stay pending for ever",
  ),
  "connect/nobody": { answer: "pending", reason: "upstream tries for 15 s" },
  ...all(
    ["connect/again", "connect/gone"],
    "ECONNREFUSED ECONNREFUSED",
    "upstream's socket cannot be connected again",
  ),
  "names/unbound": { answer: "ENOTSUP", reason: "upstream does not tell which port it chose" },
  "options/linger": {
    answer: "0 5 0 null",
    reason: "upstream's linger is the length of TIME_WAIT, which begins as 0 here",
  },
  "datagram/empty": { answer: "ENOTSUP", reason: "upstream has no buffers of no bytes" },
  "datagram/loopback": {
    answer: "n/a",
    reason: "what is sent to the own address goes out of the device, and does not come back",
  },
};

const PARTS = {
  provider: "demikernel",
  isolated: true,
  // Upstream compares checksums of TCP where it ought to sum, and so drops a segment whose checksum is 0xffff in place of
  // 0, which is as good, and each time that it is sent again: one segment in 65 536, and the suite takes ten thousand.
  attempts: 3,
  features: ["stream", "datagram", "inet", "channel", "duplex", "bytes", "end"],
  stream: sockets("stream"),
  datagram: sockets("dgram"),
  deviations: DEVIATIONS,
  openPeer: () => open("catnap"),
} as const satisfies Partial<Subject>;

/** Opens a libOS. It is on a host that is made the first time: a process has one for good. */
function opener(
  libos: "catpowder" | "catnip",
  configuration: NativeConfiguration,
  first: (open: () => LibOS) => LibOS,
): Subject["open"] {
  let made = false;
  return (options = {}) => {
    const openIt = () =>
      open({
        libos,
        provider: "demikernel",
        configuration: { ...LIBOS, neighbours: NEIGHBOURS, ...configuration },
        ...options,
      });
    if (made) return openIt();
    made = true;
    return first(openIt);
  };
}

/** catpowder, on a pair of virtual Ethernet devices. */
export const CATPOWDER: Subject = {
  ...PARTS,
  name: "demikernel catpowder",
  libos: "catpowder",
  get missing() {
    return missingLibrary("catpowder") ?? missingForNetwork();
  },
  open: opener("catpowder", { interface: DEVICE }, (open) => {
    const { libos: host, kernel } = new Network();
    host.enterWithSysfs();
    const libos = open();
    // The socket of the device stays where it was made; those of the peer are made here.
    kernel.enter();
    return libos;
  }),
};

/** catnip, on a tap device: it has one end through DPDK, and the kernel of the same host the other. */
export const CATNIP: Subject = {
  ...PARTS,
  name: "demikernel catnip",
  libos: "catnip",
  get missing() {
    return missingLibrary("catnip") ?? missingForNetwork();
  },
  open: opener("catnip", { ealInit: ealOnTap() }, (open) => {
    const host = new Namespace();
    host.enterWithSysfs();
    const libos = open();
    equipKernelEnd(host, TAP);
    return libos;
  }),
};
