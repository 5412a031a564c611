/**
 * Frames as lines that a person reads, like those of tcpdump.
 *
 * @module
 */

import { ETHERNET_HEADER } from "../inetstack/device.ts";
import { formatAddress } from "../runtime/address.ts";
import { PROTOCOL } from "../inetstack/wire/ipv4.ts";

const FLAGS = "FSRPAUEC";
/** Their names in tcpdump; a dot is an ACK. */
const FLAG_NAMES: Readonly<Record<string, string>> = { A: "." };

/** The line of a frame that a host sent at a time in milliseconds. */
export function traceLine(frame: Uint8Array<ArrayBuffer>, time: number, from: string): string {
  return `${(time / 1000).toFixed(6)} ${from}: ${describeFrame(frame)}`;
}

/** What is in a frame. */
export function describeFrame(frame: Uint8Array<ArrayBuffer>): string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < ETHERNET_HEADER) return `${frame.length} bytes`;
  const packet = new DataView(
    view.buffer,
    view.byteOffset + ETHERNET_HEADER,
    frame.length - ETHERNET_HEADER,
  );
  switch (view.getUint16(12)) {
    case 0x0800:
      return describeIpv4(packet);
    case 0x0806:
      return describeArp(packet);
    case 0x86dd:
      return describeIpv6(packet);
    default:
      return `ethertype 0x${view.getUint16(12).toString(16)}, length ${frame.length}`;
  }
}

function bytesOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

function rest(view: DataView, at: number, length: number): DataView {
  const most = Math.max(0, Math.min(length, view.byteLength - at));
  return new DataView(view.buffer, view.byteOffset + Math.min(at, view.byteLength), most);
}

function describeArp(packet: DataView): string {
  if (packet.byteLength < 28) return "ARP, cut short";
  const sender = formatAddress(bytesOf(packet, 14, 4));
  const target = formatAddress(bytesOf(packet, 24, 4));
  return packet.getUint16(6) === 1
    ? `ARP, who has ${target}? tell ${sender}`
    : `ARP, ${sender} is at ${
      Array.from(bytesOf(packet, 8, 6), (byte) => byte.toString(16).padStart(2, "0")).join(":")
    }`;
}

function describeIpv4(packet: DataView): string {
  if (packet.byteLength < 20) return "IP, cut short";
  const header = (packet.getUint8(0) & 0xf) * 4;
  const fragment = packet.getUint16(6);
  const source = formatAddress(bytesOf(packet, 12, 4));
  const destination = formatAddress(bytesOf(packet, 16, 4));
  const protocol = packet.getUint8(9);
  const length = packet.getUint16(2) - header;
  if ((fragment & 0x3fff) !== 0) {
    const offset = (fragment & 0x1fff) * 8;
    const more = (fragment & 0x2000) !== 0 ? "+" : "";
    return `IP ${source} > ${destination}: fragment ${length}@${offset}${more}, id ${
      packet.getUint16(4)
    }`;
  }
  return `IP ${describePayload(rest(packet, header, length), protocol, source, destination)}`;
}

function describeIpv6(packet: DataView): string {
  if (packet.byteLength < 40) return "IP6, cut short";
  const source = formatAddress(bytesOf(packet, 8, 16));
  const destination = formatAddress(bytesOf(packet, 24, 16));
  const payload = rest(packet, 40, packet.getUint16(4));
  return `IP6 ${describePayload(payload, packet.getUint8(6), source, destination)}`;
}

function describePayload(
  payload: DataView,
  protocol: number,
  source: string,
  destination: string,
): string {
  const between = (from: string | number, to: string | number) =>
    `${source}${from} > ${destination}${to}`;
  if (protocol === PROTOCOL.TCP && payload.byteLength >= 20) {
    const ports = between(`.${payload.getUint16(0)}`, `.${payload.getUint16(2)}`);
    return `${ports}: ${describeTcp(payload)}`;
  }
  if (protocol === PROTOCOL.UDP && payload.byteLength >= 8) {
    const ports = between(`.${payload.getUint16(0)}`, `.${payload.getUint16(2)}`);
    return `${ports}: UDP, length ${payload.getUint16(4) - 8}`;
  }
  if ((protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6) && payload.byteLength >= 4) {
    const name = protocol === PROTOCOL.ICMP ? "ICMP" : "ICMP6";
    const type = `${payload.getUint8(0)}, code ${payload.getUint8(1)}`;
    return `${between("", "")}: ${name} type ${type}, length ${payload.byteLength}`;
  }
  return `${between("", "")}: protocol ${protocol}, length ${payload.byteLength}`;
}

function describeTcp(segment: DataView): string {
  const header = Math.min((segment.getUint8(12) >> 4) * 4, segment.byteLength);
  const bits = segment.getUint8(13);
  const flags = [...FLAGS].filter((_, i) => (bits & 1 << i) !== 0)
    .map((flag) => FLAG_NAMES[flag] ?? flag).join("");
  const length = segment.byteLength - header;
  const seq = segment.getUint32(4);
  const parts = [`Flags [${flags || "none"}]`];
  parts.push(length > 0 ? `seq ${seq}:${(seq + length) % 2 ** 32}` : `seq ${seq}`);
  if ((bits & 16) !== 0) parts.push(`ack ${segment.getUint32(8)}`);
  parts.push(`win ${segment.getUint16(14)}`);
  const options = describeOptions(segment, header);
  if (options.length > 0) parts.push(`options [${options.join(",")}]`);
  parts.push(`length ${length}`);
  return parts.join(", ");
}

function describeOptions(segment: DataView, header: number): string[] {
  const options: string[] = [];
  for (let at = 20; at < header;) {
    const kind = segment.getUint8(at);
    if (kind === 0) return [...options, "eol"];
    if (kind === 1) {
      options.push("nop");
      at++;
      continue;
    }
    const length = at + 1 < header ? segment.getUint8(at + 1) : 0;
    if (length < 2 || at + length > header) return [...options, "malformed"];
    options.push(describeOption(segment, kind, at, length));
    at += length;
  }
  return options;
}

function describeOption(segment: DataView, kind: number, at: number, length: number): string {
  if (kind === 2 && length === 4) return `mss ${segment.getUint16(at + 2)}`;
  if (kind === 3 && length === 3) return `wscale ${segment.getUint8(at + 2)}`;
  if (kind === 4) return "sackOK";
  if (kind === 5) {
    const blocks: string[] = [];
    for (let i = at + 2; i + 8 <= at + length; i += 8) {
      blocks.push(`{${segment.getUint32(i)}:${segment.getUint32(i + 4)}}`);
    }
    return `sack ${blocks.join("")}`;
  }
  if (kind === 8 && length === 10) {
    return `TS val ${segment.getUint32(at + 2)} ecr ${segment.getUint32(at + 6)}`;
  }
  return `option ${kind}`;
}
