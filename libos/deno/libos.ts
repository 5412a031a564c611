/**
 * catnap over Deno's own sockets: where there is no libc to call, or no permission for it.
 *
 * Nothing is polled: what Deno brings is told in its own goes, and whoever waits goes on at once.
 *
 * @module
 */

import { checkTimeout, DemikernelError } from "../error.ts";
import { RuntimeLibOS, type RuntimeOptions } from "../runtime/libos.ts";
import type { Queue } from "../runtime/queue/queue.ts";
import { DatagramQueue, hasDatagrams } from "./datagram_queue.ts";
import { type DenoContext, Device } from "./device.ts";
import { OPTIONS } from "./socket_queue.ts";
import { StreamQueue } from "./stream_queue.ts";
import type {
  Capabilities,
  Completion,
  Domain,
  QToken,
  SocketOptions,
  SocketType,
} from "../pdpix.ts";

const hasUnix = Deno.build.os !== "windows";

const CAPABILITIES: Capabilities = Object.freeze({
  domains: Object.freeze<Domain[]>(["inet", "inet6", ...hasUnix ? ["unix"] as const : []]),
  types: Object.freeze<SocketType[]>(["stream", ...hasDatagrams ? ["dgram"] as const : []]),
  // `reusePort` is of --unstable-net, as datagrams are.
  options: Object.freeze<(keyof SocketOptions)[]>(
    OPTIONS.filter((option) => option !== "reusePort" || hasDatagrams),
  ),
  halfClose: true,
  storage: false,
  pipes: false,
  closesAtOnce: true,
  parks: true,
  blocks: false,
});

/** The libOS over Deno's sockets. */
export class DenoCatnap extends RuntimeLibOS {
  override readonly name = "catnap";
  override readonly provider = "deno";
  override readonly capabilities: Capabilities = CAPABILITIES;
  override readonly fd = -1;
  /** See {@linkcode Driver.isPassive}. */
  readonly isPassive = true;
  readonly #context: DenoContext;

  /** Opens nothing: each socket asks for the permission that it needs. */
  constructor(options: Omit<RuntimeOptions, "addressOf">) {
    super(options);
    this.#context = { ...this.context, device: new Device(this.scheduler) };
    this.scheduler.attach(this);
  }

  /** See {@linkcode Driver.deadline}. */
  override deadline(): number {
    return Infinity;
  }

  /** See {@linkcode Driver.prepareToPark}. */
  override prepareToPark(): void {}

  /** See {@linkcode Driver.poll}. */
  override poll(): number {
    return 0;
  }

  override wait(qt: QToken, timeout?: number): Completion {
    return atOnce("wait", timeout, () => super.wait(qt, 0));
  }

  override waitAny(qts: readonly QToken[], timeout?: number): Completion {
    return atOnce("waitAny", timeout, () => super.waitAny(qts, 0));
  }

  override waitAll(qts: readonly QToken[], timeout?: number): Completion[] {
    return atOnce("waitAll", timeout, () => super.waitAll(qts, 0));
  }

  override waitNextN(count: number, timeout?: number): Completion[] {
    if (timeout !== undefined) checkTimeout(timeout);
    const completions = super.waitNextN(count, 0);
    if (completions.length === 0 && timeout !== 0) throw cannotBlock("waitNextN");
    return completions;
  }

  protected override createSocket(domain: Domain, type: SocketType): Queue {
    if (type === "stream") return new StreamQueue(this.#context, domain);
    if (domain !== "unix") return new DatagramQueue(this.#context, domain);
    throw new DemikernelError("ENOTSUP", "socket", {
      detail: `catnap on Deno's sockets has no ${type} sockets of domain ${domain}`,
    });
  }

  protected override closeDevice(): Promise<void> {
    return this.#context.device.settled();
  }
}

/** Waits for what is over already. */
function atOnce<T>(call: string, timeout: number | undefined, wait: () => T): T {
  if (timeout !== undefined) checkTimeout(timeout);
  try {
    return wait();
  } catch (error) {
    const isPending = error instanceof DemikernelError && error.code === "ETIMEDOUT";
    throw isPending && timeout !== 0 ? cannotBlock(call) : error;
  }
}

function cannotBlock(call: string): DemikernelError {
  return new DemikernelError("ENOTSUP", call, {
    detail: "it is not over, and Deno's sockets stand still while the thread is blocked; " +
      "await operation(qt), or use a timeout of 0",
  });
}
