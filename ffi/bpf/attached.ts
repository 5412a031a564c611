/**
 * The program that an interface has already: several sockets, each on a queue of its own, share one.
 *
 * @module
 */

import { addressOf } from "../libc/memory.ts";
import { AF, SOCK } from "../libc/constants.ts";
import { bpf } from "./bpf.ts";
import { check, LibcError } from "../libc/call.ts";
import { libc } from "../libc/load.ts";

/** `enum bpf_cmd`. */
const COMMAND = {
  PROG_GET_FD_BY_ID: 13n,
  MAP_GET_FD_BY_ID: 14n,
  OBJ_GET_INFO_BY_FD: 15n,
  LINK_GET_FD_BY_ID: 30n,
  LINK_GET_NEXT_ID: 31n,
};

/** Offsets in `struct bpf_prog_info` and `struct bpf_link_info`, and bytes of either that are asked for. */
const PROGRAM = { TAG: 8, TAG_END: 16, MAP_COUNT: 52, MAP_IDS: 56 } as const;
const LINK = { PROGRAM: 8 } as const;
const INFO = 80;

/** `<linux/rtnetlink.h>`, `<linux/if_link.h>`: asking for an interface, and where the answer has its program. */
const RTM_GETLINK = 18;
const NLM_F_REQUEST = 1;
const NETLINK_ROUTE = 0;
/** A message's header, and that of an interface behind it. */
const HEADERS = 32;
const INDEX = 20;
const IFLA_XDP = 43;
const IFLA_XDP_PROG_ID = 4;
const ANSWER = 32_768;
/** There is none of that number, or after it. */
const ENOENT = 2;

/** What another socket has attached. Both are descriptors, for the caller to close. */
export interface Attached {
  /** What keeps the program where it is. */
  readonly link: number;
  /** The map of its sockets. */
  readonly map: number;
}

/**
 * Finds what an interface has attached, if that is a program like this one: of the same instructions, and so for the same
 * addresses; `undefined` if it is another one. Throws `LibcError`: `EPERM` without `CAP_SYS_ADMIN`.
 */
export function findXdp(program: number, index: number): Attached | undefined {
  const id = programOf(index);
  if (id === 0) return undefined;
  const { close } = libc();
  const found = byId("BPF_PROG_GET_FD_BY_ID", COMMAND.PROG_GET_FD_BY_ID, id);
  if (found === undefined) return undefined;
  try {
    const maps = Uint32Array.of(0);
    if (tagOf(found, maps) !== tagOf(program)) return undefined;
    const link = linkOf(id);
    if (link === undefined) return undefined;
    using opened = new DisposableStack();
    opened.adopt(link, close);
    const map = byId("BPF_MAP_GET_FD_BY_ID", COMMAND.MAP_GET_FD_BY_ID, maps[0]!);
    if (map === undefined) return undefined;
    opened.move();
    return { link, map };
  } finally {
    close(found);
  }
}

/** The number of the program of an interface; 0 for none. */
function programOf(index: number): number {
  const { socket, send, recv, close } = libc();
  const request = new DataView(new ArrayBuffer(HEADERS));
  request.setUint32(0, HEADERS, true);
  request.setUint16(4, RTM_GETLINK, true);
  request.setUint16(6, NLM_F_REQUEST, true);
  request.setInt32(INDEX, index, true);
  const answer = new DataView(new ArrayBuffer(ANSWER));
  const at = (view: DataView<ArrayBuffer>) => BigInt(addressOf(new Uint8Array(view.buffer)));
  const fd = check("socket", socket(AF.NETLINK, SOCK.RAW | SOCK.CLOEXEC, NETLINK_ROUTE));
  try {
    check("send", Number(send(fd, at(request), BigInt(HEADERS), 0)));
    const length = check("recv", Number(recv(fd, at(answer), BigInt(ANSWER), 0)));
    const xdp = attribute(answer, HEADERS, length, IFLA_XDP);
    const id = xdp && attribute(answer, xdp.start, xdp.end, IFLA_XDP_PROG_ID);
    return id ? answer.getUint32(id.start, true) : 0;
  } finally {
    close(fd);
  }
}

/** Where the value of an attribute is. */
function attribute(view: DataView, from: number, to: number, type: number) {
  for (let at = from, length; at + 4 <= to; at += (length + 3) & ~3) {
    length = Math.max(4, view.getUint16(at, true));
    // The upper two bits are flags.
    if ((view.getUint16(at + 2, true) & 0x3fff) === type) {
      return { start: at + 4, end: at + length };
    }
  }
  return undefined;
}

/** What tells a program's instructions from others; puts the number of its first map into an array. */
function tagOf(program: number, maps: Uint32Array<ArrayBuffer> = new Uint32Array(1)): bigint {
  const info = new DataView(new ArrayBuffer(INFO));
  info.setUint32(PROGRAM.MAP_COUNT, 1, true);
  info.setBigUint64(PROGRAM.MAP_IDS, BigInt(addressOf(new Uint8Array(maps.buffer))), true);
  readInfo(program, info);
  return info.getBigUint64(PROGRAM.TAG, true);
}

/** The link of a program; `undefined` if it has none. */
function linkOf(program: number): number | undefined {
  for (let id = 0; (id = nextLink(id)) > 0;) {
    const link = byId("BPF_LINK_GET_FD_BY_ID", COMMAND.LINK_GET_FD_BY_ID, id);
    // It went meanwhile.
    if (link === undefined) continue;
    using opened = new DisposableStack();
    opened.adopt(link, libc().close);
    const info = new DataView(new ArrayBuffer(INFO));
    readInfo(link, info);
    if (info.getUint32(LINK.PROGRAM, true) !== program) continue;
    opened.move();
    return link;
  }
  return undefined;
}

/** The number of the link after one; 0 if that is the last one. */
function nextLink(after: number): number {
  const attributes = new DataView(new ArrayBuffer(16));
  attributes.setUint32(0, after, true);
  const result = unlessNone(() =>
    bpf("BPF_LINK_GET_NEXT_ID", COMMAND.LINK_GET_NEXT_ID, attributes)
  );
  return result === undefined ? 0 : attributes.getUint32(4, true);
}

/** A descriptor of what has a number; `undefined` if nothing has. */
function byId(name: string, command: bigint, id: number): number | undefined {
  const attributes = new DataView(new ArrayBuffer(16));
  attributes.setUint32(0, id, true);
  return unlessNone(() => bpf(name, command, attributes));
}

function unlessNone(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof LibcError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

function readInfo(fd: number, info: DataView<ArrayBuffer>): void {
  const attributes = new DataView(new ArrayBuffer(16));
  attributes.setUint32(0, fd, true);
  attributes.setUint32(4, info.byteLength, true);
  attributes.setBigUint64(8, BigInt(addressOf(new Uint8Array(info.buffer))), true);
  bpf("BPF_OBJ_GET_INFO_BY_FD", COMMAND.OBJ_GET_INFO_BY_FD, attributes);
}
