/**
 * Flows from one host to others on a network without surprises, and what became of them.
 *
 * @module
 */

import { connect, type Connection, listen } from "../../libos/net/mod.ts";
import type { Connection as ControlBlock } from "../../libos/inetstack/tcp/connection.ts";
import type { Coroutine } from "../../libos/pdpix.ts";
import type { LinkOptions } from "../../libos/sim/link.ts";
import type { SimHost } from "../../libos/sim/host.ts";
import { simulate, type SimulatedNetwork } from "../../libos/sim/network.ts";

/** How flows are made. */
export interface FlowOptions {
  readonly congestion: "cubic" | "reno";
  /** A round trip, in milliseconds. */
  readonly rtt: number;
  /** What happens to what is sent; what answers arrives. */
  readonly link: LinkOptions;
  /** How many flows. */
  readonly flows?: number;
  /** Bytes of a push. */
  readonly push?: number;
  readonly seed?: number;
}

/** Who sends, and what arrived so far, by flow. */
export class Flows {
  readonly network: SimulatedNetwork;
  readonly sender: SimHost;
  readonly received: number[];
  /** The sender's connections. */
  readonly connections: Connection[] = [];
  readonly #receiver: SimHost;
  readonly #options: FlowOptions;

  constructor(options: FlowOptions) {
    const { congestion, rtt, link, flows = 1, seed = 1 } = options;
    this.#options = options;
    this.network = simulate({ seed });
    const delay = rtt / 2;
    this.sender = this.network.host({
      name: "sender",
      addresses: ["10.0.0.1/24"],
      congestion,
      link: { delay, ...link },
    }) as SimHost;
    this.#receiver = this.network.host({
      name: "receiver",
      addresses: ["10.0.0.2/24"],
      link: { delay },
    }) as SimHost;
    this.received = new Array(flows).fill(0);
    const listener = listen({ libos: this.#receiver, hostname: "10.0.0.2", port: 7 });
    for (let flow = 0; flow < flows; flow++) {
      this.#receiver.spawn(this.#receive(listener, flow)).catch(() => {});
    }
  }

  /** The control blocks of the sender's connections. */
  get blocks(): ControlBlock[] {
    return [...this.sender.stack.tcp];
  }

  /** Runs so long, in milliseconds of the network: each flow sends as much as it may, or so many bytes. */
  run(time: number, bytes = Infinity, extra: Coroutine[] = []): void {
    const { sender, network } = this;
    for (const _ of this.received) sender.spawn(this.#send(bytes)).catch(() => {});
    const sleep = function* (): Coroutine {
      yield* sender.operations.sleep(time);
    };
    network.runSync([sleep(), ...extra], { limit: 10 * time });
  }

  /** Lets time pass. */
  pass(time: number): void {
    const { sender } = this;
    this.network.runSync([
      (function* (): Coroutine {
        yield* sender.operations.sleep(time);
      })(),
    ], { limit: 10 * time });
  }

  *#send(bytes: number): Coroutine {
    const { sender } = this;
    const { push = 100_000 } = this.#options;
    const connection = yield* connect({ libos: sender, hostname: "10.0.0.2", port: 7 });
    this.connections.push(connection);
    for (let left = bytes; left > 0; left -= push) {
      yield* connection.push(sender.alloc(Math.min(push, left)));
    }
  }

  *#receive(listener: ReturnType<typeof listen>, flow: number): Coroutine {
    const connection = yield* listener.accept();
    for (;;) {
      const sga = yield* connection.pop();
      if (sga === null) return;
      this.received[flow]! += sga.length;
      sga.free();
    }
  }
}
