/**
 * A libOS over the stack: PDPIX on any device. catpowder, catnip and the simulated network differ in the device alone.
 *
 * @module
 */

import { DatagramQueue } from "./datagram_queue.ts";
import type { Device } from "../device.ts";
import type { InetContext, Served } from "./context.ts";
import { OPTIONS } from "./options.ts";
import type { Queue } from "../../runtime/queue/queue.ts";
import type { Random } from "../random.ts";
import { RuntimeLibOS, type RuntimeOptions } from "../../runtime/libos.ts";
import { type AddressOptions, congestionOf, Stack, type TcpOptions } from "../stack.ts";
import { statisticsOf } from "./statistics.ts";
import { STATE } from "../tcp/state.ts";
import { DEFAULTS, type StreamOptions } from "./stream_options.ts";
import { StreamQueue } from "./stream_queue.ts";
import type {
  Capabilities,
  Domain,
  QueueDescriptor,
  QueueStatistics,
  SocketType,
  Statistics,
} from "../../pdpix.ts";

/** How long `exit` waits for what is to be sent, in milliseconds; then connections are reset. */
const EXIT_LIMIT = 1000;

/** How a libOS over the stack is made. */
export interface InetOptions extends RuntimeOptions, AddressOptions, TcpOptions {
  /** Where randomness comes from. */
  readonly random: Random;
  /** The device, which is the libOS's from now on. */
  readonly device: Device;
}

/** See the module's description. */
export abstract class InetLibOS extends RuntimeLibOS {
  override readonly capabilities: Capabilities;
  override fd: number;
  /** The host. */
  readonly stack: Stack;
  readonly #device: Device;
  /** What stream sockets begin with. */
  readonly #streamOptions: StreamOptions;
  readonly #context: InetContext & { turn: number };
  /** Queues to serve, first in first out. */
  #active: Served[] = [];
  #serving: Served[] = [];
  #polling = false;
  /** Sockets that are open. */
  readonly #sockets = new Set<DatagramQueue | StreamQueue>();
  /** While it waits in `exit`: until when, and whom to tell. */
  #exitAt = Infinity;
  #exited: (() => void) | null = null;

  /** Makes a host over a device. Throws {@linkcode DemikernelError} `EINVAL` for what is no address or route. */
  constructor(options: InetOptions) {
    super(options);
    const { device } = options;
    this.#device = device;
    this.fd = device.fd;
    this.capabilities = capabilities(device);
    this.#streamOptions = { ...DEFAULTS, congestion: congestionOf(options) };
    this.stack = new Stack(device, { ...options, heap: this.context.heap });
    this.#context = this.#makeContext();
    this.stack.advance(this.scheduler.clock.read());
    this.scheduler.attach(this, options.idle);
    // Neighbours and peers speak to a host whether or not somebody waits for something here.
    this.scheduler.retain(false);
    this.stack.announce();
  }

  /** See {@linkcode Driver.poll}. */
  override poll(): number {
    this.#context.turn = (this.#context.turn + 1) | 0;
    this.#polling = true;
    let work = this.stack.poll(this.scheduler.clock.read());
    if (this.#active.length > 0) work += this.#serve();
    this.#polling = false;
    if (this.stack.tcp.isPending) this.stack.tcp.flush();
    this.stack.flush();
    if (this.#exited !== null) this.#mayExit();
    return work;
  }

  /** See {@linkcode Driver.deadline}. */
  override deadline(): number {
    if (this.#active.length > 0) return -Infinity;
    return Math.min(this.stack.deadline(), this.#exitAt);
  }

  /** See {@linkcode Driver.prepareToPark}. */
  override prepareToPark(): void {
    this.stack.flush();
    this.#device.prepareToPark();
  }

  protected override createSocket(domain: Domain, type: SocketType): Queue {
    return type === "dgram"
      ? new DatagramQueue(this.#context, domain)
      : new StreamQueue(this.#context, domain, this.#streamOptions);
  }

  /** See {@linkcode LibOS.statistics}: what was pushed and waits to be acknowledged is the stack's. */
  override statistics(): Statistics;
  override statistics(qd: QueueDescriptor): QueueStatistics;
  override statistics(qd?: QueueDescriptor): Statistics | QueueStatistics {
    if (qd !== undefined) return super.statistics(qd);
    const statistics = super.statistics();
    const held = this.stack.tcp.heldChunks();
    let bytes = 0;
    for (const chunk of held) bytes += chunk.size;
    return {
      ...statistics,
      device: { ...this.#device.counters },
      connections: Array.from(this.stack.tcp, statisticsOf),
      buffers: statistics.buffers - held.length,
      bufferBytes: statistics.bufferBytes - bytes,
    };
  }

  /** A line for each socket: what it is, where, and what waits on it. */
  describeSockets(): string[] {
    return [...this.#sockets].map((socket) => socket.describe());
  }

  /**
   * Lets connections that were closed send what they have to, for a second at most; whoever is not through by then is
   * reset, and TIME-WAIT ends with the libOS.
   */
  protected override async settle(): Promise<void> {
    this.stack.advance(this.scheduler.clock.read());
    this.#exitAt = this.stack.time.now + EXIT_LIMIT;
    this.scheduler.retain(true);
    await new Promise<void>((resolve) => {
      this.#exited = resolve;
      this.#mayExit();
    });
    this.scheduler.release(true);
  }

  protected override closeDevice(): void {
    this.scheduler.release(false);
    this.fd = -1;
    this.#device.close();
  }

  /** Whether nothing is to be sent any more, or it is too late. */
  #mayExit(): void {
    const { tcp, time } = this.stack;
    const late = time.now >= this.#exitAt;
    for (const connection of [...tcp]) {
      const { state } = connection;
      if (state === STATE.FIN_WAIT_2 || state === STATE.TIME_WAIT) tcp.remove(connection);
      else if (late) tcp.abort(connection);
    }
    if (tcp.size > 0) return;
    this.stack.flush();
    this.#exitAt = Infinity;
    const exited = this.#exited!;
    this.#exited = null;
    exited();
    this.scheduler.wokeStranger();
  }

  #makeContext(): InetContext & { turn: number } {
    return {
      ...this.context,
      stack: this.stack,
      turn: 0,
      activate: (queue) => this.#activate(queue),
      opened: (socket) => void this.#sockets.add(socket),
      closed: (socket) => void this.#sockets.delete(socket),
      enter: () => {
        // In a coroutine the time of the turn is good; elsewhere the loop may have slept since.
        if (!this.#polling && this.scheduler.current === null) {
          this.stack.advance(this.scheduler.clock.read());
        }
      },
      leave: () => {
        if (!this.#polling) this.stack.flush();
      },
    };
  }

  #activate(queue: Served): void {
    if (queue.active) return;
    queue.active = true;
    this.#active.push(queue);
  }

  #serve(): number {
    let work = 0;
    const serving = this.#active;
    this.#active = this.#serving;
    this.#serving = serving;
    for (let i = 0; i < serving.length; i++) {
      const queue = serving[i]!;
      queue.active = false;
      work += queue.serve();
    }
    serving.length = 0;
    return work;
  }
}

function capabilities(device: Device): Capabilities {
  return Object.freeze({
    domains: Object.freeze(["inet", "inet6"] as const),
    types: Object.freeze(["stream", "dgram"] as const),
    options: OPTIONS,
    halfClose: true,
    storage: false,
    pipes: false,
    closesAtOnce: true,
    blocks: true,
    parks: device.fd >= 0,
  });
}
