/**
 * Finding the program that an interface has already, by a kernel that is made up: links of it come and go meanwhile.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { addressOf } from "../../ffi/libc/memory.ts";
import { failWith, replaced } from "../catnap/_faults.ts";
import { findXdp } from "../../ffi/bpf/attached.ts";
import { libc } from "../../ffi/libc/load.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import { needing } from "../_needs.ts";

const missing = Deno.build.os === "linux" ? undefined : "needs Linux";

/** The program that the interface has, our own descriptor of one like it, and the number of its map. */
const PROGRAM = 70;
const OWN = 4_000_001;
const MAP = 5;

/** Descriptors that the kernel gives: of the program, of its map, and of links from this one on. */
const PROGRAM_FD = 4_000_002;
const MAP_FD = 4_000_003;
const LINK_FD = 4_100_000;

/** A link: the program that it attaches, or what becomes of who asks for it. */
type Link = { readonly program: number } | "goes" | "is broken";

/** A kernel with links by their numbers, and with the program at the interface. */
class Kernel implements Disposable {
  /** Descriptors that it gave and that are open. */
  readonly open = new Set<number>();
  readonly #links: Readonly<Record<number, Link>>;
  readonly #made = new DisposableStack();

  constructor(links: Readonly<Record<number, Link>>) {
    this.#links = links;
    this.#made.use(replaced("syscall", () => (_, command, bytes) => {
      const attributes = bytes as Uint8Array<ArrayBuffer>;
      return this.#bpf(Number(command), new DataView(attributes.buffer));
    }));
    this.#made.use(replaced("close", (real) => (fd) => {
      return this.open.delete(fd as number) ? 0 : real(fd);
    }));
    // What netlink says of the interface: IFLA_XDP with IFLA_XDP_PROG_ID.
    this.#made.use(replaced("recv", () => (_, address) => {
      const answer = new DataView(new ArrayBuffer(44));
      answer.setUint16(32, 12, true);
      answer.setUint16(34, 43, true);
      answer.setUint16(36, 8, true);
      answer.setUint16(38, 4, true);
      answer.setUint32(40, PROGRAM, true);
      write(address as bigint, answer);
      return answer.byteLength;
    }));
  }

  #bpf(command: number, attributes: DataView<ArrayBuffer>): number {
    const number = attributes.getUint32(0, true);
    switch (command) {
      case 13: // BPF_PROG_GET_FD_BY_ID
        return this.#give(PROGRAM_FD);
      case 14: // BPF_MAP_GET_FD_BY_ID
        return number === MAP ? this.#give(MAP_FD) : failWith("ENOENT");
      case 15: // BPF_OBJ_GET_INFO_BY_FD
        return this.#describe(number, attributes.getBigUint64(8, true));
      case 30: // BPF_LINK_GET_FD_BY_ID
        return this.#links[number] === "goes" ? failWith("ENOENT") : this.#give(LINK_FD + number);
      case 31: { // BPF_LINK_GET_NEXT_ID
        const next = Object.keys(this.#links).map(Number).find((id) => id > number);
        if (next === undefined) return failWith("ENOENT");
        attributes.setUint32(4, next, true);
        return 0;
      }
      default:
        return failWith("EINVAL");
    }
  }

  #give(fd: number): number {
    this.open.add(fd);
    return fd;
  }

  #describe(fd: number, address: bigint): number {
    const info = new DataView(new ArrayBuffer(16));
    const link = this.#links[fd - LINK_FD];
    if (link === "is broken") return failWith("EINVAL");
    if (typeof link === "object") info.setUint32(8, link.program, true);
    // The tags of both programs are the same; and this is the map of either.
    else describeMaps(address);
    write(address, info);
    return 0;
  }

  [Symbol.dispose](): void {
    this.#made.dispose();
  }
}

/** Puts the number of the program's map where its description says. */
function describeMaps(info: bigint): void {
  const at = new BigUint64Array(1);
  copy(BigInt(addressOf(new Uint8Array(at.buffer))), info + 56n, 8);
  write(at[0]!, new DataView(Uint32Array.of(MAP).buffer));
}

function write(address: bigint, view: DataView<ArrayBuffer>): void {
  copy(address, BigInt(addressOf(new Uint8Array(view.buffer))), view.byteLength);
}

function copy(to: bigint, from: bigint, length: number): void {
  libc().memcpy(to, from, BigInt(length));
}

Deno.test(
  needing(missing, "findXdp() finds a program although another link goes meanwhile"),
  () => {
    using kernel = new Kernel({ 3: { program: 9 }, 4: "goes", 8: { program: PROGRAM } });
    assertEquals(findXdp(OWN, 1), { link: LINK_FD + 8, map: MAP_FD });
    assertEquals([...kernel.open], [LINK_FD + 8, MAP_FD]);
  },
);

Deno.test(needing(missing, "findXdp() finds none when the program's own link goes"), () => {
  using kernel = new Kernel({ 3: { program: 9 }, 8: "goes" });
  assertEquals(findXdp(OWN, 1), undefined);
  assertEquals([...kernel.open], []);
});

Deno.test(needing(missing, "findXdp() leaves nothing open when a link tells nothing"), () => {
  using kernel = new Kernel({ 3: "is broken" });
  assertThrows(() => findXdp(OWN, 1), LibcError);
  assertEquals([...kernel.open], []);
});
