/**
 * A responder for multicast DNS (RFC 6762): it tells the IPv4 address of one name in `.local`, which is `--hostname`, and
 * through whose interface it speaks.
 *
 * ```sh
 * deno run --allow-ffi examples/mdns.ts --hostname 192.0.2.7 --name lamp
 * ping lamp.local
 * ```
 *
 * @module
 */

import { type Coroutine, type Datagram, datagram, type InetAddress } from "../mod.ts";
import { main } from "./_cli.ts";

/** RFC 6762, section 3. */
const GROUP = "224.0.0.251";
/** RFC 6762, section 5; who asks from another port is no responder itself, but a simple resolver (section 6.7). */
const PORT = 5353;
/** Seconds for which a host's address may be kept (RFC 6762, section 10), and at most by a simple resolver. */
const TTL = { responder: 120, resolver: 10 };

const HEADER = 12;
/** QR and AA (RFC 1035, section 4.1.1). */
const ANSWER = 0x8400;
const TYPE_A = 1;
const TYPE_ANY = 255;
const CLASS_IN = 1;
/**
 * The highest bit of the flags tells an answer (QR). That of a class asks for a unicast answer (RFC 6762, section 5.4), or
 * says that no other answer is right (section 10.2).
 */
const HIGHEST = 0x8000;

/** A query for our name, as far as the answer depends on it. */
interface Query {
  readonly id: number;
  /** The question, to be repeated. */
  readonly question: Uint8Array;
  /** Whether it asked to be answered alone. */
  readonly unicast: boolean;
}

/** A name as DNS has it: labels, each after its length (RFC 1035, section 3.1). */
function encodeName(name: string): Uint8Array {
  const labels = name.split(".").map((label) => new TextEncoder().encode(label));
  return Uint8Array.from([...labels.flatMap((label) => [label.length, ...label]), 0]);
}

/** Reads a name, in lower case, and where it ends. What is after its end is a RangeError. */
function readName(view: DataView, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let end = 0;
  // A pointer goes backwards (RFC 1035, section 4.1.4), so that this comes to an end.
  for (let at = start, bound = start;;) {
    const length = view.getUint8(at);
    if (length >= 0xc0) {
      const target = view.getUint16(at) & 0x3fff;
      if (target >= bound) throw new RangeError("a pointer that goes forwards");
      end ||= at + 2;
      at = bound = target;
      continue;
    }
    if (length === 0) return { name: labels.join(".").toLowerCase(), end: end || at + 1 };
    labels.push(String.fromCharCode(...bytesOf(view, at + 1, length)));
    at += 1 + length;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView, at: number, length: number) {
  if (at + length > byteLength) throw new RangeError("the message ends");
  return new Uint8Array(buffer, byteOffset + at, length);
}

/** Looks for a question for the address of a name; null if there is none, or what came is no query. */
function findQuery(message: Uint8Array, wanted: string): Query | null {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  try {
    if (view.getUint16(2) & HIGHEST) return null;
    for (let at = HEADER, rest = view.getUint16(4); rest > 0; rest--) {
      const { name, end } = readName(view, at);
      const [type, group] = [view.getUint16(end), view.getUint16(end + 2)];
      at = end + 4;
      if (name !== wanted || (type !== TYPE_A && type !== TYPE_ANY)) continue;
      if ((group & ~HIGHEST) !== CLASS_IN) continue;
      const question = Uint8Array.from([...encodeName(name), 0, type, 0, CLASS_IN]);
      return { id: view.getUint16(0), question, unicast: (group & HIGHEST) !== 0 };
    }
  } catch (error) {
    // Anybody may send anything here.
    if (!(error instanceof RangeError)) throw error;
  }
  return null;
}

/** Makes the answer, which repeats the question to a simple resolver. */
function makeAnswer(query: Query, simple: boolean, name: string, address: string): Uint8Array {
  const question = simple ? query.question : new Uint8Array();
  const owner = encodeName(name);
  const answer = new Uint8Array(HEADER + question.length + owner.length + 14);
  const view = new DataView(answer.buffer);
  view.setUint16(0, simple ? query.id : 0);
  view.setUint16(2, ANSWER);
  view.setUint16(4, simple ? 1 : 0);
  view.setUint16(6, 1);
  answer.set(question, HEADER);
  const at = HEADER + question.length + owner.length;
  answer.set(owner, at - owner.length);
  view.setUint16(at, TYPE_A);
  view.setUint16(at + 2, simple ? CLASS_IN : CLASS_IN | HIGHEST);
  view.setUint32(at + 4, simple ? TTL.resolver : TTL.responder);
  view.setUint16(at + 8, 4);
  answer.set(address.split(".").map(Number), at + 10);
  return answer;
}

/** Answers what comes to one socket, from another one. */
function* respond(socket: Datagram, own: Datagram, name: string): Coroutine {
  const { hostname, port } = own.addr;
  const group: InetAddress = { hostname: GROUP, port };
  while (socket.open) {
    try {
      using sga = yield* socket.pop();
      const from = sga.address!;
      const query = findQuery(sga.bytes(), name);
      if (query === null) continue;
      const simple = from.port !== port;
      const to = simple || query.unicast ? from : group;
      yield* own.push(makeAnswer(query, simple, name, hostname), to);
    } catch (error) {
      // What cannot be sent to one must not end what answers all.
      if (socket.open && own.open) console.error(`warning: ${(error as Error).message}`);
    }
  }
}

if (import.meta.main) {
  await main({
    about: "Multicast DNS",
    port: PORT,
    flags: {
      name: {
        help: "its name, without .local",
        values: ["demikernel"],
        form: { name: "NAME", is: /^[a-z0-9-]{1,63}$/i },
      },
    },
    start(libos, { hostname, port, own: { name } }) {
      // A socket of the interface's address sends through that interface, and gets what is sent to the address; what is
      // sent to the group is for one of the group's.
      const own = datagram({ libos, hostname, port, reuseAddress: true });
      own.libos.setsockopt(own.qd, "multicastTtl", 255);
      const group = datagram({
        libos,
        hostname: GROUP,
        port: own.addr.port,
        reuseAddress: true,
        groups: [{ group: GROUP, interface: own.addr.hostname }],
      });
      const sockets = [own, group];
      const wanted = `${name}.local`.toLowerCase();
      const ended = sockets.map((socket) => libos.spawn(respond(socket, own, wanted)));
      return {
        addr: own.addr,
        async shutdown() {
          for (const socket of sockets) socket.close();
          await Promise.all(ended);
        },
      };
    },
  });
}
