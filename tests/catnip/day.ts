/**
 * A day in the life of a device: `day.ts [TIMES [KIND…]]`, 100 times on memif, XDP and DPDK by default; needs root. The other
 * end is killed and comes again so often; then the interface goes down and up, and the ring is full for a second. A part of
 * it is a test.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, type Connection, type LibOS, open } from "../../mod.ts";
import { openAt, OURS, PairLink, prefixed, THEIRS } from "../_network/link.ts";
import { ealWith } from "../_network/network.ts";
import { Namespace } from "../_network/namespace.ts";
import { Program } from "../examples/_program.ts";

/** The devices that have such a day. */
export const KINDS = ["memif", "xdp", "dpdk"] as const;

/** One of them. */
export type Kind = typeof KINDS[number];

/** Milliseconds that anything may take. */
const PATIENCE = 20_000;
/** How long the interface is down, and the ring is full. */
const TROUBLE = 1_000;

/** Two ends: ours here, and a program at the other one. */
interface Wire extends AsyncDisposable {
  open(): LibOS;
  start(): Promise<Program>;
  /** Takes the interface down, or up; where there is one. */
  readonly set?: (state: "down" | "up") => void;
  /** What the kernel still has of a program that was killed; empty if nothing. */
  left(): Promise<string>;
}

async function memif(): Promise<Wire> {
  const folder = await Deno.makeTempDir();
  const device = `memif:${folder}/memif.sock` as const;
  const env = {
    LIBOS: "catnip",
    DEVICE: `${device},role=server`,
    ADDRESS: prefixed(THEIRS).join(" "),
  };
  return {
    open: () => open({ libos: "catnip", device, addresses: prefixed(OURS) }),
    start: () => Program.start("tcp_echo", [], { env }),
    left: () => Promise.resolve(""),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function xdp(): Wire {
  const link = new PairLink("xdp");
  const [ours, theirs] = link.ports;
  const { host } = theirs;
  const name = theirs.device.slice("xdp:".length);
  const env = {
    LIBOS: "catpowder",
    DEVICE: theirs.device,
    ADDRESS: prefixed(THEIRS).join(" "),
  };
  return {
    open: () => openAt(ours, OURS),
    start: () => Program.start("tcp_echo", [], { env, host }),
    set: (state) => host.ip(`link set ${name} ${state}`),
    left: async () => /xdp\S*|prog\/.*/.exec(await show(host, name))?.[0] ?? "",
    [Symbol.asyncDispose]: () => Promise.resolve(link[Symbol.dispose]()),
  };
}

/**
 * Two processes on DPDK, each with a TAP device, in one bridge: DPDK's own memif ends its process when its other end is
 * killed. EAL stays in this process, so there is one such day in it.
 */
function dpdk(): Wire {
  const host = new Namespace();
  host.ip("link add bridge0 type bridge forward_delay 0 mcast_snooping 0");
  host.ip("link set bridge0 up addrgenmode none");
  const [ours, theirs] = [1, 2].map((number) => {
    const name = `dtap${number}`;
    return {
      name,
      eal: ealWith(`net_tap0,iface=${name},mac=02:00:00:00:00:0${number}`),
      // What is for the address of an interface itself, a bridge keeps.
      join: () => host.ip(`link set ${name} up master bridge0 address 02:00:00:00:01:0${number}`),
    };
  }) as [End, End];
  const env = {
    LIBOS: "catnip",
    DEVICE: `dpdk:${theirs.eal.join(" ")}`,
    ADDRESS: prefixed(THEIRS).join(" "),
  };
  return {
    open() {
      const device = { kind: "dpdk", eal: ours.eal } as const;
      const libos = host.call(() => open({ libos: "catnip", device, addresses: prefixed(OURS) }));
      ours.join();
      return libos;
    },
    async start() {
      const program = await Program.start("tcp_echo", [], { env, host });
      theirs.join();
      return program;
    },
    set: (state) => host.ip(`link set ${ours.name} ${state}`),
    left: () => show(host, theirs.name),
    [Symbol.asyncDispose]: () => Promise.resolve(host[Symbol.dispose]()),
  };
}

/** One end of that bridge. */
interface End {
  readonly name: string;
  readonly eal: string[];
  readonly join: () => void;
}

/** What the kernel tells of an interface; empty if it is not there. */
async function show(host: Namespace, name: string): Promise<string> {
  const args = ["-details", "link", "show", name];
  return new TextDecoder().decode((await host.command("ip", { args }).output()).stdout);
}

const WIRES = { memif, xdp, dpdk };

/** Has one day, in which the other end is killed so often. */
export async function day(kind: Kind, times: number): Promise<void> {
  await using wire = await WIRES[kind]();
  await using libos = wire.open();
  const before = libos.statistics();
  let lost: Promise<string> | undefined;
  for (let i = 0; i < times; i++) {
    await using peer = await wire.start();
    // The last one's connections are unknown to the next one, who says so.
    if (lost !== undefined) assertEquals(await lost, "ConnectionReset");
    const connection = await connect({ libos, hostname: THEIRS.inet, port: peer.port });
    await exchange(connection);
    await peer.end("SIGKILL");
    assertEquals(await until(async () => (await wire.left()) === ""), true, await wire.left());
    lost = outcome(connection);
  }
  {
    await using peer = await wire.start();
    if (lost !== undefined) assertEquals(await lost, "ConnectionReset");
    using connection = await connect({ libos, hostname: THEIRS.inet, port: peer.port });
    if (wire.set !== undefined) {
      wire.set("down");
      const exchanged = exchange(connection);
      await libos.operations.sleep(TROUBLE);
      wire.set("up");
      await exchanged;
    }
    Deno.kill(peer.pid, "SIGSTOP");
    await flood(libos, peer.port);
    // A veth and a TAP device take every frame, and lose what there is no room for at the other end.
    if (kind === "memif") assert(libos.statistics().device!.fullRings! > 0);
    Deno.kill(peer.pid, "SIGCONT");
    await exchange(connection);
  }
  const same = async () => {
    // What a connection that was closed still says, and what was not acknowledged, is held for a while.
    await libos.operations.sleep(50);
    const { buffers, device } = libos.statistics();
    return buffers === before.buffers && device!.freeFrames === before.device!.freeFrames;
  };
  assert(await until(same), JSON.stringify(libos.statistics()));
}

/** Sends datagrams for as long as the trouble lasts, to somebody who takes none. */
async function flood(libos: LibOS, port: number): Promise<void> {
  const qd = libos.socket("inet", "dgram");
  libos.bind(qd, { hostname: OURS.inet, port: 5000 });
  const end = performance.now() + TROUBLE;
  while (performance.now() < end) {
    for (let i = 0; i < 64; i++) {
      await libos.operations.pushTo(qd, libos.alloc(1000), { hostname: THEIRS.inet, port });
    }
    await libos.operations.sleep(1);
  }
  libos.close(qd);
}

async function exchange(connection: Connection): Promise<void> {
  await connection.push(Uint8Array.of(1, 2, 3));
  using sga = await connection.pop({ timeout: PATIENCE });
  assertEquals(sga?.bytes(), Uint8Array.of(1, 2, 3));
}

/** How a connection ends to which one more push is made. */
async function outcome(connection: Connection): Promise<string> {
  try {
    await connection.push(Uint8Array.of(4));
    (await connection.pop({ timeout: PATIENCE }))?.free();
    return "end";
  } catch (error) {
    return (error as Error).name;
  } finally {
    connection.close();
  }
}

async function until(reached: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + PATIENCE;
  while (!await reached()) {
    if (performance.now() > end) return false;
  }
  return true;
}

if (import.meta.main) {
  const [times = "100", ...only] = Deno.args;
  assert(/^[1-9]\d*$/.test(times), "give a number of times");
  for (const kind of KINDS.filter((kind) => only.length === 0 || only.includes(kind))) {
    await day(kind, Number(times));
    console.log(`${kind}: the other end was killed ${times} times, and all is as before`);
  }
  // EAL's threads would keep it.
  Deno.exit();
}
