/**
 * Addresses: what is accepted, how it is told, and what is refused.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { assertCode } from "../runtime/_assert.ts";
import { PeerTable } from "../../libos/catnap/address.ts";
import { encodeSockaddr } from "../../ffi/libc/sockaddr.ts";
import { accept, outcome, receive, send, withCatnap } from "./_catnap.ts";
import type { ErrnoName } from "../../libos/error.ts";
import type { Domain, SocketAddress } from "../../libos/pdpix.ts";

const NULL_PROTOTYPE = Object.create(null);

/** What is refused, and how, by the domain of the socket. */
const REFUSED: readonly (readonly [Domain, unknown, ErrnoName])[] = [
  ...["inet", "inet6", "unix"].flatMap((domain) =>
    [undefined, null, 7, 7n, "127.0.0.1:80", Symbol("x"), true, () => {}].map((address) =>
      [domain as Domain, address, "EINVAL"] as const
    )
  ),
  ...["inet", "inet6", "unix"].flatMap((domain) =>
    [{}, [], NULL_PROTOTYPE, { port: 1 }].map((address) =>
      [domain as Domain, address, "EAFNOSUPPORT"] as const
    )
  ),
  ["inet", { path: "/tmp/socket" }, "EAFNOSUPPORT"],
  ["unix", { hostname: "127.0.0.1", port: 1 }, "EAFNOSUPPORT"],
  ["inet", { hostname: "::1", port: 1 }, "EAFNOSUPPORT"],
  ...[-1, 65536, 0.5, NaN, Infinity, "80", 80n, null, undefined, Symbol("x"), {}, NULL_PROTOTYPE]
    .map((port) => ["inet", { hostname: "127.0.0.1", port }, "EINVAL"] as const),
  ...[
    "",
    "localhost",
    "127.0.0.1 ",
    "127.0.0.256",
    "127.1",
    "0x7f.0.0.1",
    "127.0.0.1\0",
    "1.2.3.4.5",
    ":::",
    "1::2::3",
    "[::1]",
    "::1%",
    "::g",
    "12345::",
    "🦕",
    null,
    undefined,
    0,
    Symbol("x"),
    {},
    NULL_PROTOTYPE,
    ["127.0.0.1"],
  ].map((hostname) => ["inet", { hostname, port: 1 }, "EINVAL"] as const),
  ...["fe80::1%nothing0", "fe80::1%0x1", "fe80::1%1e3", "fe80::1%4294967296", "fe80::1%-1"].map((
    hostname,
  ) => ["inet6", { hostname, port: 1 }, "EINVAL"] as const),
  ...["", "a\0b", "\0a\0b", "/" + "x".repeat(107), "\ud800", null, 7, undefined, Symbol("x")].map((
    path,
  ) => ["unix", { path }, "EINVAL"] as const),
];

Deno.test("bind(), connect() and pushTo() refuse what is no address, and nothing has happened", () =>
  withCatnap((libos) => {
    for (const [domain, wrong, code] of REFUSED) {
      const address = wrong as SocketAddress;
      const stream = libos.socket(domain, "stream");
      assertCode(code, () => libos.bind(stream, address));
      assertCode(code, () => libos.connect(stream, address));
      assertCode("EDESTADDRREQ", () => libos.listen(stream));
      libos.close(stream);
      if (domain === "unix") continue;
      const datagram = libos.socket(domain, "dgram");
      using sga = libos.alloc(1);
      assertCode(code, () => libos.connect(datagram, address));
      assertCode(code, () => libos.pushTo(datagram, sga, address));
      const good = { hostname: domain === "inet" ? "127.0.0.1" : "::1", port: 9 };
      assertEquals(outcome(libos, libos.pushTo(datagram, libos.alloc(1), good)), "push");
      assertCode(code, () => libos.pushTo(datagram, sga, address));
      assertEquals(sga.length, 1, "the sga stays with the caller");
      libos.close(datagram);
    }
  }));

Deno.test("getsockname() tells an IPv6 address in its canonical form, and a mapped one as IPv4", () =>
  withCatnap((libos) => {
    for (
      const [hostname, canonical] of [
        ["0:0:0:0:0:0:0:1", "::1"],
        ["::0001", "::1"],
        ["::ffff:7f00:1", "127.0.0.1"],
        ["::ffff:127.0.0.1", "127.0.0.1"],
        ["0::", "::"],
      ] as const
    ) {
      const qd = libos.socket("inet6", "stream");
      libos.bind(qd, { hostname, port: 0 });
      const name = libos.getsockname(qd) as { hostname: string };
      assertEquals(name.hostname, canonical);
    }
  }));

for (const type of ["stream", "seqpacket"] as const) {
  Deno.test(`Unix addresses are told as they were given (${type})`, async () => {
    const directory = await Deno.makeTempDir();
    const rest = 107 - directory.length - 1;
    const paths = [
      `${directory}/socket`,
      `${directory}/${"x".repeat(rest)}`,
      `\0abstract-${Deno.pid}-${type}`,
      `\0${`${Deno.pid}`.padEnd(106, "x")}`,
      `\0\u{feff}${Deno.pid}-é🦕-${type}`,
    ];
    try {
      await withCatnap((libos) => {
        for (const path of paths) {
          const listener = libos.socket("unix", type);
          assertEquals(libos.getsockname(listener), { path: "" });
          libos.bind(listener, { path });
          libos.listen(listener);
          assertEquals(libos.getsockname(listener), { path });
          const client = libos.socket("unix", type);
          const connect = libos.connect(client, { path });
          const server = accept(libos, listener);
          assertEquals(outcome(libos, connect), "connect");
          assertEquals(libos.getpeername(client), { path });
          assertEquals(libos.getpeername(server), { path: "" });
          send(libos, client, "through it");
          assertEquals(receive(libos, server), "through it");
        }
      });
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

Deno.test("connect() to a Unix socket of the other type fails", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await withCatnap((libos) => {
      const addresses = [[`${directory}/socket`, "EPROTOTYPE"], [
        "\0other",
        "ECONNREFUSED",
      ]] as const;
      for (const [path, code] of addresses) {
        const listener = libos.socket("unix", "seqpacket");
        libos.bind(listener, { path });
        libos.listen(listener);
        const connect = libos.connect(libos.socket("unix", "stream"), { path });
        assertEquals(outcome(libos, connect), code);
      }
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("PeerTable.find() knows a peer again, and tells peers apart that share a slot", () => {
  const table = new PeerTable();
  const layout = (port: number) =>
    new Uint32Array(
      encodeSockaddr({ address: Uint8Array.of(10, 0, 0, 1), port, scope: 0 }).buffer,
    );
  const first = table.find(layout(1), 4);
  assert(table.find(layout(1), 4) === first);
  for (let port = 2; port < 5000; port++) {
    const { hostname, port: told } = table.find(layout(port), 4);
    assertEquals([hostname, told], ["10.0.0.1", port]);
  }
  assertEquals(table.find(layout(1), 4).port, 1);
});
