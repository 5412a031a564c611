/**
 * The clients of the echo benchmarks: over PDPIX, spinning, and over Deno's own sockets.
 *
 * @module
 */
import type { Completion, LibOS, LibOSName, QToken, QueueDescriptor, Sga } from "../mod.ts";
import { BenchmarkError } from "./_harness/command_line.ts";
import { Message, SIZE } from "./_message.ts";
import { openSpinning } from "./_open_spinning.ts";

/** Makes round trips. */
export interface EchoClient extends AsyncDisposable {
  /** Makes one round trip, at once or in time. */
  roundTrip(): void | Promise<void>;
}

const HOSTNAME = "127.0.0.1";
/** Nothing takes longer than this, in milliseconds, or it is lost. */
const PATIENCE = 2_000;

/** A client on a libOS, which it opens: it pushes, pops, and waits for both by polling. */
class PdpixClient implements EchoClient {
  readonly #libos: LibOS;
  readonly #to: QueueDescriptor;
  readonly #from: QueueDescriptor;
  readonly #message = new Message();

  /** Sends to one queue of a libOS and receives from another, or the same. */
  constructor(libos: LibOS, to: QueueDescriptor, from: QueueDescriptor) {
    this.#libos = libos;
    this.#to = to;
    this.#from = from;
  }

  roundTrip(): void {
    const libos = this.#libos;
    const request = libos.alloc(SIZE);
    request.bytes().set(this.#message.next());
    completed(libos, libos.push(this.#to, request));
    request.recycle();
    for (let whole = false; !whole;) {
      const reply = popped(completed(libos, libos.pop(this.#from)));
      whole = this.#message.take(reply.bytes());
      reply.recycle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#libos.exit();
  }
}

function completed(libos: LibOS, qt: QToken): Completion {
  const completion = libos.wait(qt, PATIENCE);
  if (completion.opcode === "failed") throw completion.error;
  return completion;
}

function popped(completion: Completion): Sga {
  if (completion.opcode === "pop" && completion.sga !== null) return completion.sga;
  throw new BenchmarkError("Cannot measure: the server closed the connection");
}

/** Connects over a libOS. */
export function connectOver(name: LibOSName, type: "stream" | "dgram") {
  return async (port: number): Promise<EchoClient> => {
    const libos = openSpinning(name);
    try {
      const qd = libos.socket("inet", type);
      if (type === "dgram") libos.bind(qd, { hostname: HOSTNAME, port: 0 });
      else if (libos.capabilities.options.includes("nodelay")) {
        libos.setsockopt(qd, "nodelay", true);
      }
      completed(libos, libos.connect(qd, { hostname: HOSTNAME, port }));
      return new PdpixClient(libos, qd, qd);
    } catch (error) {
      await libos.exit();
      throw error;
    }
  };
}

/** Makes one pipe of a libOS and opens the other, which the server of `_pipe_echo_server.ts` has made. */
export function openPipes(name: LibOSName, request: string, reply: string) {
  return (): Promise<EchoClient> => {
    const libos = openSpinning(name);
    const from = libos.pipe(reply, "pop");
    return Promise.resolve(new PdpixClient(libos, libos.pipe(request, "push"), from));
  };
}

/** Connects over `Deno.connect`. */
export async function connectDeno(port: number): Promise<EchoClient> {
  const conn = await Deno.connect({ hostname: HOSTNAME, port });
  conn.setNoDelay(true);
  const message = new Message();
  const reply = new Uint8Array(SIZE);
  return {
    async roundTrip() {
      const request = message.next();
      for (let sent = 0; sent < SIZE;) sent += await conn.write(request.subarray(sent));
      for (let whole = false; !whole;) {
        const length = await conn.read(reply);
        if (length === null) {
          throw new BenchmarkError("Cannot measure: the server closed the connection");
        }
        whole = message.take(reply.subarray(0, length));
      }
    },
    [Symbol.asyncDispose]() {
      conn.close();
      return Promise.resolve();
    },
  };
}

/** Sends over `Deno.listenDatagram`. */
export function connectDenoDatagram(port: number): Promise<EchoClient> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: HOSTNAME, port: 0 });
  const server: Deno.NetAddr = { transport: "udp", hostname: HOSTNAME, port };
  const message = new Message();
  const reply = new Uint8Array(SIZE);
  return Promise.resolve({
    async roundTrip() {
      await socket.send(message.next(), server);
      const [part] = await socket.receive(reply);
      message.take(part);
    },
    [Symbol.asyncDispose]() {
      socket.close();
      return Promise.resolve();
    },
  });
}
