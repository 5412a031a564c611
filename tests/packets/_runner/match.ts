/**
 * What the host sent beside what the script expects, field by field.
 *
 * @module
 */

import { Flow, isPattern } from "./flow.ts";
import { formatOption, readOptions } from "./options.ts";
import { type IpPacket, isSumRight, PROTOCOL, readSegment } from "./wire.ts";
import type { IcmpSpec, PacketSpec, TcpOption, TcpSpec, UdpSpec } from "./syntax.ts";
import type { Settings } from "./settings.ts";

/** One field of a packet. */
export interface Field {
  readonly name: string;
  readonly expected: string;
  readonly actual: string;
  readonly same: boolean;
}

const ECN_NAMES = ["noecn", "ect1", "ect0", "ce"];

/** What a segment of the host is, as the script counts. */
export interface SentSegment {
  readonly packet: IpPacket;
  readonly flow: Flow;
  readonly flags: string;
  readonly seq: number;
  readonly length: number;
  readonly ack: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOption[];
}

/** Compares a packet with what is expected. */
export function compare(
  spec: PacketSpec,
  packet: IpPacket,
  flow: Flow,
  settings: Settings,
): Field[] {
  const fields = compareIp(spec, packet);
  if (protocolName(packet.protocol) !== spec.kind) return fields;
  if (!isSumRight(packet)) fields.push(different("checksum", "right", "wrong"));
  switch (spec.kind) {
    case "tcp":
      fields.push(...compareSegment(spec, readSent(packet, flow), settings));
      break;
    case "udp":
      fields.push(...compareDatagram(spec, packet));
      break;
    case "icmp":
      fields.push(...compareIcmp(spec, packet));
  }
  return fields;
}

function compareIp({ kind, ip }: PacketSpec, packet: IpPacket): Field[] {
  const fields = [field("protocol", kind, protocolName(packet.protocol))];
  if (ip.ecn !== undefined) {
    fields.push(field("ecn", ECN_NAMES[ip.ecn]!, ECN_NAMES[packet.tos & 3]!));
  }
  if (ip.ttl !== undefined) fields.push(field("ttl", ip.ttl, packet.ttl));
  if (ip.tos !== undefined) fields.push(field("tos", ip.tos, packet.tos));
  return fields;
}

function protocolName(protocol: number): string {
  if (protocol === PROTOCOL.tcp) return "tcp";
  if (protocol === PROTOCOL.udp) return "udp";
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6 ? "icmp" : String(protocol);
}

/** Reads a segment of the host. The first number of the flow is learned from its SYN. */
export function readSent(packet: IpPacket, flow: Flow, script = 0): SentSegment {
  const segment = readSegment(packet);
  const { flags, seq } = segment;
  if (flags.includes("S") && (flow.localFirst === null || flow.mayRestart)) {
    flow.localFirst = (seq - script) >>> 0;
    flow.mayRestart = false;
  }
  const length = segment.text.length;
  const end = flow.relative((seq + length + Number(/[SF]/.test(flags))) | 0);
  flow.sentEnd = Math.max(flow.sentEnd, end);
  const ack = flags.includes(".") ? Flow.peerRelative(segment.ack) : segment.ack;
  if (flags.includes(".")) flow.acknowledged = ack;
  if (flags.includes("F")) flow.fin = (end - 1) >>> 0;
  const options = readOptions(segment.options).map((option): TcpOption => {
    if (option.kind !== "sack") return option;
    const blocks = option.blocks.map(([from, to]) =>
      [Flow.peerRelative(from), Flow.peerRelative(to)] as const
    );
    return { kind: "sack", blocks };
  });
  return {
    packet,
    flow,
    flags,
    seq: flow.relative(seq),
    length,
    ack,
    window: segment.window,
    urgent: segment.urgent,
    options,
  };
}

/**
 * FreeBSD has its FIN in each acknowledgment as long as the peer does not know of it; what comes after the FIN is just as good
 * (RFC 9293, section 3.10.7.4, has it so).
 */
function withoutFin(spec: TcpSpec, { flow, flags, seq }: SentSegment, settings: Settings): TcpSpec {
  const { fin } = flow;
  const isAgain = settings.profile === "freebsd" && spec.flags.includes("F") && spec.length === 0 &&
    spec.seq === fin && !flags.includes("F") && seq === fin + 1;
  return isAgain ? { ...spec, flags: spec.flags.replace("F", ""), seq } : spec;
}

function compareSegment(told: TcpSpec, sent: SentSegment, settings: Settings): Field[] {
  const spec = withoutFin(told, sent, settings);
  // When to push is up to the sender (RFC 9293, section 3.9.1.2); kernels do it by how they keep what is written.
  // FreeBSD tells that its window shrank (CWR) with what it sends again, new text does by RFC 3168, section 6.1.2.
  const { profile } = settings;
  const free = { demikernel: /$^/, linux: /P/, freebsd: sent.length > 0 ? /[PW]/g : /P/ }[profile];
  // Whether a reset acknowledges is no matter where its number is right (RFC 9293, section 3.10.7.1).
  const isReset = profile !== "demikernel" && spec.flags.includes("R") && sent.flags.includes("R");
  const plain = (flags: string) => isReset ? "R" : flags.replace(free, "");
  const fields = [
    field("flags", plain(spec.flags) || "-", plain(sent.flags) || "-"),
    field("seq", spec.seq, sent.seq),
    field("length", spec.length, sent.length),
  ];
  if (spec.ack !== null && !isReset) fields.push(field("ack", spec.ack, sent.ack));
  if (spec.window !== null && !isReset) {
    fields.push(compareWindow(spec, spec.window, sent, settings));
  }
  if (spec.urgent !== null) fields.push(field("urg", spec.urgent, sent.urgent));
  if (spec.options !== null) fields.push(...compareOptions(spec, spec.options, sent, settings));
  const bytes = readSegment(sent.packet).text;
  const from = sent.seq + (sent.flags.includes("S") ? 1 : 0) - 1;
  if (bytes.length > 0 && !isPattern(bytes, from)) {
    fields.push(different("bytes", "those written", "others"));
  }
  return fields;
}

/** A window is the host's own choice, unless it is closed; upstream's and our own scripts are held to the number. */
function compareWindow(
  spec: TcpSpec,
  expected: number,
  sent: SentSegment,
  settings: Settings,
): Field {
  const same = field("win", expected, sent.window);
  if (settings.profile === "demikernel" || same.same) return same;
  const { localScale, peerScales } = sent.flow;
  const scale = spec.flags.includes("S") || !peerScales ? 0 : localScale;
  const room = sent.window * 2 ** scale;
  const isFree = expected > 0 && sent.window > 0 && room <= settings.receiveBuffer + 2 ** scale;
  return { ...same, same: isFree };
}

function compareOptions(
  spec: TcpSpec,
  expected: readonly TcpOption[],
  sent: SentSegment,
  settings: Settings,
): Field[] {
  const { flow } = sent;
  let off = 0;
  let echo: [number, number] | null = null;
  const stamp = sent.options.find(({ kind }) => kind === "TS");
  const wanted = expected.find(({ kind }) => kind === "TS");
  if (stamp?.kind === "TS" && wanted?.kind === "TS") {
    if (wanted.value !== null) off = flow.learn(wanted.value, stamp.value!, settings.timestampTick);
    if (wanted.echo !== null && wanted.echo !== stamp.echo) echo = [wanted.echo, stamp.echo!];
  }
  const scale = sent.options.find(({ kind }) => kind === "wscale");
  if (scale?.kind === "wscale" && spec.flags.includes("S")) flow.localScale = scale.value;
  const names = (options: readonly TcpOption[]) => {
    const texts = options.map((option) => {
      if (option.kind === "TS") return "TS";
      return isFree(option, spec, flow, settings) ? option.kind : formatOption(option);
    });
    // In which order they stand, and how they are filled up, is up to the sender.
    if (settings.profile === "demikernel") return texts.join(",");
    return texts.filter((text) => text !== "nop" && text !== "eol").sort().join(",");
  };
  const isSame = names(expected) === names(sent.options) && echo === null;
  const fields: Field[] = [{
    name: "options",
    expected: expected.map(formatOption).join(",") || "none",
    actual: sent.options.map(formatOption).join(",") || "none",
    same: isSame,
  }];
  if (Math.abs(off) > settings.tolerance) {
    fields.push(
      different("timestamp", `after ${wanted?.kind === "TS" ? wanted.value : ""}`, `${off} ms off`),
    );
  }
  return fields;
}

/** The scale of a window is the host's own choice. FreeBSD says no larger MSS in an answer than the peer did. */
function isFree(
  option: TcpOption,
  { flags, options }: TcpSpec,
  { peerMss }: Flow,
  { profile }: Settings,
): boolean {
  if (profile === "demikernel" || !flags.includes("S")) return false;
  const told = options?.find(({ kind }) => kind === "mss");
  const isPeers = told?.kind === "mss" && told.value === peerMss;
  return option.kind === "wscale" ||
    (option.kind === "mss" && profile === "freebsd" && flags.includes(".") && isPeers);
}

function compareDatagram(spec: UdpSpec, { payload }: IpPacket): Field[] {
  const length = payload.length - 8;
  const fields = [field("length", spec.length, length)];
  if (!isPattern(payload.subarray(8), 0)) {
    fields.push(different("bytes", "those written", "others"));
  }
  return fields;
}

function compareIcmp(spec: IcmpSpec, { payload }: IpPacket): Field[] {
  return [field("type", spec.type, payload[0]!), field("code", spec.code, payload[1]!)];
}

function field(name: string, expected: string | number, actual: string | number): Field {
  return { name, expected: String(expected), actual: String(actual), same: expected === actual };
}

function different(name: string, expected: string, actual: string): Field {
  return { name, expected, actual, same: false };
}
