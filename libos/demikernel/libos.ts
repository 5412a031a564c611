/**
 * The native provider: PDPIX over Microsoft's own `libdemikernel.so`.
 *
 * Upstream gives no readiness, only its scheduler to be polled. So an idle libOS here is polled by time: each
 * millisecond for a while after it had something to do, then each {@linkcode LONG_PAUSE} milliseconds.
 *
 * @module
 */

import { SOCK } from "../../ffi/libc/constants.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { discard } from "../../ffi/libc/map.ts";
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { DemikernelError } from "../error.ts";
import { RuntimeLibOS, type RuntimeOptions } from "../runtime/libos.ts";
import type { Queue } from "../runtime/queue/queue.ts";
import type { Capabilities, Domain, SocketType } from "../pdpix.ts";
import {
  checkConfiguration,
  checkEnvironment,
  type NativeConfiguration,
  OWN_STACK,
  toYaml,
} from "./configuration.ts";
import { type FileConfiguration, readConfigurationFile } from "./configuration_file.ts";
import { DatagramQueue } from "./datagram_queue.ts";
import { makeConnectLocks } from "./connect_lock.ts";
import { Device, LARGEST } from "./device.ts";
import { type Instance, loadLibrary, takeInstance } from "./instance.ts";
import type { NativeContext } from "./native_queue.ts";
import { PipeQueue } from "./pipe_queue.ts";
import { StreamQueue } from "./stream_queue.ts";

/** What each libOS has. */
const KINDS: Record<
  NativeLibOS,
  { readonly types: readonly SocketType[]; readonly pipes: boolean }
> = {
  catnap: { types: ["stream", "dgram"], pipes: false },
  catpowder: { types: ["stream", "dgram"], pipes: false },
  catnip: { types: ["stream", "dgram"], pipes: false },
  catloop: { types: ["stream"], pipes: false },
  catmem: { types: [], pipes: true },
};

/** In upstream's shared memory what is larger than a pop of its fails to be popped, and is lost. In bytes. */
const SHARED_MEMORY: readonly NativeLibOS[] = ["catmem", "catloop"];
const LARGEST_POP = 8192;

/** How often the library's timers go on, in milliseconds: retransmission and such, where it has a TCP of its own. */
const TIMERS_EVERY = { ownStack: 1, kernel: 100 };

/** How often upstream is run before a connection is closed, so that its own TCP has seen what came until then. */
const POLLS_BEFORE_CLOSE = 100;

/** How long a libOS that is idle is polled often, in milliseconds, and the pause between polls then and later. */
const RECENT = 1000;
const SHORT_PAUSE = 1;
const LONG_PAUSE = 25;

/** How a native libOS is opened. */
export interface NativeOptions extends Omit<RuntimeOptions, "addressOf"> {
  /** Where `libdemikernel.so` is; it is searched for by default. */
  readonly library?: string | undefined;
  /** What upstream is told, or the path of the file that says so; defaults where that is possible. */
  readonly configuration?: NativeConfiguration | string | undefined;
}

function readConfiguration(
  name: NativeLibOS,
  given: NativeConfiguration | string,
): FileConfiguration {
  checkEnvironment();
  if (typeof given === "string") return readConfigurationFile(given, name);
  const configuration = checkConfiguration(name, given);
  return { ...configuration, text: toYaml(configuration, OWN_STACK.includes(name)) };
}

/** See the module's description. */
export class NativeDemikernel extends RuntimeLibOS {
  override readonly name: NativeLibOS;
  override readonly provider = "demikernel";
  override readonly capabilities: Capabilities;
  override readonly fd = -1;
  readonly #instance: Instance;
  readonly #device: Device;
  readonly #context: NativeContext;
  /** Whether it has a TCP of upstream's own, which answers peers also while nothing is under way. */
  readonly #ownStack: boolean;
  /** When there was something to do last, in an array since a field would be boxed anew on each write. */
  readonly #lastWork = new Float64Array(1);
  /** When the timers of the stack went on last while nothing was under way. */
  readonly #stackRan = new Float64Array(1);

  /** Starts the libOS on this thread. Throws as {@linkcode takeInstance} and {@linkcode checkConfiguration}. */
  constructor(name: NativeLibOS, options: NativeOptions) {
    super({ ...options, addressOf, discard });
    const { text, address, mss } = readConfiguration(name, options.configuration ?? {});
    const library = loadLibrary(name, options.library);
    const { types, pipes } = KINDS[name];
    this.name = name;
    this.capabilities = Object.freeze({
      domains: types.length > 0 ? ["inet"] as const : [],
      types,
      options: types.length > 0 ? ["linger"] as const : [],
      halfClose: false,
      storage: false,
      pipes,
      closesAtOnce: !OWN_STACK.includes(name),
      parks: false,
      blocks: true,
    });
    this.#instance = takeInstance(library, name, text);
    const { closing } = this.#instance;
    const shared = SHARED_MEMORY.includes(name);
    this.#ownStack = OWN_STACK.includes(name);
    const timersEvery = TIMERS_EVERY[this.#ownStack ? "ownStack" : "kernel"];
    this.#device = new Device(this.#instance.calls, this.context.heap, timersEvery);
    this.#context = {
      ...this.context,
      device: this.#device,
      closeNative: shared ? (qd) => closing.close(qd) : (qd) => this.#closeNative(qd),
      connectLock: name === "catloop" ? makeConnectLocks(library) : null,
      address,
      stopsAtEmpty: name === "catnap",
      // On upstream's own stack a push of more than one segment never ends.
      largestPush: this.#ownStack ? mss : shared ? LARGEST_POP : LARGEST,
    };
    this.scheduler.attach(this, options.idle);
  }

  /** See {@linkcode Driver.poll}. */
  override poll(now: number = this.scheduler.clock.read(), patient = true): number {
    if (this.#ownStack && !this.#device.busy) this.#runStack(now);
    const work = this.#device.poll(now, patient);
    if (work > 0) this.#lastWork[0] = now;
    return work;
  }

  /** See {@linkcode Driver.deadline}. */
  override deadline(): number {
    if (!this.#device.busy && !this.#ownStack) return Infinity;
    const now = this.scheduler.clock.read();
    return now + (now - this.#lastWork[0]! < RECENT ? SHORT_PAUSE : LONG_PAUSE);
  }

  /** See {@linkcode Driver.prepareToPark}. */
  override prepareToPark(): void {}

  protected override createSocket(_domain: Domain, type: SocketType): Queue {
    const nativeQd = this.#device.calls.socket(type === "dgram" ? SOCK.DGRAM : SOCK.STREAM);
    if (nativeQd < 0) throw new DemikernelError(-nativeQd, "socket");
    return type === "dgram"
      ? new DatagramQueue(this.#context, nativeQd)
      : new StreamQueue(this.#context, nativeQd);
  }

  protected override createPipe(name: string, end: "pop" | "push"): Queue {
    const { calls } = this.#device;
    const nativeQd = end === "pop" ? calls.createPipe(name) : calls.openPipe(name);
    if (nativeQd < 0) throw new DemikernelError(-nativeQd, "pipe");
    this.#instance.closing.opened(nativeQd);
    return new PipeQueue(this.#context, nativeQd, end);
  }

  /** Answers peers while nothing is under way: for 1 µs, and for longer when the timers are due. */
  #runStack(now: number): void {
    const { calls } = this.#device;
    calls.poll();
    if (now - this.#stackRan[0]! < TIMERS_EVERY.ownStack) return;
    this.#stackRan[0] = now;
    calls.waitAny(0);
  }

  /**
   * Closes a descriptor. A TCP of upstream's own first has to see what came: it would take the peer's FIN for the answer
   * to its own, and end the process when it sends that again.
   */
  #closeNative(qd: number): void {
    const { calls } = this.#device;
    for (let i = 0; this.#ownStack && i < POLLS_BEFORE_CLOSE; i++) calls.poll();
    calls.close(qd);
  }

  /** The library's part stays until the thread ends; it can be taken up again. */
  protected override closeDevice(): void {
    this.#device.close();
    this.#instance.busy = false;
  }
}
