import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import {
  type ByteStream,
  type Coroutine,
  type LibOS,
  type MessageCodec,
  type MessageHeaderKind,
  Messages,
  type MessagesOptions,
  Reader,
  type Sga,
} from "../../mod.ts";
import { assertCode, assertRejectsCode, within } from "../runtime/_assert.ts";
import { Chunks, cut } from "./_chunks.ts";
import { assertWaits } from "./_download.ts";
import { bytes, makePair, netTest, text } from "./_net.ts";

/** A codec of this test: the length in decimal, and a colon. */
const NETSTRING: MessageCodec = {
  longest: 999,
  size: (length) => String(length).length + 1,
  write: (memory, length) => void memory.set(bytes(`${length}:`)),
  read(memory, start, end) {
    const colon = memory.subarray(start, end).indexOf(58);
    if (colon < 0) return null;
    const digits = new TextDecoder().decode(memory.subarray(start, start + colon));
    return { size: colon + 1, length: Number(digits) };
  },
};

const HEADERS = [1, 2, 3, 4, "varint", NETSTRING] as const;

/** The bytes that messages are in the stream, as their formats are defined. */
function encode(messages: readonly Uint8Array[], { header = 4, littleEndian }: MessagesOptions) {
  const all: number[] = [];
  for (const message of messages) {
    if (header === "varint") {
      let rest = message.length;
      for (; rest > 127; rest >>= 7) all.push(rest & 127 | 128);
      all.push(rest);
    } else if (typeof header === "number") {
      const whole = new DataView(new ArrayBuffer(4));
      whole.setUint32(0, message.length, littleEndian);
      const size = new Uint8Array(whole.buffer);
      all.push(...(littleEndian ? size.subarray(0, header) : size.subarray(4 - header)));
    } else {
      all.push(...bytes(`${message.length}:`));
    }
    all.push(...message);
  }
  return new Uint8Array(all);
}

async function popAll(messages: Messages): Promise<Uint8Array[]> {
  const popped: Uint8Array[] = [];
  for await (using sga of messages) popped.push(sga.toUint8Array());
  return popped;
}

function* popAllInCoroutine(messages: Messages): Coroutine<Uint8Array[]> {
  const popped: Uint8Array[] = [];
  for (;;) {
    using sga = yield* messages.pop();
    if (sga === null) return popped;
    assertEquals(sga.numsegs, 1);
    popped.push(sga.toUint8Array());
  }
}

const options = fc.record({
  header: fc.constantFrom<(MessageHeaderKind | MessageCodec)[]>(...HEADERS),
  littleEndian: fc.boolean(),
});

netTest("Messages pops each message whole, however the stream is cut", async (libos) => {
  const contents = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 });
  const cases = fc.tuple(contents, options).chain(([messages, options]) =>
    fc.record({
      messages: fc.constant(messages),
      options: fc.constant(options),
      pieces: cut(encode(messages, options)),
    })
  );
  await fc.assert(
    fc.asyncProperty(cases, fc.boolean(), async ({ messages, options, pieces }, inCoroutine) => {
      using source = new Chunks(libos, pieces);
      using popped = new Messages(readOnly(source), options);
      const answer = inCoroutine ? libos.spawn(popAllInCoroutine(popped)) : popAll(popped);
      assertEquals(await answer, messages.map((one) => new Uint8Array(one)));
    }),
    { numRuns: 300 },
  );
});

function readOnly(source: Chunks) {
  const push = () => assert(false, "nothing is pushed here") as never;
  return { libos: source.libos, pop: source.pop.bind(source), push };
}

netTest("Messages.push() writes sgas and bytes as the format is defined", async (libos) => {
  using owned = new DisposableStack();
  for (const header of HEADERS) {
    for (const littleEndian of [false, true]) {
      const [client, server] = await makePair(libos, owned);
      using messages = new Messages(client, { header, littleEndian });
      const sent = [0, 1, 127, 128, 255].map((length) => new Uint8Array(length).fill(length));
      for (const [i, one] of sent.entries()) {
        if (i % 2 === 0) await messages.push(one);
        else await messages.push(sgaOf(libos, one));
      }
      client.closeWrite();
      const got: number[] = [];
      for await (using sga of server) got.push(...sga.toUint8Array());
      assertEquals(new Uint8Array(got), encode(sent, { header, littleEndian }));
    }
  }
});

/** An sga of two segments. */
function sgaOf(libos: LibOS, content: Uint8Array): Sga {
  const half = content.length >> 1;
  const sga = libos.alloc([half, content.length - half]);
  sga.bytes().set(content.subarray(0, half));
  sga.bytes(1).set(content.subarray(half));
  return sga;
}

netTest("Messages.push() writes a text as UTF-8", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  using messages = new Messages(client, { header: 1 });
  await messages.push("1 €");
  using sga = await server.pop();
  assertEquals(sga?.toUint8Array(), new Uint8Array([5, ...bytes("1 €")]));
});

netTest("Messages echoes large ones in coroutines, and frees all", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const echo = libos.spawn(function* (): Coroutine {
    using messages = new Messages(server);
    for (let sga; (sga = yield* messages.pop()) !== null;) {
      yield* messages.push(sga);
      sga.recycle();
    }
  }());
  using messages = new Messages(client);
  for (const length of [0, 1, 65_536, 1_000_000, 2 ** 20]) {
    const content = new Uint8Array(length).map((_, i) => i % 251);
    const pushed = messages.push(content);
    using sga = (await within(messages.pop(), 5))!;
    assertEquals(sga.toUint8Array(), content);
    await pushed;
  }
  client.closeWrite();
  await within(echo);
});

netTest("Messages tells of an end within a message, or its header", async (libos) => {
  for (const part of [[0], [0, 0, 0, 2], [0, 0, 0, 2, 7]]) {
    using owned = new DisposableStack();
    const [client, server] = await makePair(libos, owned);
    using messages = new Messages(server);
    await client.push(new Uint8Array(part));
    client.closeWrite();
    for (let i = 0; i < 2; i++) {
      await assertRejects(async () => await messages.pop(), Deno.errors.UnexpectedEof);
    }
  }
});

netTest(
  "Messages refuses what is beyond the limit, either way, and what is no varint",
  async (libos) => {
    using owned = new DisposableStack();
    const [client, server] = await makePair(libos, owned);
    using small = new Messages(client, { limit: 3 });
    assertCode("EMSGSIZE", () => small.push(new Uint8Array(4)));
    const sga = libos.alloc(4);
    assertCode("EMSGSIZE", () => small.push(sga));
    assertEquals(sga.length, 4);
    sga.free();
    using byte = new Messages(client, { header: 1 });
    assertCode("EMSGSIZE", () => byte.push(new Uint8Array(256)));
    await small.push(new Uint8Array(3));
    await client.push(new Uint8Array([0, 0, 0, 4]));
    using messages = new Messages(server, { limit: 3 });
    assertEquals(text(await messages.pop())?.length, 3);
    await assertRejectsCode("EMSGSIZE", messages.pop());
    const [one, other] = await makePair(libos, owned);
    await one.push(new Uint8Array(5).fill(0x80));
    using varints = new Messages(other, { header: "varint" });
    await assertRejectsCode("EPROTO", varints.pop());
  },
);

netTest(
  "Messages takes nothing when a pop is cancelled, and one goes on at a time",
  async (libos) => {
    using owned = new DisposableStack();
    const [client, server] = await makePair(libos, owned);
    using messages = new Messages(server);
    await client.push(new Uint8Array([0, 0]));
    await assertRejects(async () => await messages.pop({ timeout: 10 }), Deno.errors.TimedOut);
    const popped = messages.pop().then(text);
    await assertRejects(async () => await messages.pop(), Deno.errors.Busy);
    await client.push(new Uint8Array([0, 1, 65]));
    assertEquals(await within(popped), "A");
  },
);

netTest("Messages.push() frees what it cannot push", async (libos) => {
  using owned = new DisposableStack();
  const [client] = await makePair(libos, owned);
  using messages = new Messages(client);
  client.closeWrite();
  const sga = libos.alloc(1);
  assertThrows(() => messages.push(sga), Deno.errors.BrokenPipe);
  sga.free();
  assertThrows(() => messages.push(bytes("x")), Deno.errors.BrokenPipe);
  for (const wrong of [null, undefined, {}, sga] as Sga[]) {
    assertCode("EINVAL", () => messages.push(wrong));
  }
});

netTest("Messages refuses options that make no sense", async (libos) => {
  using owned = new DisposableStack();
  const [client] = await makePair(libos, owned);
  const wrong = [{ header: 5 }, { header: {} }, { header: null }, { header: "5" }, { limit: 0 }, {
    littleEndian: 1,
  }, null];
  for (const options of wrong as MessagesOptions[]) {
    assertCode("EINVAL", () => new Messages(client, options));
  }
  for (const stream of [null, undefined, {}, 5] as ByteStream[]) {
    assertCode("EINVAL", () => new Messages(stream));
    assertCode("EINVAL", () => new Reader(stream));
  }
});

netTest("Messages waits as its connection does, and holds little", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const [sent, received] = [owned.use(new Messages(server)), owned.use(new Messages(client))];
  await assertWaits(libos, {
    write: (chunk) => sent.push(chunk),
    end: () => server.closeWrite(),
    async read() {
      using sga = await received.pop();
      return sga && sga.length;
    },
  });
}, { debug: false });
