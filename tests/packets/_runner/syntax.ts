/**
 * What a packet script consists of, once it is read.
 *
 * @module
 */

/** Where something stands in a script; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with a script itself: it cannot be read, or asks for what is not understood. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
  readonly place: Place;

  constructor(place: Place, message: string) {
    super(`line ${place.line}, column ${place.column}: ${message}`);
    this.place = place;
  }
}

/** When something happens, in milliseconds: at a time, or within a range, of the script or after the event before. */
export interface Time {
  /** `any` is whenever it comes. */
  readonly kind: "absolute" | "relative" | "any";
  readonly from: number;
  readonly to: number;
}

/** A value in a call. */
export type Expression =
  | { readonly kind: "any" }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "name"; readonly name: string; readonly place: Place }
  | { readonly kind: "or"; readonly parts: readonly Expression[] }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "struct"; readonly fields: readonly Field[] }
  | { readonly kind: "call"; readonly name: string; readonly items: readonly Expression[] };

/** A field of a structure; of an `iovec`, which names none, the name is empty. */
export interface Field {
  readonly name: string;
  readonly value: Expression;
}

interface EventBase {
  readonly place: Place;
  readonly time: Time;
  /** As it stands in the script, on one line. */
  readonly text: string;
}

/** A call of the system, and what it gives. */
export interface CallEvent extends EventBase {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expression[];
  /** Until when it blocks; null for one that does not. Relative to what {@linkcode Time.from} is relative to. */
  readonly until: number | null;
  readonly result: Expression;
  /** The name of the errno, if one is told. */
  readonly errno: string | null;
}

/** A packet, in or out. */
export interface PacketEvent extends EventBase {
  readonly kind: "packet";
  readonly out: boolean;
  readonly packet: PacketSpec;
}

/** A command of a shell, which is translated and never run. */
export interface CommandEvent extends EventBase {
  readonly kind: "command";
  readonly command: string;
}

/** Assertions in a subset of Python. */
export interface CodeEvent extends EventBase {
  readonly kind: "code";
  readonly code: string;
}

/** What happens in a script. */
export type ScriptEvent = CallEvent | PacketEvent | CommandEvent | CodeEvent;

/** What is told of the IP header. */
export interface IpSpec {
  /** Bits of the ECN field (RFC 3168, section 5). */
  ecn?: number;
  ttl?: number;
  tos?: number;
  /** The port of the peer, where it is not the one that it has by default. An extension of ours. */
  peer?: number;
  /** The checksum of the payload is wrong. An extension of ours. */
  badChecksum?: boolean;
}

/** A segment of TCP. Numbers are relative to the first one of whoever sent them. */
export interface TcpSpec {
  readonly kind: "tcp";
  readonly ip: IpSpec;
  /** Letters of `FSRP.EWU`, in that order. */
  readonly flags: string;
  readonly seq: number;
  readonly length: number;
  readonly ack: number | null;
  readonly window: number | null;
  readonly urgent: number | null;
  /** Null for any. */
  readonly options: readonly TcpOption[] | null;
}

/** An option of a segment. A timestamp of null is any. */
export type TcpOption =
  | { readonly kind: "mss"; readonly value: number }
  | { readonly kind: "wscale"; readonly value: number }
  | { readonly kind: "sackOK" }
  | { readonly kind: "nop" }
  | { readonly kind: "eol" }
  | { readonly kind: "TS"; readonly value: number | null; readonly echo: number | null }
  | { readonly kind: "sack"; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: "raw"; readonly bytes: readonly number[] };

/** A datagram of UDP. */
export interface UdpSpec {
  readonly kind: "udp";
  readonly ip: IpSpec;
  readonly length: number;
}

/** A message of ICMP. */
export interface IcmpSpec {
  readonly kind: "icmp";
  readonly ip: IpSpec;
  readonly type: number;
  readonly code: number;
  readonly mtu: number | null;
  /** The packet that it is about: the text of a segment, or a datagram. */
  readonly quoted: {
    readonly protocol: "tcp" | "udp";
    readonly seq: number;
    readonly length: number;
  };
}

/** A packet, as a script has it. */
export type PacketSpec = TcpSpec | UdpSpec | IcmpSpec;

/** A script that was read. */
export interface Script {
  readonly name: string;
  /** What is told at its top: `--name=value`. */
  readonly options: ReadonlyMap<string, string>;
  readonly events: readonly ScriptEvent[];
}
