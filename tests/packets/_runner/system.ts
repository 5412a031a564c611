/**
 * The system of sockets that a script speaks to: descriptors over queues of PDPIX. The rest is the libOS that ships.
 *
 * @module
 */

import type { CallEvent, Expression } from "./syntax.ts";
import type { Completion, QToken } from "../../../libos/pdpix.ts";
import { DemikernelError } from "../../../libos/error.ts";
import type { Descriptor } from "./descriptor.ts";
import { type Flow, patternOf } from "./flow.ts";
import type { ScriptHost } from "./host.ts";
import type { Settings } from "./settings.ts";
import { later } from "../../../libos/inetstack/tcp/sequence.ts";
import { STATE } from "../../../libos/inetstack/tcp/state.ts";
import { TIMESTAMPS_SIZE } from "../../../libos/inetstack/wire/tcp.ts";
import { numberOf } from "./values.ts";

/** What a call gave. */
export interface Outcome {
  readonly value: number;
  readonly errno?: string;
  /** What it gave beside that, and should not have. */
  readonly wrong?: string;
}

/** A call that may not be over yet. */
export interface Attempt {
  /** What it gave; null as long as it blocks. */
  poll(): Outcome | null;
  /** Gives it up. */
  cancel(): void;
}

/** It went well, and there is nothing to tell. */
export const DONE: Outcome = { value: 0 };

/** Linux and FreeBSD answer so where PDPIX says it otherwise. */
const POSIX: Readonly<Record<string, string>> = {
  "connect EINPROGRESS": "EALREADY",
  "push ENOTCONN": "EPIPE",
};

/** See the module's description. */
export class System {
  readonly host: ScriptHost;
  readonly settings: Settings;
  readonly descriptors = new Map<number, Descriptor>();
  /** The addresses of the host and of its peer. */
  readonly local: string;
  readonly remote: string;
  /** Flows, the last one last; what comes in is of that one. */
  readonly flows: Flow[] = [];
  /** The descriptor of the connection that is looked at. */
  current: Descriptor | null = null;
  readonly #started: { readonly fd: number; readonly attempt: Attempt }[] = [];
  /** Whether it is upstream's way: operations are started by their calls, and waited for by `wait`. */
  readonly waits: boolean;
  /** Whether the last error of ICMP was one that FreeBSD calls a refusal. */
  refused = false;
  /** What a `wait` that goes on calls the descriptor of an accept. */
  waitedFor: Expression | null = null;

  constructor(
    host: ScriptHost,
    settings: Settings,
    addresses: { local: string; remote: string },
    waits: boolean,
  ) {
    this.host = host;
    this.settings = settings;
    this.local = addresses.local;
    this.remote = addresses.remote;
    this.waits = waits;
  }

  /** When held bytes have to go; Infinity if there are none. */
  get deadline(): number {
    let first = Infinity;
    for (const { heldUntil } of this.descriptors.values()) first = Math.min(first, heldUntil);
    return first;
  }

  /** Does what is due. */
  serve(): void {
    for (const one of this.descriptors.values()) {
      if (one.heldUntil <= this.host.now) this.push(one, one.held);
    }
  }

  /**
   * An acknowledgment came: what only a call asked to hold back (`MSG_MORE`), and no option, goes now, as Linux lets it.
   */
  acknowledged(): void {
    for (const one of this.descriptors.values()) {
      if (one.held > 0 && !one.corked) this.push(one, one.held);
    }
  }

  /**
   * FreeBSD makes a receive buffer whole segments as soon as it knows how large they are, and takes all that there is room
   * for, even if a window without a scale cannot tell of it. It puts acknowledgments off from the first one on, and
   * `TCP_KEEPINIT` is no matter any more.
   */
  settle(): void {
    if (this.settings.profile !== "freebsd") return;
    for (const connection of this.host.stack.tcp) {
      const { state, listener } = connection;
      if (state === STATE.SYN_SENT || (state === STATE.SYN_RECEIVED && listener !== null)) continue;
      const size = connection.mss + (connection.timestamps ? TIMESTAMPS_SIZE : 0);
      const limit = Math.ceil(connection.receiveLimit / size) * size;
      connection.receiveLimit = limit;
      const { rcvNxt, rcvAdv, receiveBuffer } = connection;
      if (receiveBuffer.mayGrow) {
        connection.rcvAdv = later(rcvAdv, (rcvNxt + limit - receiveBuffer.available) | 0);
      }
      connection.userTimeout = 0;
      connection.quickAcks = 0;
    }
  }

  /** In upstream's way: a call that goes on, and is waited for by `wait`. */
  queue(fd: number, attempt: Attempt): void {
    this.#started.push({ fd, attempt });
  }

  /** Gives a descriptor the number that the script has for it. */
  name(one: Descriptor, result: Expression): Outcome {
    let fd = numberOf(result) ?? -1;
    if (fd < 0) { for (fd = 3; this.descriptors.has(fd); fd++); }
    this.descriptors.set(fd, one);
    return { value: fd };
  }

  /** A connect that went on may be over. */
  lookAtConnecting(one: Descriptor): void {
    if (one.connecting === null) return;
    const completion = this.tryToken(one.connecting);
    if (completion === null) return;
    one.connecting = null;
    if (completion.opcode === "failed") one.error = completion.error.code;
  }

  /** Begins to push the bytes that come next in the stream. */
  start(one: Descriptor, length: number): QToken {
    const sga = this.host.alloc(length);
    sga.bytes().set(patternOf(one.written, length));
    const token = this.host.push(one.qd, sga);
    one.written += length;
    return token;
  }

  /** Pushes bytes that were held. */
  push(one: Descriptor, length: number): void {
    one.held = 0;
    one.heldUntil = Infinity;
    if (length > 0) this.start(one, length);
  }

  /** Upstream's `wait`: the operation that was started first has to be over. */
  wait({ args, result }: CallEvent): Attempt {
    const fd = numberOf(args[0]);
    return {
      poll: () => {
        const first = this.#started[0];
        if (first === undefined) {
          return { value: -1, errno: "EINVAL", wrong: "nothing was started" };
        }
        this.waitedFor = result;
        const outcome = first.attempt.poll();
        this.waitedFor = null;
        if (outcome === null) return null;
        this.#started.shift();
        if (first.fd !== fd) return { ...outcome, wrong: `it is an operation of ${first.fd}` };
        // How much was read and written is not told by upstream's tokens.
        return outcome.value < 0 || this.descriptors.has(outcome.value) ? outcome : DONE;
      },
      cancel: () => {},
    };
  }

  /** The error of a descriptor, told once. */
  tellError(one: Descriptor): Outcome {
    const errno = one.error!;
    one.error = null;
    one.told = true;
    return { value: -1, errno };
  }

  /** The descriptor of a number. Throws {@linkcode DemikernelError} `EBADF`. */
  get(fd: Expression | undefined): Descriptor {
    const one = this.descriptors.get(numberOf(fd) ?? -1);
    if (one === undefined) throw new DemikernelError("EBADF", "find a descriptor");
    return one;
  }

  /** An operation of PDPIX as a call: it is started at once. */
  operation(
    start: () => QToken,
    finish: (completion: Completion) => Outcome,
    failed: () => void = () => {},
  ): Attempt {
    let token: QToken;
    try {
      token = start();
    } catch (error) {
      return over(failure(error));
    }
    return {
      poll: () => {
        const completion = this.tryToken(token);
        if (completion === null) return null;
        if (completion.opcode !== "failed") return finish(completion);
        failed();
        return failure(completion.error);
      },
      cancel: () => {
        this.host.cancel(token);
        this.tryToken(token);
      },
    };
  }

  /** What an operation gave, if it is over. */
  tryToken(token: QToken): Completion | null {
    try {
      return this.host.wait(token, 0);
    } catch (error) {
      if (error instanceof DemikernelError && error.code === "ETIMEDOUT") return null;
      throw error;
    }
  }
}

/** A call that is over. */
export function over(outcome: Outcome): Attempt {
  return { poll: () => outcome, cancel: () => {} };
}

/** What a call gives that failed with an error of PDPIX. */
export function failure(error: unknown): Outcome {
  if (!(error instanceof DemikernelError)) throw error;
  const { operation, code } = error;
  return { value: -1, errno: POSIX[`${operation} ${code}`] ?? code };
}
