/**
 * Reads packets: segments, datagrams, messages of ICMP.
 *
 * @module
 */

import type { Cursor } from "./cursor.ts";
import { icmpCode, icmpType } from "./icmp_names.ts";
import type { IcmpSpec, IpSpec, PacketSpec, TcpOption, TcpSpec, UdpSpec } from "./syntax.ts";

/** The letters of the flags, from FIN on. A dot is an ACK. */
export const FLAGS = "FSRP.UEW";

const ECN: Readonly<Record<string, number>> = { noecn: 0, ect1: 1, ect0: 2, ce: 3 };

/** Reads a packet, and its direction; `icmp` is that of the version of IP. */
export function parsePacket(
  cursor: Cursor,
  version: 4 | 6,
): { out: boolean; packet: PacketSpec } {
  const upstream = cursor.match(/(TCP|UDP)\b/y)?.[1];
  const out = cursor.need(/[<>]/y, "< or >")[0] === ">";
  const ip: IpSpec = {};
  let quoted: IcmpSpec["quoted"] | null = null;
  while (cursor.take("[")) {
    if (cursor.sees(/\d|udp/y)) quoted = parseQuoted(cursor);
    else parseIp(cursor, ip);
    cursor.expect("]");
  }
  if (cursor.take("(")) {
    parseIp(cursor, ip);
    cursor.expect(")");
  }
  const [, protocol] = cursor.match(/(icmpv6|icmp|udp)\b/y) ?? [];
  if (protocol?.startsWith("icmp")) {
    const of = protocol === "icmpv6" ? 6 : version;
    return { out, packet: parseIcmp(cursor, ip, quoted, of) };
  }
  if (protocol === "udp" || upstream === "UDP") return { out, packet: parseUdp(cursor, ip) };
  return { out, packet: parseTcp(cursor, ip) };
}

/** Reads what is told of the IP header, between brackets or parentheses. */
function parseIp(cursor: Cursor, ip: IpSpec): void {
  do {
    const { place } = cursor;
    const [name] = cursor.need(/bad checksum|[a-z_0-9]+/y, "ect0, ect1, ce, noecn, tos or ttl");
    if (name in ECN) ip.ecn = ECN[name]!;
    else if (name === "ttl" || name === "hlim") ip.ttl = parseNumber(cursor, "a TTL");
    else if (name === "tos" || name === "class") ip.tos = parseNumber(cursor, "a TOS");
    else if (name === "port") ip.peer = parseNumber(cursor, "a port");
    else if (name === "bad checksum") ip.badChecksum = true;
    // The label of a flow is the sender's own choice (RFC 6437).
    else if (name === "flowlabel") parseNumber(cursor, "a label");
    else cursor.fail(`"${name}" is nothing of an IP header`, place);
  } while (cursor.take(","));
}

function parseNumber(cursor: Cursor, what: string): number {
  return Number(cursor.need(/0x[0-9a-fA-F]+|\d+/y, what)[0]);
}

function parseTcp(cursor: Cursor, ip: IpSpec): TcpSpec {
  let letters = "";
  // Upstream sets flags apart.
  for (;;) {
    const more = cursor.match(/(?:[FSRP.EWU]+|-)(?=\s)/y);
    if (more === null) break;
    letters += more[0];
  }
  if (letters === "") cursor.fail("the flags of a segment are missing");
  const { seq, length } = parseNumbers(cursor);
  const ack = cursor.match(/ack\b/y) ? parseNumber(cursor, "a number") : null;
  const window = cursor.match(/win\b/y) ? parseNumber(cursor, "a window") : null;
  const urgent = cursor.match(/urg\b/y) ? parseNumber(cursor, "a pointer") : null;
  const flags = [...FLAGS].filter((flag) => letters.includes(flag)).join("");
  const options = cursor.sees(/</y) ? parseOptions(cursor) : [];
  return { kind: "tcp", ip, flags, seq, length, ack, window, urgent, options };
}

/** Reads `seq:end(length)`, `...(length)` of a SYN, or upstream's `seq N(length)`. */
function parseNumbers(cursor: Cursor): { seq: number; length: number } {
  const { place } = cursor;
  const upstream = cursor.match(/seq\s+(\d+)\((\d+)\)/y);
  if (upstream !== null) return { seq: Number(upstream[1]), length: Number(upstream[2]) };
  // The first number of a connection is any, and counts as 0.
  const any = cursor.match(/\.\.\.\s*\((\d+)\)/y);
  if (any !== null) return { seq: 0, length: Number(any[1]) };
  const [, seq, end, length] = cursor.need(/(\d+):(\d+)\s*\((\d+)\)/y, "seq:end(length)").map(
    Number,
  );
  if (seq! + length! !== end) cursor.fail(`${seq} and ${length} bytes do not end at ${end}`, place);
  return { seq: seq!, length: length! };
}

function parseOptions(cursor: Cursor): TcpOption[] | null {
  cursor.expect("<");
  if (cursor.take("...")) {
    cursor.expect(">");
    return null;
  }
  const options: TcpOption[] = [];
  while (!cursor.take(">")) {
    if (options.length > 0) cursor.expect(",");
    options.push(parseOption(cursor));
  }
  return options;
}

function parseOption(cursor: Cursor): TcpOption {
  const { place } = cursor;
  const [name] = cursor.need(/[A-Za-z]+/y, "an option");
  switch (name) {
    case "mss":
    case "wscale":
      return { kind: name, value: parseNumber(cursor, "a number") };
    case "sackOK":
    case "nop":
    case "eol":
      return { kind: name };
    case "TS": {
      cursor.expect("val");
      const value = parseStamp(cursor);
      cursor.expect("ecr");
      return { kind: "TS", value, echo: parseStamp(cursor) };
    }
    case "sack": {
      const blocks: [number, number][] = [];
      for (;;) {
        const block = cursor.match(/(\d+):(\d+)/y);
        if (block === null) break;
        blocks.push([Number(block[1]), Number(block[2])]);
      }
      if (blocks.length === 0) cursor.fail("a block is missing, as in 1001:2001");
      return { kind: "sack", blocks };
    }
    case "FO":
      return { kind: "raw", bytes: parseCookie(cursor, [34]) };
    case "FOEXP":
      return { kind: "raw", bytes: parseCookie(cursor, [254], [0xf9, 0x89]) };
    case "raw":
      return { kind: "raw", bytes: parseBytes(cursor) };
    default:
      return cursor.fail(`the option ${name} is not understood`, place);
  }
}

/** Reads a timestamp: a number, or anything; upstream names fields where there is nothing to tell. */
function parseStamp(cursor: Cursor): number | null {
  return cursor.take("...") ? null : parseNumber(cursor, "a timestamp");
}

/** Reads the cookie of TCP Fast Open (RFC 7413), an option like others to who does not know it. */
function parseCookie(cursor: Cursor, kind: number[], magic: number[] = []): number[] {
  cursor.blank();
  const cookie = cursor.sees(/[0-9a-fA-F]/y) ? parseBytes(cursor) : [];
  return [...kind, 2 + magic.length + cookie.length, ...magic, ...cookie];
}

function parseBytes(cursor: Cursor): number[] {
  const [hex] = cursor.need(/(?:[0-9a-fA-F]{2})+/y, "bytes in hexadecimal");
  return hex.match(/../g)!.map((byte) => parseInt(byte, 16));
}

function parseUdp(cursor: Cursor, ip: IpSpec): UdpSpec {
  const upstream = cursor.match(/len\s+(\d+)/y);
  const [, length] = upstream ?? cursor.need(/\((\d+)\)/y, "(length)");
  return { kind: "udp", ip, length: Number(length) };
}

function parseQuoted(cursor: Cursor): IcmpSpec["quoted"] {
  if (cursor.match(/udp\b/y)) {
    const [, length] = cursor.need(/\((\d+)\)/y, "(length)");
    return { protocol: "udp", seq: 0, length: Number(length) };
  }
  return { protocol: "tcp", ...parseNumbers(cursor) };
}

function parseIcmp(
  cursor: Cursor,
  ip: IpSpec,
  before: IcmpSpec["quoted"] | null,
  version: 4 | 6,
): IcmpSpec {
  const { place } = cursor;
  const [typeName] = cursor.need(/[a-z_0-9]+/y, "the type of a message");
  const type = icmpType(typeName, version) ??
    cursor.fail(`the type ${typeName} of icmp is not understood`, place);
  let code = 0;
  let mtu: number | null = null;
  let quoted = before;
  for (;;) {
    cursor.blank();
    if (cursor.match(/mtu\b/y)) mtu = parseNumber(cursor, "an MTU");
    else if (cursor.sees(/\[/y)) {
      cursor.expect("[");
      // Of what is quoted, only the numbers are looked at.
      cursor.match(/[FSRP.EWU]+(?=\s)/y);
      quoted = parseQuoted(cursor);
      cursor.match(/[^\]]*/y);
      cursor.expect("]");
    } else {
      const found = cursor.match(/[a-z][a-z_0-9]*(?=[ \t]*(?:\[|mtu\b|\n|$|\/\/))/y);
      if (found === null) break;
      const named = icmpCode(found[0], typeName, version);
      if (named === null) cursor.fail(`the code ${found[0]} of icmp is not understood`);
      code = named;
    }
  }
  const about = quoted ?? { protocol: "tcp" as const, seq: 0, length: 0 };
  return { kind: "icmp", ip, type, code, mtu, quoted: about };
}
