/**
 * What the kinds of queue over Deno's sockets share: lists of what waits, options, and addresses.
 *
 * @module
 */

import { DemikernelError, Errno, inspect } from "../error.ts";
import { OperationList } from "../runtime/operation/list.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { Queue } from "../runtime/queue/queue.ts";
import { layOut, layOutTarget, readAddress } from "../runtime/socket_address.ts";
import type { DenoContext } from "./device.ts";
import { errnoOf, reasonOf } from "./errors.ts";
import type { Domain, InetAddress, SocketAddress, SocketOptions } from "../pdpix.ts";

/** The options that there are: flags, all of them. */
export const OPTIONS = ["nodelay", "keepalive", "reuseAddress", "reusePort"] as const;

/** One of those. */
type Option = typeof OPTIONS[number];

/** A queue over a socket of Deno's. */
export abstract class DenoQueue extends Queue {
  declare protected readonly context: DenoContext;
  /** Its domain. */
  readonly domain: Domain;
  /** Pops that wait for data. */
  protected readonly pops = new OperationList();
  /** Whether it is bound to an address of IPv6, from which no way leads to one of IPv4. */
  protected onlyIPv6 = false;
  /** Whether it was closed; what is under way still may end after that. */
  protected closed = false;
  /** Options, as they were set. */
  protected readonly flags: Partial<Record<Option, boolean>> = {};
  /** What Deno sends from still, although its push is over. */
  #orphan: HeapSga | null = null;

  /** Makes a queue that has no socket yet. */
  constructor(context: DenoContext, domain: Domain) {
    super(context);
    this.domain = domain;
  }

  /** Whether Deno sends from the oldest push now. */
  protected abstract readonly isSending: boolean;
  /** The options that this kind has. */
  protected abstract readonly options: readonly Option[];

  /** Lets the socket that there is know of a flag. */
  protected apply(_option: Option, _value: boolean): void {}

  /** See {@linkcode Queue.setsockopt}. */
  override setsockopt<K extends keyof SocketOptions>(option: K, value: SocketOptions[K]): void {
    const flag = this.#option(option, "setsockopt");
    if (flag === "keepalive" && typeof value === "object" && value !== null) {
      throw this.error("ENOPROTOOPT", "setsockopt", "Deno sets no times of keep-alive; give true");
    }
    if (typeof value !== "boolean") {
      const detail = `the option "${option}" must be true or false, not ${inspect(value)}`;
      throw this.error("EINVAL", "setsockopt", detail);
    }
    this.apply(flag, value);
    this.flags[flag] = value;
  }

  /** See {@linkcode Queue.getsockopt}. */
  override getsockopt<K extends keyof SocketOptions>(option: K): SocketOptions[K] {
    const flag = this.#option(option, "getsockopt");
    return (this.flags[flag] ?? flag === "nodelay") as SocketOptions[K];
  }

  #option(option: keyof SocketOptions, call: string): Option {
    const found = this.options.find((one) => one === option);
    if (found !== undefined) return found;
    const detail = `a ${this.kind} of Deno's has no option ${inspect(option)}`;
    throw this.error("ENOPROTOOPT", call, detail);
  }

  /** Reads an address to bind to. */
  protected readOwn(address: SocketAddress): SocketAddress {
    const own = readAddress(layOut(address, this.domain, "bind", this.qd));
    this.onlyIPv6 = "hostname" in own && own.hostname.includes(":") && own.hostname !== "::";
    return own;
  }

  /** Reads an address that a connect or a push goes to. */
  protected readTarget(address: SocketAddress, call: string): SocketAddress {
    const target = readAddress(layOutTarget(address, this.domain, call, this.qd));
    if (this.onlyIPv6 && !(target as InetAddress).hostname.includes(":")) {
      throw this.error(
        "EAFNOSUPPORT",
        call,
        "the socket is bound to an IPv6 address; to reach IPv4 as well, bind it to ::",
      );
    }
    return target;
  }

  /** The address of a socket that has none. */
  protected get unboundName(): SocketAddress {
    if (this.domain === "unix") return { path: "" };
    return { hostname: this.domain === "inet" ? "0.0.0.0" : "::", port: 0 };
  }

  /** The error of a control call of Deno's that threw. */
  protected asError(error: unknown, call: string): unknown {
    return reasonOf(error) ?? new DemikernelError(errnoOf(error), call, { qd: this.qd });
  }

  /** Fails an operation with what a call of Deno's was rejected with. */
  protected failWith(operation: PooledOperation, error: unknown): void {
    operation.fail(errnoOf(error), reasonOf(error));
  }

  /**
   * Puts another in the place of a push that was cancelled while Deno sends from it: a part of it may be on its way, and
   * the rest has to follow. Says whether it was one.
   */
  protected goesOnUnseen(operation: PooledOperation): boolean {
    if (operation !== this.pushes.head || !this.isSending) return false;
    const rest = this.start(Opcode.PUSH);
    rest.sga = operation.sga;
    rest.size = operation.size;
    rest.address = operation.address;
    rest.ignored = true;
    operation.sga = null;
    this.pushes.replace(operation, rest);
    rest.suspend();
    return true;
  }

  /** Fails all pushes. What Deno sends from stays the libOS's until it is through. */
  protected failPushes(errno: number): void {
    const { head } = this.pushes;
    if (head !== null && this.isSending) {
      this.#orphan = head.sga;
      head.sga = null;
    }
    this.failAll(this.pushes, errno);
  }

  /** Deno is through: says whether the push was over before, and its memory is free now. */
  protected wasOrphan(): boolean {
    if (this.#orphan === null) return false;
    this.#orphan.finish();
    this.#orphan = null;
    return true;
  }

  /** Fails all of a list. */
  protected failAll(list: OperationList, errno: number): void {
    while (list.head !== null) list.shift().fail(errno);
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    this.closed = true;
    this.failAll(this.pops, Errno.ECANCELED);
    this.failPushes(Errno.ECANCELED);
  }
}

/** An address of Deno's as PDPIX has it: one of IPv4 is told as such, also where an IPv6 socket has it. */
export function fromDeno(address: Deno.Addr): SocketAddress {
  if (!("hostname" in address)) return { path: (address as Deno.UnixAddr).path ?? "" };
  const { hostname, port } = address;
  const isMapped = hostname.startsWith("::ffff:") && hostname.includes(".");
  return { hostname: isMapped ? hostname.slice("::ffff:".length) : hostname, port };
}
