/**
 * Frames of WebSockets, right and wrong, as the Autobahn test suite has them, by its facts: what our server, and a client of ws
 * on a libOS of ours, do with each of them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { WebSocket as NodeWebSocket } from "npm:ws@8.23.0";
import { createConnection } from "../../libos/node/mod.ts";
import { serveHttp } from "../../libos/http/mod.ts";
import { upgradeWebSocket } from "../../libos/http/websocket.ts";
import type { LibOS } from "../../mod.ts";
import { bytes, LOOPBACK, netTest } from "../net/_net.ts";
import { event } from "../node/_node.ts";
import { closing, describe, encode, type Frame, frame, OPCODE, readFrames } from "./_frames.ts";

const { continuation, text, binary, close, ping, pong } = OPCODE;

/** Not the last frame of its message. */
const MORE = { fin: false };
const OVER = frame(close, closing(1000));

/** By name: frames, and what they are answered. After those that do not end the socket, it is closed. */
type Cases = Record<string, readonly [frames: readonly Frame[], answers: readonly string[]]>;

/** A case of frames that are all wrong, or all right. */
function each<T>(
  of: readonly T[],
  one: (what: T) => [name: string, frames: Frame[], answers: string[]],
): Cases {
  return Object.fromEntries(of.map((what) => {
    const [name, frames, answers] = one(what);
    return [name, [frames, answers]];
  }));
}

/** Valid sequences of UTF-8: of each length, and the last ones. */
const VALID = [
  "κόσμε",
  "\u0000",
  "\u0080",
  "\u07ff",
  "\u0800",
  "\ud7ff",
  "\ue000",
  "\ufffd",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
];
/** Invalid ones: cut, alone, too long, surrogates, and beyond the last one. */
const INVALID = [
  [0x80],
  [0xbf],
  [0xc0, 0xaf],
  [0xc1, 0xbf],
  [0xc2],
  [0xe0, 0x80, 0xaf],
  [0xe1, 0x80],
  [0xed, 0xa0, 0x80],
  [0xed, 0xaf, 0xbf, 0xed, 0xbf, 0xbf],
  [0xf0, 0x80, 0x80, 0xaf],
  [0xf0, 0x90, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xfe],
  [0xff],
  [...bytes("κόσμε"), 0xed, 0xa0, 0x80, ...bytes("edited")],
];

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const NO_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
const LENGTHS = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 1_048_576];

const CASES: Cases = {
  // Section 5.2.
  ...each(LENGTHS, (length) => {
    const payload = new Uint8Array(length).fill(42);
    const said = (name: string) => `${name} ${describe(name, payload)}`.trimEnd();
    return [
      `messages of ${length} bytes`,
      [frame(text, payload), frame(binary, payload)],
      [said("text"), said("binary")],
    ];
  }),
  "a message over the bound": [[frame(text, [], { length: 2 ** 40 })], ["close 1009"]],
  "a length that no number is": [[frame(binary, [], { length: 2 ** 60 })], ["close 1009"]],
  ...each([1, 2, 3, 4, 5, 6, 7], (rsv) => [
    `the reserved bits ${rsv}`,
    [frame(text, "before"), frame(text, "a", { rsv }), frame(ping)],
    ["text before", "close 1002"],
  ]),
  "a reserved bit in a ping": [[frame(ping, "a", { rsv: 4 })], ["close 1002"]],
  ...each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15], (opcode) => [
    `the opcode ${opcode}`,
    [frame(text, "before"), frame(opcode, opcode % 2 === 0 ? "a" : ""), frame(ping)],
    ["text before", "close 1002"],
  ]),
  // Section 5.1.
  "a mask that is missing, or too much": [
    [frame(text, "before"), frame(text, "a", { wrongMask: true })],
    ["text before", "close 1002"],
  ],
  // Section 5.5.
  "a ping without anything": [[frame(ping)], ["pong"]],
  "pings are answered in order": [
    Array.from({ length: 10 }, (_, i) => frame(ping, [i])),
    Array.from({ length: 10 }, (_, i) => `pong ${i}`),
  ],
  "a ping of 125 bytes": [[frame(ping, Array(125).fill(254))], [`pong ${Array(125).fill(254)}`]],
  "a ping of 126 bytes": [[frame(ping, Array(126).fill(254))], ["close 1002"]],
  "a ping in parts": [[frame(ping, "a", MORE), frame(continuation, "b")], ["close 1002"]],
  "a pong of 126 bytes": [[frame(pong, Array(126).fill(254))], ["close 1002"]],
  "a pong in parts": [[frame(pong, "a", MORE), frame(continuation, "b")], ["close 1002"]],
  "pongs that nobody asked for": [[frame(pong), frame(pong, "a"), frame(ping, [1])], ["pong 1"]],
  // Section 5.4.
  "a text in two parts": [[frame(text, "a", MORE), frame(continuation, "b")], ["text ab"]],
  "bytes in two parts": [[frame(binary, [1], MORE), frame(continuation, [2])], ["binary 1,2"]],
  "parts without anything": [
    [frame(text, "", MORE), frame(continuation, "", MORE), frame(continuation)],
    ["text"],
  ],
  "parts of which one has something": [
    [frame(text, "", MORE), frame(continuation, "b", MORE), frame(continuation)],
    ["text b"],
  ],
  "a ping between parts": [
    [frame(text, "a", MORE), frame(ping, [1]), frame(continuation, "b")],
    ["pong 1", "text ab"],
  ],
  "pings and pongs between many parts": [
    [
      frame(text, "a", MORE),
      ...Array.from(
        { length: 20 },
        (_, i) => [frame(ping, [i]), frame(continuation, "b", MORE), frame(pong)],
      ).flat(),
      frame(continuation, "c"),
    ],
    [...Array.from({ length: 20 }, (_, i) => `pong ${i}`), `text a${"b".repeat(20)}c`],
  ],
  "a close between parts": [[frame(text, "a", MORE), OVER, frame(continuation, "b")], [
    "close 1000",
  ]],
  "a continuation of nothing": [[frame(continuation, "a"), frame(text, "b")], ["close 1002"]],
  "a first part that is a continuation": [
    [frame(continuation, "a", MORE), frame(continuation, "b")],
    ["close 1002"],
  ],
  "a continuation behind a whole message": [
    [frame(text, "a"), frame(continuation, "b")],
    ["text a", "close 1002"],
  ],
  "a text within a text": [[frame(text, "a", MORE), frame(text, "b")], ["close 1002"]],
  "bytes within a text": [
    [frame(text, "a", MORE), frame(continuation, "b", MORE), frame(binary, "c")],
    ["close 1002"],
  ],
  "a megabyte in many parts": [
    [
      frame(binary, new Uint8Array(4096).fill(7), MORE),
      ...Array.from(
        { length: 254 },
        () => frame(continuation, new Uint8Array(4096).fill(7), MORE),
      ),
      frame(continuation, new Uint8Array(4096).fill(7)),
    ],
    ["binary 1048576 times 7"],
  ],
  "parts that are over the bound together": [
    [
      frame(binary, new Uint8Array(1_048_576).fill(7), MORE),
      frame(continuation, [7]),
    ],
    ["close 1009"],
  ],
  // Section 8.1.
  ...each(VALID, (one) => [`the text ${escape(one)}`, [frame(text, one)], [`text ${one}`]]),
  ...each(VALID, (one) => [
    `the text ${escape(one)}, each byte in its part`,
    [
      frame(text, "", MORE),
      ...[...bytes(one)].map((byte) => frame(continuation, [byte], MORE)),
      frame(continuation),
    ],
    [`text ${one}`],
  ]),
  ...each(INVALID, (one) => [`no text: ${one}`, [frame(text, one)], ["close 1007"]]),
  ...each(INVALID, (one) => [
    `no text, each byte in its part: ${one}`,
    [
      frame(text, "before", MORE),
      ...one.map((byte) => frame(continuation, [byte], MORE)),
      frame(continuation),
    ],
    ["close 1007"],
  ]),
  ...each(INVALID, (one) => [`bytes: ${one}`, [frame(binary, one)], [`binary ${one}`]]),
  // Sections 5.5.1 and 7.4.
  "a close without anything": [[frame(close)], ["close"]],
  "a close of one byte": [[frame(close, [3])], ["close 1002"]],
  "a close in parts": [[frame(close, closing(1000), MORE)], ["close 1002"]],
  ...each(CODES, (code) => [
    `a close with ${code}`,
    [frame(close, closing(code))],
    [`close ${code}`],
  ]),
  ...each(NO_CODES, (code) => [
    `a close with ${code}`,
    [frame(close, closing(code))],
    ["close 1002"],
  ]),
  "a close with the longest reason": [
    [frame(close, closing(1000, "r".repeat(123)))],
    [`close 1000 ${"r".repeat(123)}`],
  ],
  "a close with a longer one": [[frame(close, closing(1000, "r".repeat(124)))], ["close 1002"]],
  "a close with a reason that is no text": [
    [frame(close, [...closing(1000), 0xed, 0xa0, 0x80])],
    ["close 1007"],
  ],
  "messages, pings and closes behind a close": [
    [frame(text, "a"), OVER, frame(text, "b"), frame(ping), OVER],
    ["text a", "close 1000"],
  ],
};

/** The name of a text. */
function escape(one: string): string {
  return [...one].map((char) => `U+${char.codePointAt(0)!.toString(16)}`).join(" ");
}

/** What a case is answered by the other end of a connection, in pieces of a size. */
async function play(
  connection: Deno.Conn,
  isClient: boolean,
  [frames, expected]: Cases[string],
  size: number,
): Promise<string[]> {
  const ends = expected.at(-1)?.startsWith("close");
  const sent = encode(ends ? frames : [...frames, OVER], isClient);
  const reading = readFrames(connection, isClient);
  for (let at = 0; at < sent.length;) {
    // It may have closed by now.
    const written = await connection.write(sent.subarray(at, at + size)).catch(() => null);
    if (written === null) break;
    at += written;
  }
  return await reading;
}

/** All cases, in one piece, and each byte for itself. */
async function playAll(
  isClient: boolean,
  connect: () => Promise<Deno.TcpConn>,
): Promise<void> {
  for (const [name, one] of Object.entries(CASES)) {
    const [frames, answers] = one;
    const length = encode(frames, isClient).length;
    for (const size of length < 1000 ? [length, 1] : [length]) {
      using connection = await connect();
      connection.setNoDelay();
      const expected = answers.at(-1)?.startsWith("close") ? answers : [...answers, "close 1000"];
      assertEquals(await play(connection, isClient, one, size), expected, name);
    }
  }
}

netTest("a server does with each frame what RFC 6455 says", async (libos) => {
  await using server = serveHttp({ libos, ...LOOPBACK, tier: "fast" }, (request) => {
    const { socket, response } = upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  await playAll(true, async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    await connection.write(bytes(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ));
    await head(connection);
    return connection;
  });
  while (server.connections > 0) await libos.operations.sleep(1);
});

netTest("a client of ws on a libOS does with each frame what RFC 6455 says", async (libos) => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ends: Promise<unknown>[] = [];
  await playAll(false, async () => {
    ends.push(event(echoing(libos, listener.addr.port), "close"));
    const connection = await listener.accept();
    const [, key] = /sec-websocket-key: (.*)\r\n/i.exec(await head(connection))!;
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    await connection.write(bytes(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        `Sec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`,
    ));
    return connection;
  });
  await Promise.all(ends);
});

/** A client that says what it hears. */
function echoing(libos: LibOS, port: number): NodeWebSocket {
  const socket = new NodeWebSocket(`ws://127.0.0.1:${port}/`, {
    perMessageDeflate: false,
    maxPayload: 1_048_576,
    createConnection: () => createConnection({ libos, port }),
  } as never);
  socket.on(
    "message",
    (data: Buffer, isBinary: boolean) => socket.send(data, { binary: isBinary }),
  );
  // What the other end does wrong is what is tested here.
  socket.on("error", () => {});
  return socket;
}

/** Reads a head, byte by byte: what is behind it is another's. */
async function head(connection: Deno.Conn): Promise<string> {
  let heard = "";
  const byte = new Uint8Array(1);
  while (!heard.endsWith("\r\n\r\n") && await connection.read(byte) !== null) {
    heard += String.fromCharCode(byte[0]!);
  }
  return heard;
}
