/**
 * DPDK in a process: its memif with ours, which it has nothing in common with, and what it refuses.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DemikernelError, open, type OpenOptions } from "../../mod.ts";
import { ealWith } from "../_network/network.ts";
import { missingDpdk, needing } from "../_needs.ts";
import { Program } from "../examples/_program.ts";

const CLIENT = new URL("_dpdk_client.ts", import.meta.url).pathname;
const RING = new URL("_dpdk_ring.ts", import.meta.url).pathname;

/** What the client saw of one round. */
interface Round {
  readonly right: number;
  readonly device: Readonly<Record<string, number>>;
}

/** Runs a program; gives what it saw. */
async function run<T>(program: string, args: readonly string[]): Promise<T[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program, ...args],
  });
  const { stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).trim().split("\n");
  const line = lines.find((one) => one.startsWith("["));
  assert(line !== undefined, `${lines} ${decoder.decode(stderr)}`);
  return JSON.parse(line);
}

for (const role of ["client", "server"]) {
  Deno.test(
    needing(missingDpdk("memif"), `DPDK's memif as ${role} and ours carry a megabyte, twice`),
    async () => {
      const folder = await Deno.makeTempDir();
      try {
        const socket = `${folder}/memif.sock`;
        const ours = role === "client" ? "server" : "client";
        await using echo = await Program.start("tcp_echo", ["--idle", "adaptive"], {
          env: {
            LIBOS: "catnip",
            DEVICE: `memif:${socket},role=${ours}`,
            ADDRESS: "10.0.0.2/24",
          },
        });
        const device = `net_memif0,role=${role},socket=${socket},socket-abstract=no`;
        const size = 1 << 20;
        const rounds = await run<Round>(CLIENT, [
          "10.0.0.2",
          String(echo.port),
          String(size),
          ...ealWith(device),
        ]);
        for (const { right, device } of rounds) {
          assertEquals(right, size);
          assertEquals(device.freeFrames, device.frames);
          assertEquals([device.receiveDrops, device.sendDrops], [0, 0]);
        }
        assertEquals(rounds.length, 2);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

Deno.test(
  needing(missingDpdk("ring"), "a port of DPDK that runs is opened again with another mtu"),
  async () => {
    const lengths = await run<number>(RING, ["mtus", ...ealWith("net_ring0")]);
    assertEquals(lengths, [1514, 9014, 1514, 1514]);
  },
);

Deno.test(
  needing(missingDpdk("ring"), "a port of DPDK that could not be opened leaves nothing open"),
  async () => {
    const seen = await run(RING, ["refusals", ...ealWith("net_ring0")]);
    assertStringIncludes(String(seen[0]), "port 0 is in use in this process");
    assertEquals(seen.slice(1), ["no functions", 0]);
  },
);

Deno.test(
  needing(missingDpdk("ring"), "open() starts EAL with right arguments after wrong ones"),
  async () => {
    const said = await run<string>(RING, ["wrongArguments", ...ealWith("net_ring0")]);
    for (const one of said.slice(0, 2)) assertStringIncludes(one, "EAL cannot start");
    assertEquals(said.slice(2), [""]);
  },
);

Deno.test(
  needing(
    missingDpdk("ring"),
    "open() says that only a new process does where EAL kept wrong arguments",
  ),
  async () => {
    const [first, second] = await run<string>(RING, ["wrongCores", ...ealWith("net_ring0")]);
    assertEquals(first!.includes("new process"), false);
    assertStringIncludes(second!, "a new process may do");
  },
);

Deno.test(
  needing(missingDpdk("ring"), "a buffer of DPDK's that lies elsewhere is not sent again"),
  async () => {
    assertEquals(await run(RING, ["elsewhere", ...ealWith("net_ring0")]), [1, false]);
  },
);

Deno.test(
  needing(
    missingDpdk("ring"),
    "reserve() of a port of DPDK gives the same place again after it received",
  ),
  async () => {
    assertEquals(await run(RING, ["reserved", ...ealWith("net_ring0")]), [true, 0]);
  },
);

Deno.test("open() says what to install where there is no DPDK", () => {
  const { dlopen } = Deno;
  Object.assign(Deno, {
    dlopen: (path: string, symbols: Deno.ForeignLibraryInterface) => {
      if (path.startsWith("librte_")) throw new Error(`${path}: no such file`);
      return dlopen(path, symbols);
    },
  });
  try {
    const error = assertThrows(
      () => open({ libos: "catnip", device: "dpdk:--no-huge", addresses: ["10.0.0.1/24"] }),
      DemikernelError,
    );
    assertEquals(error.code, "ENODEV");
    assertStringIncludes(error.message, "apt install librte-mempool-ring23");
  } finally {
    Object.assign(Deno, { dlopen });
  }
});

const WRONG: readonly [unknown, string][] = [
  [{ kind: "dpdk" }, "eal must be the arguments"],
  ["dpdk:", "eal must be the arguments"],
  [{ kind: "dpdk", eal: [7] }, "eal must be the arguments"],
  [{ kind: "dpdk", eal: "--help" }, "eal must be the arguments"],
  [{ kind: "dpdk", eal: ["-l", "0\0"] }, "eal must be the arguments"],
  [{ kind: "dpdk", eal: "--no-huge", port: 32 }, "port must be an integer"],
  [{ kind: "dpdk", eal: "--no-huge", mtu: 10_000 }, "mtu must be an integer"],
];

Deno.test("open() tells which option of a DPDK device is wrong", () => {
  for (const [device, detail] of WRONG) {
    const options = { libos: "catnip", device, addresses: ["10.0.0.1/24"] } as OpenOptions;
    const error = assertThrows(() => open(options), DemikernelError);
    assertEquals(error.code, "EINVAL");
    assertStringIncludes(error.message, detail);
  }
});

/** What opening fails with in a process of its own. */
async function failure(...devices: readonly string[][]): Promise<string> {
  const mod = import.meta.resolve("../../mod.ts");
  const program = `import { open } from "${mod}";
    for (const eal of ${JSON.stringify(devices)}) {
      open({ libos: "catnip", device: { kind: "dpdk", eal }, addresses: ["10.0.0.1/24"] });
    }`;
  const args = ["eval", "--no-check", program];
  const { stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  return new TextDecoder().decode(stderr);
}

Deno.test(
  needing(missingDpdk("memif"), "open() tells why a DPDK device does not work"),
  async () => {
    const eal = ealWith(`net_memif0,role=server,socket=dpdk-test-${Deno.pid}`);
    assertStringIncludes(
      await failure(["--no-such-option"]),
      "EAL cannot start with these arguments",
    );
    const portless = eal.slice(0, -1);
    assertStringIncludes(await failure(portless), "EAL has no port 0: give it a device");
    assertStringIncludes(await failure(eal, eal), "port 0 is in use in this process");
    assertStringIncludes(await failure(eal, [...eal, "-v"]), "eal must be the arguments");
    assertStringIncludes(
      await failure(eal, [...eal, "--log-level=7"]),
      "EAL is started once in a process, and was, with other arguments",
    );
  },
);
