/**
 * Socket options: each is set and read back, and what is wrong is refused before it is set.
 *
 * @module
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { assertCode } from "../runtime/_assert.ts";
import { accept, listening, outcome, withCatnap } from "./_catnap.ts";
import type { Domain, LibOS, SocketOptions, SocketType } from "../../libos/pdpix.ts";

type Option = keyof SocketOptions;

/** Sets an option to what its type may not allow. */
function set(libos: LibOS, qd: number, option: Option, value: unknown): void {
  libos.setsockopt(qd, option, value as never);
}

const SOCKETS: readonly (readonly [Domain, SocketType])[] = [
  ["inet", "stream"],
  ["inet6", "stream"],
  ["inet", "dgram"],
  ["inet6", "dgram"],
];

const VALUES: readonly (readonly [Option, readonly unknown[], SocketType?])[] = [
  ["nodelay", [false, true], "stream"],
  ["maxSegmentSize", [88, 1000, 32_767], "stream"],
  ["linger", [null, 0, 1, 3600, null]],
  ["keepalive", [true, false], "stream"],
  ["reusePort", [true, false]],
  ["reuseAddress", [true, false]],
  ["broadcast", [true, false]],
  ["multicastTtl", [0, 1, 255], "dgram"],
  ["multicastLoopback", [false, true], "dgram"],
];

for (const [domain, type] of SOCKETS) {
  Deno.test(`every option is read back as it was set (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const qd = libos.socket(domain, type);
      for (const [option, values, only] of VALUES) {
        if (only !== undefined && only !== type) continue;
        for (const value of values) {
          set(libos, qd, option, value);
          assertEquals<unknown>(libos.getsockopt(qd, option), value, option);
        }
      }
      for (const option of ["sendBuffer", "receiveBuffer"] as const) {
        libos.setsockopt(qd, option, 20_000);
        assertEquals(libos.getsockopt(qd, option), 40_000, "the kernel doubles it");
      }
    }));
}

Deno.test("every option of the capabilities is known to a socket, and no other", () =>
  withCatnap((libos) => {
    const qd = libos.socket("inet", "dgram");
    const setOnly = ["multicastJoin", "multicastLeave"];
    for (const option of libos.capabilities.options) {
      if (setOnly.includes(option)) assertCode("ENOPROTOOPT", () => libos.getsockopt(qd, option));
      else if (option !== "nodelay" && option !== "maxSegmentSize") libos.getsockopt(qd, option);
    }
    assertCode("ENOPROTOOPT", () => libos.getsockopt(qd, "color" as Option));
    assertCode("ENOPROTOOPT", () => set(libos, qd, "toString" as Option, true));
  }));

Deno.test("keepalive with times sets them all, or none", () =>
  withCatnap((libos) => {
    const qd = libos.socket("inet", "stream");
    libos.setsockopt(qd, "keepalive", { idle: 10, interval: 5, count: 3 });
    assertEquals(libos.getsockopt(qd, "keepalive"), true);
    libos.setsockopt(qd, "keepalive", false);
    for (
      const times of [{ idle: 0 }, { interval: 32768 }, { count: 128 }, { idle: 10, count: "3" }]
    ) {
      assertCode("EINVAL", () => set(libos, qd, "keepalive", times));
    }
    assertEquals(libos.getsockopt(qd, "keepalive"), false);
    libos.setsockopt(qd, "keepalive", {});
    assertEquals(libos.getsockopt(qd, "keepalive"), true);
  }));

Deno.test("nodelay is on from the start, for those that connect and those accepted", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    const client = libos.socket("inet", "stream");
    assertEquals(libos.getsockopt(client, "nodelay"), true);
    const connect = libos.connect(client, listener.address);
    assertEquals(libos.getsockopt(accept(libos, listener.qd), "nodelay"), true);
    assertEquals(outcome(libos, connect), "connect");
  }));

const NULL_PROTOTYPE = Object.create(null);

/** What is no value of anything. */
const WRONG: readonly unknown[] = [
  undefined,
  "1",
  NaN,
  -1,
  0.5,
  2 ** 31,
  1n,
  Symbol("x"),
  [],
  {},
  NULL_PROTOTYPE,
  () => {},
];

Deno.test("setsockopt() throws EINVAL for a wrong value, and sets nothing", () =>
  withCatnap((libos) => {
    const options = libos.capabilities.options;
    for (const domain of ["inet", "inet6"] as const) {
      const qd = libos.socket(domain, "dgram");
      for (const option of options) {
        for (const value of WRONG) {
          if (option === "keepalive" && typeof value === "object") continue;
          assertCode("EINVAL", () => set(libos, qd, option, value));
        }
      }
      for (const flag of ["reusePort", "broadcast", "keepalive"] as const) {
        assertCode("EINVAL", () => set(libos, qd, flag, 1));
        assertCode("EINVAL", () => set(libos, qd, flag, null));
        assertEquals(libos.getsockopt(qd, flag), false);
      }
      assertCode("EINVAL", () => libos.setsockopt(qd, "multicastTtl", 256));
      assertCode("EINVAL", () => libos.setsockopt(qd, "sendBuffer", 0));
      assertCode("EINVAL", () => libos.setsockopt(qd, "maxSegmentSize", 87));
    }
  }));

Deno.test("setsockopt() throws EINVAL for a group or an interface that is none", () =>
  withCatnap((libos) => {
    const inet = libos.socket("inet", "dgram");
    const inet6 = libos.socket("inet6", "dgram");
    const group = "239.0.0.1";
    for (
      const [qd, membership] of [
        [inet, null],
        [inet, { group: NULL_PROTOTYPE }],
        [inet, { group: "name.example" }],
        [inet, { group: "ff02::1" }],
        [inet, { group: "127.0.0.1", interface: "127.0.0.1" }],
        [inet, { group, interface: "lo" }],
        [inet, { group, interface: "::1" }],
        [inet, { group, interface: NULL_PROTOTYPE }],
        [inet6, { group }],
        [inet6, { group: "ff02::1", interface: -1 }],
        [inet6, { group: "ff02::1", interface: "1" }],
        [inet6, { group: "::1" }],
      ] as const
    ) {
      for (const option of ["multicastJoin", "multicastLeave"] as const) {
        const call = () => set(libos, qd, option, membership);
        if (membership?.group === "127.0.0.1" && option === "multicastLeave") continue;
        if (membership?.group === "::1" && option === "multicastLeave") continue;
        assertCode("EINVAL", call);
      }
    }
    assertCode(
      "ENODEV",
      () => set(libos, inet, "multicastJoin", { group, interface: "192.0.2.1" }),
    );
    assertCode(
      "ENODEV",
      () => set(libos, inet6, "multicastJoin", { group: "ff02::1", interface: 9999 }),
    );
  }));

Deno.test("an option that a kind of socket has not is refused by the kernel, and told", () =>
  withCatnap((libos) => {
    const unix = libos.socket("unix", "stream");
    assertCode("ENOTSUP", () => libos.setsockopt(unix, "nodelay", true));
    assertCode("ENOTSUP", () => libos.getsockopt(unix, "multicastTtl"));
    const datagram = libos.socket("inet", "dgram");
    assertCode("ENOPROTOOPT", () => libos.setsockopt(datagram, "nodelay", true));
  }));

Deno.test("reusePort lets two sockets have one port", () =>
  withCatnap((libos) => {
    const [first, second] = [libos.socket("inet", "stream"), libos.socket("inet", "stream")];
    for (const qd of [first, second]) libos.setsockopt(qd, "reusePort", true);
    libos.bind(first, { hostname: "127.0.0.1", port: 0 });
    libos.bind(second, libos.getsockname(first));
    assertEquals(libos.getsockname(second), libos.getsockname(first));
    libos.listen(first);
    libos.listen(second);
  }));

Deno.test("a send buffer of the least size still sends all", () =>
  withCatnap((libos) => {
    const qd = libos.socket("inet", "stream");
    libos.setsockopt(qd, "sendBuffer", 1);
    assertGreaterOrEqual(libos.getsockopt(qd, "sendBuffer"), 2);
  }));
