/**
 * Values of calls: names are looked up, lists and structures are looked into.
 *
 * @module
 */

import { Errno } from "../../../libos/error.ts";
import { type Expression, ScriptError } from "./syntax.ts";

/** Names of scripts, with Linux's numbers where it has them. */
const NAMES: Readonly<Record<string, number>> = {
  AF_INET: 2,
  PF_INET: 2,
  AF_INET6: 10,
  PF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_NONBLOCK: 0x800,
  SOCK_CLOEXEC: 0x80000,
  IPPROTO_IP: 0,
  IPPROTO_TCP: 6,
  IPPROTO_UDP: 17,
  IPPROTO_IPV6: 41,
  IPPROTO_ICMP: 1,
  SOL_SOCKET: 1,
  SOL_IP: 0,
  SOL_TCP: 6,
  SOL_UDP: 17,
  SOL_IPV6: 41,
  NULL: 0,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_NONBLOCK: 0x800,
  F_GETFL: 3,
  F_SETFL: 4,
  F_GETFD: 1,
  F_SETFD: 2,
  SHUT_RD: 0,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  MSG_OOB: 1,
  MSG_PEEK: 2,
  MSG_DONTROUTE: 4,
  MSG_CTRUNC: 8,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_EOR: 0x80,
  MSG_WAITALL: 0x100,
  MSG_ERRQUEUE: 0x2000,
  MSG_NOSIGNAL: 0x4000,
  MSG_MORE: 0x8000,
  MSG_ZEROCOPY: 0x4000000,
  MSG_FASTOPEN: 0x20000000,
  POLLIN: 1,
  POLLPRI: 2,
  POLLOUT: 4,
  POLLERR: 8,
  POLLHUP: 16,
  POLLNVAL: 32,
  POLLRDNORM: 64,
  POLLRDBAND: 128,
  POLLWRNORM: 256,
  POLLWRBAND: 512,
  POLLRDHUP: 0x2000,
  SIOCINQ: 0x541b,
  FIONREAD: 0x541b,
  SIOCOUTQ: 0x5411,
  FIONWRITE: 0x5411,
  SIOCOUTQNSD: 0x894b,
  FIONSPACE: 0x5411 + 1,
  SO_DEBUG: 1001,
  SO_REUSEADDR: 1002,
  SO_ERROR: 1003,
  SO_RCVBUF: 1004,
  SO_SNDBUF: 1005,
  SO_LINGER: 1006,
  SO_KEEPALIVE: 1007,
  SO_REUSEPORT: 1008,
  SO_RCVLOWAT: 1009,
  SO_TIMESTAMPING: 1010,
  SO_MARK: 1011,
  SO_ZEROCOPY: 1012,
  SO_RCVTIMEO: 1013,
  SO_SNDTIMEO: 1014,
  SO_BROADCAST: 1015,
  SO_PRIORITY: 1016,
  SO_MAX_PACING_RATE: 1017,
  SO_BUSY_POLL: 1018,
  SO_RCVBUFFORCE: 1004,
  SO_SNDBUFFORCE: 1005,
  TCP_NODELAY: 2001,
  TCP_MAXSEG: 2002,
  TCP_CORK: 2003,
  TCP_NOPUSH: 2003,
  TCP_KEEPIDLE: 2004,
  TCP_KEEPINTVL: 2005,
  TCP_KEEPCNT: 2006,
  TCP_SYNCNT: 2007,
  TCP_LINGER2: 2008,
  TCP_DEFER_ACCEPT: 2009,
  TCP_WINDOW_CLAMP: 2010,
  TCP_INFO: 2011,
  TCP_QUICKACK: 2012,
  TCP_CONGESTION: 2013,
  TCP_KEEPINIT: 2128,
  TCP_NOOPT: 2108,
  TCP_USER_TIMEOUT: 2018,
  TCP_FASTOPEN: 2023,
  TCP_FASTOPEN_CONNECT: 2030,
  TCP_TIMESTAMP: 2024,
  TCP_NOTSENT_LOWAT: 2025,
  TCP_INQ: 2036,
  TCP_CM_INQ: 2036,
  TCP_THIN_LINEAR_TIMEOUTS: 2016,
  TCP_THIN_DUPACK: 2017,
  TCP_SAVE_SYN: 2027,
  TCP_TX_DELAY: 2037,
  IP_TOS: 3001,
  IP_TTL: 3002,
  IP_MTU_DISCOVER: 3010,
  IP_RECVERR: 3011,
  IP_MTU: 3014,
  IP_PMTUDISC_DONT: 0,
  IP_PMTUDISC_WANT: 1,
  IP_PMTUDISC_DO: 2,
  IP_PMTUDISC_PROBE: 3,
  IPV6_V6ONLY: 4026,
  IPV6_TCLASS: 4067,
  IPV6_MTU_DISCOVER: 4023,
  IPV6_RECVERR: 4025,
  IPV6_MTU: 4024,
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCPI_CLOSED: 7,
  TCPI_LISTEN: 10,
  TCPI_SYN_SENT: 2,
  TCPI_SYN_RECEIVED: 3,
  TCPI_ESTABLISHED: 1,
  TCPI_CLOSE_WAIT: 8,
  TCPI_FIN_WAIT_1: 4,
  TCPI_CLOSING: 11,
  TCPI_LAST_ACK: 9,
  TCPI_FIN_WAIT_2: 5,
  TCPI_TIME_WAIT: 6,
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  TCPI_OPT_TIMESTAMPS: 1,
  TCPI_OPT_SACK: 2,
  TCPI_OPT_WSCALE: 4,
  TCPI_OPT_ECN: 8,
  TCPI_OPT_ECN_SEEN: 16,
  TCPI_OPT_SYN_DATA: 32,
};

/** The number that a name stands for; undefined for one that is not known. */
export function named(name: string): number | undefined {
  return NAMES[name] ?? (Errno as Readonly<Record<string, number>>)[name];
}

/** The number of a value; null for `...`. Throws {@linkcode ScriptError} for what is none. */
export function numberOf(value: Expression | undefined): number | null {
  switch (value?.kind) {
    case undefined:
    case "any":
      return null;
    case "number":
      return value.value;
    case "name": {
      const found = named(value.name);
      if (found === undefined) {
        throw new ScriptError(value.place, `the name ${value.name} is not known`);
      }
      return found;
    }
    case "or":
      return value.parts.reduce((bits, part) => bits | (numberOf(part) ?? 0), 0);
    case "list":
      return value.items.length === 1 ? numberOf(value.items[0]) : null;
    case "call":
      return numberOf(value.items[0]);
    default:
      return null;
  }
}

/** A field of a structure, or of the only structure in a list; undefined if there is none. */
export function fieldOf(value: Expression | undefined, ...names: string[]): Expression | undefined {
  if (value?.kind === "list" && value.items.length === 1) return fieldOf(value.items[0], ...names);
  if (value?.kind !== "struct") return undefined;
  return value.fields.find(({ name }) => names.includes(name))?.value;
}

/** The text of a string, also in a list or a call such as `inet_addr("…")`; null if there is none. */
export function textOf(value: Expression | undefined): string | null {
  if (value?.kind === "string") return value.value;
  if (value?.kind === "list" || value?.kind === "call") return textOf(value.items[0]);
  return null;
}

/** The bytes of all pieces of an `iovec`. */
export function sizeOfPieces(value: Expression | undefined): number {
  if (value?.kind !== "list") return 0;
  return value.items.reduce((total, piece) => {
    const fields = piece.kind === "struct" ? piece.fields : [];
    return total + (numberOf(fieldOf(piece, "iov_len") ?? fields.at(-1)?.value) ?? 0);
  }, 0);
}
