/**
 * The calls of a script, upon PDPIX: what a system of sockets adds to it is in here, the rest is the libOS that ships.
 *
 * @module
 */

import { type CallEvent, type Expression, ScriptError } from "./syntax.ts";
import type { Completion, InetAddress, QToken } from "../../../libos/pdpix.ts";
import { DemikernelError } from "../../../libos/error.ts";
import { Descriptor } from "./descriptor.ts";
import { Flow, isPattern, patternOf, PEER_PORT, SERVER_PORT } from "./flow.ts";
import { getOption, setOption } from "./socket_options.ts";
import type { ScriptHost } from "./host.ts";
import type { Settings } from "./settings.ts";
import { STATE } from "../../../libos/inetstack/tcp/state.ts";
import { fieldOf, named, numberOf, sizeOfPieces, textOf } from "./values.ts";

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

/** How long Linux waits for more where a sender said that there will be (`tcp(7)`, TCP_CORK), in milliseconds. */
const CORK_LIMIT = 200;

const DONE: Outcome = { value: 0 };

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
  /** In upstream's way, operations are started by their calls, and waited for by `wait`. */
  readonly #started: { readonly fd: number; readonly attempt: Attempt }[] = [];
  readonly #waits: boolean;
  /** What a `wait` that goes on calls the descriptor of an accept. */
  #waitedFor: Expression | null = null;

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
    this.#waits = waits;
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
      if (one.heldUntil <= this.host.now) this.#push(one, one.held);
    }
  }

  /**
   * An acknowledgment came: what only a call asked to hold back (`MSG_MORE`), and no option, goes now, as Linux lets it.
   */
  acknowledged(): void {
    for (const one of this.descriptors.values()) {
      if (one.held > 0 && !one.corked) this.#push(one, one.held);
    }
  }

  /** Begins a call. Throws {@linkcode ScriptError} for one that is not understood. */
  begin(event: CallEvent): Attempt {
    const { name, place } = event;
    const begin = (this.#calls as Record<string, (event: CallEvent) => Attempt | Outcome>)[name];
    if (begin === undefined) throw new ScriptError(place, `the call ${name} is not understood`);
    let attempt: Attempt | Outcome;
    try {
      attempt = begin.call(this, event);
    } catch (error) {
      attempt = failure(error);
    }
    if ("value" in attempt) attempt = over(attempt);
    const queued = this.#waits &&
      ["accept", "connect", "read", "recv", "write", "send"].includes(name);
    if (!queued) return attempt;
    const fd = numberOf(event.args[0])!;
    this.#started.push({ fd, attempt });
    return over(DONE);
  }

  /** Whether a call waits where it has nothing. */
  blocks({ name, args }: CallEvent): boolean {
    const one = this.descriptors.get(numberOf(args[0]) ?? -1);
    if (name === "poll" || name === "wait") return true;
    const flags = name.startsWith("send") || name.startsWith("recv")
      ? numberOf(args[name.endsWith("msg") ? 2 : 3]) ?? 0
      : 0;
    return one !== undefined && !one.nonblocking && (flags & named("MSG_DONTWAIT")!) === 0;
  }

  /** What the errno of a call that would block is. */
  wouldBlock({ name }: CallEvent): string {
    return name === "connect" ? "EINPROGRESS" : "EAGAIN";
  }

  readonly #calls = {
    socket: this.#socket,
    bind: this.#bind,
    listen: this.#listen,
    accept: this.#accept,
    accept4: this.#accept,
    connect: this.#connect,
    read: this.#read,
    recv: this.#read,
    recvfrom: this.#read,
    readv: this.#read,
    recvmsg: this.#read,
    write: this.#write,
    send: this.#write,
    sendto: this.#write,
    writev: this.#write,
    sendmsg: this.#write,
    close: this.#close,
    shutdown: this.#shutdown,
    poll: this.#poll,
    fcntl: this.#fcntl,
    ioctl: this.#ioctl,
    setsockopt: this.#setsockopt,
    getsockopt: this.#getsockopt,
    getsockname: this.#getsockname,
    getpeername: this.#getsockname,
    wait: this.#wait,
  };

  #socket({ args, result }: CallEvent): Outcome {
    const family = numberOf(args[0]);
    const byVersion = this.settings.version === "ipv4" ? "inet" : "inet6";
    const domain = family === null ? byVersion : family === named("AF_INET") ? "inet" : "inet6";
    const flags = numberOf(args[1]) ?? 1;
    const type = (flags & 15) === 2 ? "dgram" : "stream";
    const one = new Descriptor(this.host.socket(domain, type), type, domain);
    one.nonblocking = (flags & named("SOCK_NONBLOCK")!) !== 0;
    if (type === "stream") this.#giveDefaults(one);
    return this.#name(one, result);
  }

  #giveDefaults({ qd }: Descriptor): void {
    const { profile, receiveBuffer, sendBuffer, congestion } = this.settings;
    if (congestion === "reno" || congestion === "newreno") {
      this.host.setsockopt(qd, "congestion", "reno");
    }
    this.host.setsockopt(qd, "receiveBuffer", receiveBuffer);
    this.host.setsockopt(qd, "sendBuffer", sendBuffer);
    // A kernel's socket waits for more (RFC 9293, section 3.7.4), where ours does not by default.
    if (profile !== "demikernel") this.host.setsockopt(qd, "nodelay", false);
  }

  /** Gives a descriptor the number that the script has for it. */
  #name(one: Descriptor, result: Expression): Outcome {
    let fd = numberOf(result) ?? -1;
    if (fd < 0) { for (fd = 3; this.descriptors.has(fd); fd++); }
    this.descriptors.set(fd, one);
    return { value: fd };
  }

  #bind({ args }: CallEvent): Outcome {
    const one = this.#get(args[0]);
    const any = one.domain === "inet"
      ? this.local
      : this.settings.version === "ipv6"
      ? this.local
      : "::";
    const address = addressOf(args[1]) ?? { hostname: any, port: SERVER_PORT };
    this.host.bind(one.qd, address);
    one.bound = true;
    if (one.type === "dgram") this.flows.push(new Flow(address.port, SERVER_PORT));
    return DONE;
  }

  #listen({ args }: CallEvent): Outcome {
    const one = this.#get(args[0]);
    if (one.type === "dgram") return { value: -1, errno: "EOPNOTSUPP" };
    if (!one.bound) {
      this.host.bind(one.qd, { hostname: one.domain === "inet" ? "0.0.0.0" : "::", port: 0 });
      one.bound = true;
    }
    // A kernel lets one more in than was asked for, and at least that.
    const backlog = (numberOf(args[1]) ?? 1) + (this.settings.profile === "demikernel" ? 0 : 1);
    this.host.listen(one.qd, Math.min(Math.max(backlog, 1), 4096));
    one.listening = true;
    const { port } = this.host.getsockname(one.qd) as InetAddress;
    this.flows.push(new Flow(port, PEER_PORT));
    return DONE;
  }

  #accept({ args, result }: CallEvent): Attempt {
    const one = this.#get(args[0]);
    return this.#operation(() => this.host.accept(one.qd), (completion) => {
      if (completion.opcode !== "accept") return DONE;
      const accepted = new Descriptor(completion.accepted, "stream", one.domain);
      accepted.nonblocking = ((numberOf(args[3]) ?? 0) & named("SOCK_NONBLOCK")!) !== 0;
      accepted.connection = this.#findConnection(accepted);
      accepted.keepalive = one.keepalive;
      accepted.keepaliveTimes = one.keepaliveTimes;
      accepted.corked = one.corked;
      this.current = accepted;
      return this.#name(accepted, this.#waitedFor ?? result);
    });
  }

  #findConnection({ qd }: Descriptor) {
    const local = this.host.getsockname(qd) as InetAddress;
    const remote = this.host.getpeername(qd) as InetAddress;
    return this.host.connectionOf(local.port, remote.port) ?? null;
  }

  #connect({ args }: CallEvent): Attempt | Outcome {
    const one = this.#get(args[0]);
    this.#lookAtConnecting(one);
    if (one.error !== null) return this.#tellError(one);
    const mapped = this.settings.version === "ipv4-mapped-ipv6"
      ? `::ffff:${this.remote}`
      : this.remote;
    const address = addressOf(args[1]) ?? { hostname: mapped, port: SERVER_PORT };
    const flow = new Flow(0, address.port);
    const start = () => {
      const token = this.host.connect(one.qd, address);
      flow.localPort = (this.host.getsockname(one.qd) as InetAddress).port;
      this.flows.push(flow);
      one.connecting = token;
      this.current = one;
      if (one.type === "stream") {
        one.connection = this.host.connectionOf(flow.localPort, address.port) ?? null;
      }
      return token;
    };
    const operation = this.#operation(start, () => {
      one.connecting = null;
      return DONE;
    }, () => one.connecting = null);
    // A connect that is given up goes on.
    return { poll: operation.poll, cancel: () => {} };
  }

  /** A connect that went on may be over. */
  #lookAtConnecting(one: Descriptor): void {
    if (one.connecting === null) return;
    const completion = this.#tryToken(one.connecting);
    if (completion === null) return;
    one.connecting = null;
    if (completion.opcode === "failed") one.error = completion.error.code;
  }

  #read(event: CallEvent): Attempt | Outcome {
    const { name, args, place } = event;
    const one = this.#get(args[0]);
    if (args[1]?.kind === "name" && args[1].name === "NULL") return { value: -1, errno: "EFAULT" };
    const isMessage = name === "recvmsg";
    const pieces = name === "readv" ? args[1] : fieldOf(args[1], "msg_iov");
    const size = isMessage || name === "readv" ? sizeOfPieces(pieces) : numberOf(args[2]) ?? 0;
    const flags = numberOf(args[isMessage ? 2 : 3]) ?? 0;
    if ((flags & named("MSG_ERRQUEUE")!) !== 0) return { value: -1, errno: "EAGAIN" };
    this.#lookAtConnecting(one);
    if (one.error !== null) return this.#tellError(one);
    if (one.type === "dgram") return this.#readDatagram(one, size, flags);
    if (one.told && one.available === 0) return DONE;
    if (one.connecting !== null) return { poll: () => null, cancel: () => {} };
    if ((flags & named("MSG_PEEK")!) !== 0) return this.#peek(one, size);
    const rest = isMessage ? fieldOf(args[1], "msg_control") : undefined;
    if (size === 0) return DONE;
    return this.#operation(() => this.host.pop(one.qd, size), (completion) => {
      if (completion.opcode !== "pop" || completion.sga === null) return DONE;
      let value = this.#takeText(one, completion.sga);
      while (value < size && one.available > 0) {
        const more = this.#tryToken(this.host.pop(one.qd, size - value));
        if (more?.opcode !== "pop" || more.sga === null) break;
        value += this.#takeText(one, more.sga);
      }
      if (rest === undefined) return { value };
      const wrong = checkControl(one, rest, place);
      return wrong === null ? { value } : { value, wrong };
    }, () => one.told = true);
  }

  #peek(one: Descriptor, size: number): Attempt {
    return {
      poll: () => {
        if (one.available > 0) return { value: Math.min(one.available, size) };
        return one.connection?.finReceived ? DONE : null;
      },
      cancel: () => {},
    };
  }

  #takeText(one: Descriptor, sga: { bytes(): Uint8Array; length: number; free(): void }): number {
    const { length } = sga;
    const right = isPattern(sga.bytes(), one.read);
    one.read += length;
    sga.free();
    if (!right) throw new Error(`The bytes up to ${one.read} are not those that the peer sent`);
    return length;
  }

  #readDatagram(one: Descriptor, size: number, flags: number): Attempt {
    return this.#operation(() => this.host.pop(one.qd, size), (completion) => {
      if (completion.opcode !== "pop" || completion.sga === null) return DONE;
      const { sga } = completion;
      const { length } = sga;
      const right = isPattern(sga.bytes(), 0);
      sga.free();
      if (right) return { value: length };
      return { value: length, wrong: "the bytes are not those that the peer sent" };
    }, () => void flags);
  }

  #write(event: CallEvent): Attempt | Outcome {
    const { name, args } = event;
    const one = this.#get(args[0]);
    if (args[1]?.kind === "name" && args[1].name === "NULL") return { value: -1, errno: "EFAULT" };
    const isMessage = name === "sendmsg";
    const pieces = name === "writev" ? args[1] : fieldOf(args[1], "msg_iov");
    const size = isMessage || name === "writev" ? sizeOfPieces(pieces) : numberOf(args[2]) ?? 0;
    const flags = name === "write" || name === "writev"
      ? 0
      : numberOf(args[isMessage ? 2 : 3]) ?? 0;
    if ((flags & named("MSG_FASTOPEN")!) !== 0) return { value: -1, errno: "EOPNOTSUPP" };
    this.#lookAtConnecting(one);
    if (one.error !== null) return this.#tellError(one);
    if (one.type === "dgram") {
      const target = isMessage
        ? fieldOf(args[1], "msg_name")
        : name === "sendto"
        ? args[4] ?? ({ kind: "any" } as const)
        : undefined;
      return this.#writeDatagram(one, size, target);
    }
    if (one.connecting !== null) return { poll: () => null, cancel: () => {} };
    if (one.told) return { value: -1, errno: "EPIPE" };
    if (one.connection === null) return { value: -1, errno: "EPIPE" };
    if (size === 0) return DONE;
    const more = one.corked || (flags & named("MSG_MORE")!) !== 0;
    return this.#writeStream(one, size, more, this.blocks(event));
  }

  #writeStream(one: Descriptor, size: number, more: boolean, blocks: boolean): Attempt | Outcome {
    const connection = one.connection!;
    const { tcp } = this.host.stack;
    const room = (tcp.pushLimit(connection) - connection.sendBuffer.end) | 0;
    let count = one.held + size;
    if (!blocks && connection.state !== STATE.CLOSED) {
      if (room <= 0) return { value: -1, errno: "EAGAIN" };
      count = Math.min(count, room);
    }
    const value = Math.min(size, count - one.held);
    const now = more ? count - count % connection.mss : count;
    if (now === 0) {
      one.held = count;
      if (one.heldUntil === Infinity) one.heldUntil = this.host.now + CORK_LIMIT;
      return { value };
    }
    return this.#operation(
      () => {
        const token = this.#start(one, now);
        one.held = count - now;
        one.heldUntil = one.held > 0 ? this.host.now + CORK_LIMIT : Infinity;
        return token;
      },
      () => ({ value }),
      () => one.told = true,
    );
  }

  /** Begins to push the bytes that come next in the stream. */
  #start(one: Descriptor, length: number): QToken {
    const sga = this.host.alloc(length);
    sga.bytes().set(patternOf(one.written, length));
    const token = this.host.push(one.qd, sga);
    one.written += length;
    return token;
  }

  /** Pushes bytes that were held. */
  #push(one: Descriptor, length: number): void {
    one.held = 0;
    one.heldUntil = Infinity;
    if (length > 0) this.#start(one, length);
  }

  #writeDatagram(one: Descriptor, size: number, target: Expression | undefined): Attempt {
    return this.#operation(() => {
      const sga = this.host.alloc(size);
      sga.bytes().set(patternOf(0, size));
      if (target === undefined) return this.host.push(one.qd, sga);
      const address = addressOf(target) ?? { hostname: this.remote, port: SERVER_PORT };
      if (this.flows.length === 0) this.flows.push(new Flow(0, address.port));
      return this.host.pushTo(one.qd, sga, address);
    }, () => ({ value: size }));
  }

  #close({ args }: CallEvent): Outcome {
    const fd = numberOf(args[0]) ?? -1;
    const one = this.#get(args[0]);
    if (one.held > 0) this.#push(one, one.held);
    this.descriptors.delete(fd);
    this.host.close(one.qd);
    return DONE;
  }

  #shutdown({ args }: CallEvent): Outcome {
    const one = this.#get(args[0]);
    if (one.held > 0) this.#push(one, one.held);
    const how = (["read", "write", "both"] as const)[numberOf(args[1]) ?? 0];
    if (how === undefined) return { value: -1, errno: "EINVAL" };
    if (one.told) return { value: -1, errno: "ENOTCONN" };
    this.host.shutdown(one.qd, how);
    return DONE;
  }

  /** `poll(2)`: what can be done with each descriptor. */
  #poll({ args }: CallEvent): Attempt {
    const [list, , limit] = args;
    const timeout = numberOf(limit) ?? 0;
    const end = timeout < 0 ? Infinity : this.host.now + timeout;
    const items = list?.kind === "list" ? list.items : [];
    const look = (): Outcome => {
      let value = 0;
      const wrong: string[] = [];
      for (const item of items) {
        const fd = numberOf(fieldOf(item, "fd")) ?? -1;
        const found = this.#events(fd, numberOf(fieldOf(item, "events")) ?? 0);
        if (found !== 0) value++;
        const expected = numberOf(fieldOf(item, "revents"));
        if (expected !== null && expected !== found) {
          wrong.push(`revents of ${fd} are ${found}, not ${expected}`);
        }
      }
      return wrong.length === 0 ? { value } : { value, wrong: wrong.join(", ") };
    };
    return {
      poll: () => {
        const outcome = look();
        return outcome.value > 0 || this.host.now >= end ? outcome : null;
      },
      cancel: () => {},
    };
  }

  #events(fd: number, wanted: number): number {
    const one = this.descriptors.get(fd);
    if (one === undefined) return named("POLLNVAL")!;
    this.#lookAtConnecting(one);
    const { connection } = one;
    let found = 0;
    if (one.listening) {
      return 0;
    }
    if (connection === null || one.connecting !== null) {
      return one.connecting === null ? 4 | 16 & wanted : 0;
    }
    const closed = connection.state === STATE.CLOSED;
    const failed = closed && connection.error !== 0 && !one.told;
    const sentAll = connection.finQueued;
    if (one.available > 0 || connection.finReceived || closed) found |= named("POLLIN")!;
    const room = (this.host.stack.tcp.pushLimit(connection) - connection.sendBuffer.end) | 0;
    if (room > connection.sendLimit / 3 || closed || sentAll) found |= named("POLLOUT")!;
    if (connection.finReceived || closed) found |= named("POLLRDHUP")!;
    found &= wanted;
    if (failed || one.error !== null) found |= named("POLLERR")!;
    if (closed || (connection.finReceived && sentAll)) found |= named("POLLHUP")!;
    return found;
  }

  #fcntl({ args }: CallEvent): Outcome {
    const one = this.#get(args[0]);
    if (numberOf(args[1]) === named("F_GETFL")) {
      return { value: named("O_RDWR")! | (one.nonblocking ? named("O_NONBLOCK")! : 0) };
    }
    if (numberOf(args[1]) === named("F_SETFL")) {
      one.nonblocking = ((numberOf(args[2]) ?? 0) & named("O_NONBLOCK")!) !== 0;
    }
    return DONE;
  }

  #ioctl({ args, place }: CallEvent): Outcome {
    const one = this.#get(args[0]);
    const request = numberOf(args[1]);
    const { connection } = one;
    let found: number;
    if (request === named("SIOCINQ")) found = one.available;
    else if (request === named("SIOCOUTQ")) {
      found = connection === null
        ? 0
        : Math.max(0, (connection.sendBuffer.end - connection.sndUna) | 0);
    } else if (request === named("SIOCOUTQNSD")) {
      found = connection === null
        ? 0
        : Math.max(0, (connection.sendBuffer.end - connection.sndNxt) | 0);
    } else throw new ScriptError(place, "this ioctl is not understood");
    const expected = numberOf(args[2]);
    if (expected === null || expected === found) return DONE;
    return { value: 0, wrong: `it gives ${found}, not ${expected}` };
  }

  #setsockopt({ args }: CallEvent): Outcome {
    const one = this.#get(args[0]);
    const wasCorked = one.corked;
    setOption(this, one, numberOf(args[2]) ?? -1, args[3]);
    if (wasCorked && !one.corked) this.#push(one, one.held);
    return DONE;
  }

  #getsockopt({ args }: CallEvent): Outcome {
    const one = this.#get(args[0]);
    this.#lookAtConnecting(one);
    const wrong = getOption(this, one, numberOf(args[2]) ?? -1, args[3]);
    return wrong === null ? DONE : { value: 0, wrong };
  }

  #getsockname({ args }: CallEvent): Outcome {
    this.host.getsockname(this.#get(args[0]).qd);
    return DONE;
  }

  /** Upstream's `wait`: the operation that was started first has to be over. */
  #wait({ args, result }: CallEvent): Attempt {
    const fd = numberOf(args[0]);
    return {
      poll: () => {
        const first = this.#started[0];
        if (first === undefined) {
          return { value: -1, errno: "EINVAL", wrong: "nothing was started" };
        }
        this.#waitedFor = result;
        const outcome = first.attempt.poll();
        this.#waitedFor = null;
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
  #tellError(one: Descriptor): Outcome {
    const errno = one.error!;
    one.error = null;
    one.told = true;
    return { value: -1, errno };
  }

  #get(fd: Expression | undefined): Descriptor {
    const one = this.descriptors.get(numberOf(fd) ?? -1);
    if (one === undefined) throw new DemikernelError("EBADF", "find a descriptor");
    return one;
  }

  /** An operation of PDPIX as a call: it is started at once. */
  #operation(
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
        const completion = this.#tryToken(token);
        if (completion === null) return null;
        if (completion.opcode !== "failed") return finish(completion);
        failed();
        return failure(completion.error);
      },
      cancel: () => {
        this.host.cancel(token);
        this.#tryToken(token);
      },
    };
  }

  #tryToken(token: QToken): Completion | null {
    try {
      return this.host.wait(token, 0);
    } catch (error) {
      if (error instanceof DemikernelError && error.code === "ETIMEDOUT") return null;
      throw error;
    }
  }
}

function over(outcome: Outcome): Attempt {
  return { poll: () => outcome, cancel: () => {} };
}

function failure(error: unknown): Outcome {
  if (!(error instanceof DemikernelError)) throw error;
  const { operation, code } = error;
  return { value: -1, errno: POSIX[`${operation} ${code}`] ?? code };
}

/** An address that a script gives; null for `...`. */
function addressOf(value: Expression | undefined): InetAddress | null {
  const port = numberOf(fieldOf(value, "sin_port", "sin6_port"));
  const host = fieldOf(value, "sin_addr", "sin6_addr");
  const hostname = host?.kind === "call" ? textOf(host.items.at(-1)) : textOf(host);
  return port === null || hostname === null ? null : { hostname, port };
}

/** What `recvmsg` tells beside the bytes: how many are left (`TCP_CM_INQ`). Says what is wrong. */
function checkControl(
  one: Descriptor,
  control: Expression,
  place: CallEvent["place"],
): string | null {
  const items = control.kind === "list" ? control.items : [];
  for (const item of items) {
    if (numberOf(fieldOf(item, "cmsg_type")) !== named("TCP_CM_INQ")) {
      throw new ScriptError(place, "this control message is not understood");
    }
    // A connection that ended counts as one byte, so that nobody waits for it.
    const found = one.available || (one.connection?.finReceived ? 1 : 0);
    const expected = numberOf(fieldOf(item, "cmsg_data"));
    if (expected !== null && expected !== found) return `${found} bytes are left, not ${expected}`;
  }
  return null;
}
