/**
 * Runs a script: event after event, in virtual time.
 *
 * @module
 */

import { applyCommand, applyOption, type Profile, type Settings, settingsOf } from "./settings.ts";
import { type Attempt, type Outcome, System } from "./system.ts";
import { begin, blocks, wouldBlock } from "./calls.ts";
import { checkCode } from "./code.ts";
import { compare, type Field } from "./match.ts";
import { Failure } from "./failure.ts";
import { Expected } from "./expected.ts";
import { Flow } from "./flow.ts";
import { layOutEvent } from "./incoming.ts";
import { numberOf } from "./values.ts";
import { type IpPacket, PEER_MAC, PROTOCOL, readFrame } from "./wire.ts";
import { ScriptHost, type SentFrame } from "./host.ts";
import type { CallEvent, PacketEvent, PacketSpec, Script, ScriptEvent } from "./syntax.ts";
import { ScriptError } from "./syntax.ts";

/** How scripts are run. */
export interface RunOptions {
  readonly profile: Profile;
  /** Options of the command line, which scripts may have, too; those of the script come first. */
  readonly options?: ReadonlyMap<string, string>;
}

/** How long whatever may come at any time is waited for, in milliseconds. */
const PATIENCE = 600_000;
/** Addresses of the host and of its peer, where the script names none: those of Google's suite, and of documentation. */
const ADDRESSES = {
  ipv4: { local: "192.168.0.1", remote: "192.0.2.1" },
  ipv6: { local: "fd3d:a0b:17d6::1", remote: "fd3d:fa7b:d17d::1" },
};

/** Runs a script. Throws {@linkcode Failure}, or {@linkcode ScriptError} for what is not understood. Gives its notes. */
export function runScript(script: Script, options: RunOptions): readonly string[] {
  const settings = settingsOf(options.profile);
  const top = { line: 1, column: 1 };
  for (const [name, value] of options.options ?? []) applyOption(settings, name, value, top);
  for (const [name, value] of script.options) applyOption(settings, name, value, top);
  const first = script.events.findIndex(({ kind }) => kind !== "command");
  for (const event of script.events.slice(0, Math.max(first, 0))) {
    if (event.kind === "command") applyCommand(settings, event.command);
  }
  new Run(script, settings).run();
  return [...settings.notes];
}

/** A call that blocks while other things happen. */
interface Blocking {
  readonly event: CallEvent;
  readonly attempt: Attempt;
  readonly until: number;
  outcome: Outcome | null;
  at: number;
}

class Run {
  readonly #script: Script;
  readonly #settings: Settings;
  readonly #host: ScriptHost;
  readonly #system: System;
  readonly #blocking: Blocking[] = [];
  /** What expects frames, and the frames that did not come yet. */
  readonly #frames: SentFrame[] = [];
  #event: ScriptEvent;
  /** When the last event was to be, by the script: what is relative is so to that. */
  #last = 0;

  constructor(script: Script, settings: Settings) {
    this.#script = script;
    this.#settings = settings;
    this.#event = script.events[0]!;
    const version = settings.version === "ipv6" ? "ipv6" : "ipv4";
    const { localIp, remoteIp } = settings;
    const local = localIp ?? ADDRESSES[version].local;
    const remote = remoteIp ?? ADDRESSES[version].remote;
    const mac = Array.from(PEER_MAC, (byte) => byte.toString(16).padStart(2, "0")).join(":");
    this.#host = new ScriptHost({
      // Everybody is next door.
      addresses: [`${local}/0`],
      neighbours: { [remote]: mac },
      mtu: settings.mtu,
    });
    const waits = script.events.some((event) => event.kind === "call" && event.name === "wait");
    this.#system = new System(this.#host, settings, { local, remote }, waits);
    this.#configure();
  }

  /** Gives the stack what commands have set. */
  #configure(): void {
    const { tcp } = this.#host.stack;
    const { timestamps, sack, windowScale, ecn, timeWaitLimit, memory } = this.#settings;
    tcp.challengesResets = this.#settings.challengesResets;
    tcp.challengesSyns = this.#settings.challengesSyns;
    tcp.offersTimestamps = timestamps;
    tcp.offersSack = sack;
    tcp.offersWindowScale = windowScale;
    tcp.asksForEcn = ecn === 1;
    tcp.givesEcn = ecn !== 0;
    tcp.timeWaitLimit = timeWaitLimit;
    tcp.pool.limit = memory;
  }

  run(): void {
    for (const event of this.#script.events) {
      this.#event = event;
      const { kind, from } = event.time;
      const base = kind === "relative" ? this.#last : 0;
      try {
        this.#take(event, base);
        this.#last = kind === "any" ? this.#host.now : base + from;
      } catch (error) {
        if (error instanceof Failure || error instanceof ScriptError) throw error;
        this.#fail(error instanceof Error ? error.message : String(error));
      }
    }
    for (const one of this.#blocking) {
      this.#event = one.event;
      this.#finish(one);
    }
    if (this.#settings.profile === "demikernel") this.#checkRest();
  }

  #take(event: ScriptEvent, base: number): void {
    switch (event.kind) {
      case "command":
        this.#pass(base + event.time.from);
        applyCommand(this.#settings, event.command);
        this.#configure();
        return;
      case "code":
        this.#pass(base + event.time.from);
        checkCode(event, this.#system, (message) => this.#fail(message));
        return;
      case "packet":
        if (event.out) return this.#expect(event, base);
        this.#pass(base + event.time.from);
        return this.#inject(event);
      case "call":
        this.#pass(base + event.time.from);
        for (const one of this.#blocking.splice(0)) {
          this.#finish(one);
        }
        return this.#call(event, base);
    }
  }

  /** Lets time pass. */
  #pass(until: number): void {
    // A kernel does what is due at a time before a script goes on at that time, or after; here it is before.
    while (this.#step(until));
  }

  #step(until: number): boolean {
    const { deadline } = this.#system;
    const now = Math.min(until, deadline);
    const stepped = this.#host.step(now);
    if (!stepped && deadline <= until) this.#system.serve();
    this.#collect();
    return stepped || deadline <= until;
  }

  /** Looks at what was sent, and at calls that block. */
  #collect(): void {
    for (const sent of this.#host.sent.splice(0)) if (isTold(sent)) this.#frames.push(sent);
    for (const one of this.#blocking) {
      if (one.outcome !== null) continue;
      one.outcome = one.attempt.poll();
      one.at = this.#host.now;
    }
    for (const sent of this.#host.sent.splice(0)) if (isTold(sent)) this.#frames.push(sent);
  }

  #inject(event: PacketEvent): void {
    const { packet } = event;
    const isSynFin = packet.kind === "tcp" && packet.flags.startsWith("FS");
    if (isSynFin && this.#settings.dropsSynFin) return;
    for (const frame of layOutEvent(event, this.#system)) this.#host.arrive(frame);
    this.#system.acknowledged();
    this.#system.settle();
    this.#collect();
  }

  #call(event: CallEvent, base: number): void {
    const attempt = begin(this.#system, event);
    const now = this.#host.now;
    const outcome = attempt.poll();
    this.#collect();
    if (event.until !== null) {
      this.#blocking.push({ event, attempt, until: base + event.until, outcome, at: now });
      return;
    }
    if (outcome !== null) return this.#checkOutcome(event, outcome);
    if (blocks(this.#system, event)) {
      this.#finish({ event, attempt, until: now, outcome: null, at: now });
    } else {
      attempt.cancel();
      this.#collect();
      this.#checkOutcome(event, { value: -1, errno: wouldBlock(event) });
    }
  }

  /** Waits for a call that blocks. */
  #finish(one: Blocking): void {
    const last = one.until + this.#settings.tolerance;
    if (!this.#blocking.includes(one)) this.#blocking.push(one);
    while (one.outcome === null && this.#step(last));
    this.#blocking.splice(this.#blocking.indexOf(one), 1);
    if (one.outcome === null) return this.#fail("the call still blocks");
    if (Math.abs(one.at - one.until) > this.#settings.tolerance) {
      this.#event = one.event;
      this.#fail(`the call ended at ${seconds(one.at)}, not at ${seconds(one.until)}`);
    }
    this.#checkOutcome(one.event, one.outcome);
  }

  #checkOutcome(event: CallEvent, outcome: Outcome): void {
    this.#event = event;
    const expected = numberOf(event.result);
    const { value, errno, wrong } = outcome;
    const actual = value < 0 ? `-1 ${errno ?? ""}` : String(value);
    const isSame = expected === null ||
      (expected === value && (event.errno === null || event.errno === errno));
    if (!isSame) {
      const told = expected! < 0 ? `-1 ${event.errno ?? ""}` : String(expected);
      this.#fail("the call gives something else", [{
        name: "result",
        expected: told,
        actual,
        same: false,
      }]);
    }
    if (wrong !== undefined) this.#fail(wrong);
  }

  /** A packet has to be sent. */
  #expect(event: PacketEvent, base: number): void {
    const { time, packet: spec } = event;
    const { tolerance, retransmissionSlop, acknowledgmentDelay } = this.#settings;
    const isAny = time.kind === "any";
    const from = isAny ? 0 : base + time.from - tolerance;
    const to = isAny ? this.#host.now + PATIENCE : base + time.to + tolerance;
    const expected = new Expected(spec, this.#settings);
    while (expected.isWaiting) {
      while (this.#frames.length === 0 && this.#step(to));
      const sent = this.#frames.shift();
      if (sent === undefined) return this.#fail("nothing was sent");
      const packet = readFrame(sent.frame)!;
      if (this.#isBeside(spec, packet)) continue;
      const flow = this.#flowOf(packet);
      const { sentEnd: end, acknowledged } = flow;
      const fields = compare(expected.next(packet), packet, flow, this.#settings);
      if (fields.some(({ same }) => !same)) return this.#fail("another packet was sent", fields);
      // What is sent again may be due before a kernel does it; how long an acknowledgment waits is the receiver's choice.
      const isOld = flow.sentEnd === end;
      const acknowledges = acknowledged !== flow.acknowledged;
      const early = isOld ? acknowledges ? acknowledgmentDelay : retransmissionSlop : 0;
      if (sent.at < from - early || sent.at > to) {
        const between = time.from === time.to || isAny
          ? seconds(base + time.from)
          : `between ${seconds(base + time.from)} and ${seconds(base + time.to)}`;
        return this.#fail(`it was sent at ${seconds(sent.at)}, not ${between}`, fields);
      }
    }
  }

  /** Kernels' suites look at the flow that they test: what a host answers beside it is not told. */
  #isBeside(spec: PacketSpec, { protocol }: IpPacket): boolean {
    if (this.#settings.profile === "demikernel" || spec.kind === "icmp") return false;
    return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6;
  }

  /** The flow that a packet is of: by its ports, or the last one, which learns its port so. */
  #flowOf(packet: { payload: Uint8Array; protocol: number }): Flow {
    const { flows } = this.#system;
    const { payload, protocol } = packet;
    if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) {
      return flows.at(-1) ?? new Flow(0, 0);
    }
    const local = payload[0]! << 8 | payload[1]!;
    const remote = payload[2]! << 8 | payload[3]!;
    const known = flows.findLast((one) => one.localPort === local && one.remotePort === remote);
    if (known !== undefined) return known;
    const last = flows.at(-1);
    if (last !== undefined && last.localPort === 0) {
      last.localPort = local;
      return last;
    }
    // Somebody else of the peer's is spoken to.
    const flow = new Flow(local, remote);
    flows.unshift(flow);
    return flow;
  }

  /** Upstream's and our own scripts tell of every packet. */
  #checkRest(): void {
    const left = this.#frames.length;
    if (left === 0) return;
    const packet = readFrame(this.#frames[0]!.frame)!;
    const spec = {
      ...NOTHING,
      kind: packet.protocol === PROTOCOL.tcp ? "tcp" : "udp",
    } as typeof NOTHING;
    const fields = packet.protocol === PROTOCOL.tcp
      ? compare(spec, packet, this.#flowOf(packet), this.#settings)
      : [];
    const told = fields.map((field) => ({ ...field, expected: "", same: true }));
    this.#fail(
      `${left} more ${left === 1 ? "packet was" : "packets were"} sent, the first at ${
        seconds(this.#frames[0]!.at)
      }`,
      told,
    );
  }

  #fail(message: string, fields: readonly Field[] = []): never {
    throw new Failure(
      this.#event,
      this.#host.now,
      message,
      fields,
      describeConnections(this.#host),
    );
  }
}

const NOTHING = {
  kind: "tcp" as const,
  ip: {},
  flags: "",
  seq: 0,
  length: 0,
  ack: 0,
  window: 0,
  urgent: null,
  options: [],
};

/** Whether scripts speak of a frame: not of how neighbours and groups are found. */
function isTold({ frame }: SentFrame): boolean {
  const packet = readFrame(frame);
  if (packet === null || packet.protocol === 0 || packet.protocol === 2) return false;
  if (packet.protocol !== PROTOCOL.icmpv6) return true;
  const type = packet.payload[0]!;
  return type < 130 || (type > 137 && type !== 143);
}

function describeConnections(host: ScriptHost): string[] {
  return (host.statistics().connections ?? []).map((one) =>
    `${one.local.port} to ${one.remote.port}: ${one.state}, ${one.inFlight} bytes in flight, ` +
    `cwnd ${one.congestionWindow}, ssthresh ${one.slowStartThreshold}, mss ${one.mss}, rto ${one.rto} ms, ` +
    `srtt ${
      one.rtt.toFixed(1)
    } ms, send window ${one.sendWindow}, receive window ${one.receiveWindow}`
  );
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)} s`;
}
