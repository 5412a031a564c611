/**
 * Peers that do not keep to the protocol: each breaks its own connection, and no other.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, listen } from "../../mod.ts";
import { STATUS } from "../../ffi/ucx/layout.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { UcxContext } from "../../ffi/ucx/context.ts";
import { UcxWorker } from "../../ffi/ucx/worker.ts";
import {
  decodeHello,
  detailOf,
  encodeHello,
  HELLO_SIZE,
  MOST_CREDIT,
  TYPE,
  WINDOW,
} from "../../libos/catmint/protocol.ts";
import { pattern } from "../contract/end.ts";
import { missingUcx, needing } from "../_needs.ts";
import { echo, exchange, openOn } from "./_catmint.ts";

const missing = missingUcx();
const MEMORY = new Uint8Array(2 * WINDOW);

/** Sends one message after the other, as it likes. */
type Misdeed = (say: (type: number, amount: number, length: number) => void) => void;

const MISDEEDS: Readonly<Record<string, Misdeed>> = {
  "sends more than there is credit for": (say) => say(TYPE.DATA, 0, WINDOW + 1),
  "sends on without credit": (say) => {
    for (let i = 0; i < 5; i++) say(TYPE.DATA, 0, WINDOW / 4);
  },
  "sends data of no bytes": (say) => say(TYPE.DATA, 0, 0),
  "sends a type that there is not": (say) => say(9, 1, 0),
  "sends a type that there is not, with data": (say) => say(0, 1, 100),
  "grants nothing": (say) => say(TYPE.CREDIT, 0, 0),
  "grants more than anybody has": (say) => say(TYPE.CREDIT, MOST_CREDIT, 0),
  "grants credit with data": (say) => say(TYPE.CREDIT, 1, 100_000),
  "sends after its end": (say) => {
    say(TYPE.FINISH, 0, 0);
    say(TYPE.DATA, 0, 10);
  },
};

/** A client that speaks the protocol to a port as far as a connection, and then does something. */
async function misbehave(port: number, misdeed: Misdeed, pump: () => Promise<void>): Promise<void> {
  const ucx = new UcxContext();
  const worker = new UcxWorker(ucx);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const { address } = worker;
  await conn.write(encodeHello({ id: 1, window: WINDOW, keep: false, address }));
  const answer = new Uint8Array(HELLO_SIZE + 4096);
  const length = await conn.read(answer);
  const hello = decodeHello(answer.slice(0, length!));
  assert(hello !== null);
  const endpoint = worker.connect(hello.address);
  await conn.write(new Uint8Array(1));
  const from = addressOf(MEMORY);
  const requests: bigint[] = [];
  misdeed((type, amount, length) => {
    const status = worker.send(endpoint, from, length, detailOf(type, amount), hello.id, null);
    if (status === STATUS.IN_PROGRESS) requests.push(worker.request[0]!);
  });
  // Messages for connections that are not there are nobody's.
  worker.send(endpoint, from, 100, detailOf(TYPE.DATA, 0), hello.id ^ (1 << 20), null);
  worker.send(endpoint, from, 100, detailOf(TYPE.RESET, 0), 0x3fffffff, null);
  for (let i = 0; i < 50; i++) {
    for (let k = 0; k < 100; k++) worker.progress();
    await pump();
  }
  worker.disconnect(endpoint);
  for (let k = 0; k < 100; k++) worker.progress();
  for (const request of requests) worker.free(request);
  worker.close();
  ucx.close();
}

for (const [what, misdeed] of Object.entries(MISDEEDS)) {
  Deno.test(needing(missing, `who ${what} breaks its own connection, and no other`), async () => {
    await using libos = openOn("posix");
    await using server = echo(libos);
    using good = await connect({ libos, port: server.addr.port });
    using listener = listen({ libos, hostname: "127.0.0.1", port: 0 });
    const accepting = listener.accept();
    const before = Deno.env.get("UCX_TLS");
    Deno.env.set("UCX_TLS", "posix,self");
    let error: unknown;
    let wasBroken = false;
    const told = accepting.then(async (connection) => {
      using broken = connection;
      try {
        for (let sga; (sga = await broken.pop({ timeout: 2000 })) !== null;) sga.free();
        // Its end came before what was wrong.
        await new Promise((resolve) => setTimeout(resolve, 50));
        await broken.push("nobody");
        await broken.push("nobody");
      } catch (reason) {
        error = reason;
      }
      wasBroken = true;
    });
    try {
      await misbehave(listener.addr.port, misdeed, async () => {
        assertEquals(await exchange(good, pattern(100)), pattern(100));
        if (!wasBroken) await new Promise((resolve) => setTimeout(resolve, 5));
      });
    } finally {
      if (before === undefined) Deno.env.delete("UCX_TLS");
      else Deno.env.set("UCX_TLS", before);
    }
    await told;
    assert(error instanceof Deno.errors.ConnectionReset, String(error));
    assertEquals(await exchange(good, pattern(3000)), pattern(3000));
  });
}

Deno.test(
  needing(missing, "who says no hello, or a wrong one, is not accepted, and others are"),
  async () => {
    await using libos = openOn("posix");
    await using server = echo(libos);
    const port = server.addr.port;
    const { address } = new UcxAddress();
    const hello = encodeHello({ id: 1, window: 1, keep: false, address });
    const wrongs = [
      new Uint8Array(HELLO_SIZE),
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
      hello.with(0, 0),
      hello.with(7, 0xff),
      hello.with(11, 0xff),
      hello.slice(0, 10),
      new Uint8Array(0),
    ];
    for (const wrong of wrongs) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await conn.write(wrong);
      conn.close();
      using good = await connect({ libos, port });
      assertEquals(await exchange(good, pattern(10)), pattern(10));
    }
  },
);

/** An address that is long enough to be one. */
class UcxAddress {
  readonly address = new Uint8Array(64);
}
