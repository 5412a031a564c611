/**
 * What catpowder is told, and what it answers where that does not work.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  connect,
  DemikernelError,
  type ErrnoName,
  type LibOS,
  open,
  type OpenOptions,
} from "../../mod.ts";
import { failing } from "../catnap/_faults.ts";
import {
  INTERFACE,
  KernelLink,
  KINDS,
  missingForLinks,
  openAt,
  OURS,
  prefixed,
  THEIRS,
} from "../_network/link.ts";
import { missingProgram, needing } from "../_needs.ts";
import { assertRejectsCode } from "../runtime/_assert.ts";

const missing = missingForLinks();

/** The error that opening gives, with its code. */
function refused(options: unknown): DemikernelError {
  return assertThrows(() => open(options as OpenOptions), DemikernelError);
}

const CATPOWDER = { libos: "catpowder", device: "packet:nowhere", addresses: ["10.0.0.1/24"] };

Deno.test("open() tells which option of catpowder is wrong, before it touches a device", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ device: undefined }, "give it a device"],
    [{ addresses: undefined }, "give it a device"],
    [{ device: "nowhere" }, "device must be tap:NAME"],
    [{ device: "memif:nowhere" }, "device must be tap:NAME"],
    [{ device: "xdp:a:b" }, "an interface has a name"],
    [{ device: "xdp:eth0:5000" }, "queue must be an integer from 0 to 4095"],
    [{ device: "xdp:eth0,mode=fast" }, "mode must be native or generic"],
    [{ device: "xdp:eth0,native" }, "what follows a device is NAME=VALUE"],
    [{ device: null }, "device must be tap:NAME"],
    [{ device: { kind: "tap" } }, "an interface has a name"],
    [{ device: "packet:" }, "an interface has a name"],
    [{ device: "packet:a/b" }, "an interface has a name"],
    [{ device: "tap:much-too-long-a-name" }, "an interface has a name"],
    [{ device: { kind: "packet", interface: "e", mac: "01:00:00:00:00:00" } }, "mac must be"],
    [{ device: { kind: "tap", name: "e", mac: 7 } }, "mac must be"],
    [{ addresses: "10.0.0.1/24" }, "addresses must be an array"],
    [{ addresses: [] }, "a host needs an address"],
    [{ addresses: ["10.0.0.1"] }, "an address has a prefix"],
    [{ addresses: ["10.0.0.1/33"] }, "an address has a prefix"],
    [{ addresses: ["10.0.0.0/24"] }, "not the address of one host"],
    [{ addresses: [7] }, "an address has a prefix"],
    [{ gateways: ["10.0.1.1"] }, "not in the network"],
    [{ gateways: ["fd00::1"] }, "not in the network"],
    [{ gateways: "10.0.0.2" }, "gateways must be an array"],
    [{ routes: [{ to: "10.0.0.0/8" }] }, "no route"],
    [{ routes: [null] }, "options must be an object"],
    [{ neighbours: { "10.0.0.2": "02" } }, "Ethernet by IP addresses"],
    [{ neighbours: { nobody: "02:00:00:00:00:01" } }, "Ethernet by IP addresses"],
    [{ capture: true }, "capture must be a string"],
  ];
  for (const [options, detail] of wrong) {
    const error = refused({ ...CATPOWDER, ...options });
    assertEquals(error.code, "EINVAL", error.message);
    assertStringIncludes(error.message, detail);
    assertEquals(error.message.includes("\n"), false);
  }
});

Deno.test("open() tells of an interface that is not there, and how to make one", () => {
  assertEquals(refused(CATPOWDER).code, "ENODEV");
  const error = refused({ ...CATPOWDER, device: "tap:nowhere" });
  assertEquals(error.code, "ENODEV");
  assertStringIncludes(error.message, "ip tuntap add dev nowhere mode tap");
});

Deno.test(needing(missing, "open() tells of an interface that is down, or no Ethernet"), () => {
  for (const kind of KINDS) {
    using link = new KernelLink(kind);
    link.port.host.ip(`link set ${INTERFACE} down`);
    const error = assertThrows(() => openAt(link.port, OURS), DemikernelError);
    assertEquals(error.code, "ENETDOWN");
    assertStringIncludes(error.message, `ip link set ${INTERFACE} up`);
    const { host } = link.port;
    const loopback = assertThrows(
      () => openAt({ host, device: "packet:lo" }, OURS),
      DemikernelError,
    );
    assertEquals(loopback.code, "ENOTSUP");
  }
});

Deno.test(needing(missing, "open() tells that another has the TAP device"), async () => {
  using link = new KernelLink("tap");
  await using _first = openAt(link.port, OURS);
  const error = assertThrows(() => openAt(link.port, OURS), DemikernelError);
  assertEquals(error.code, "EBUSY");
});

Deno.test(
  needing(missing, "open() fails for a capture that cannot be written, and lets go of the device"),
  async () => {
    using link = new KernelLink("tap");
    assertThrows(() => openAt(link.port, OURS, { capture: "/nowhere/file" }), Deno.errors.NotFound);
    await using libos = openAt(link.port, OURS);
    assertEquals(libos.name, "catpowder");
  },
);

Deno.test(
  needing(missing ?? missingProgram("setpriv"), "open() tells which permission is missing"),
  async () => {
    const mod = import.meta.resolve("../../mod.ts");
    for (const kind of KINDS) {
      using link = new KernelLink(kind);
      const { host } = link.port;
      // A TAP device that belongs to nobody is everybody's.
      host.ip("tuntap add dev other0 mode tap user 65534");
      host.ip("link set other0 up");
      const options = JSON.stringify({ ...CATPOWDER, device: `${kind}:other0` });
      const program = `import { open } from "${mod}"; open(${options});`;
      const without = ["--bounding-set=-net_raw,-net_admin", "--inh-caps=-net_raw,-net_admin"];
      const deno = [Deno.execPath(), "eval", "--no-check", program];
      const { stderr } = await host.command("setpriv", { args: [...without, ...deno] }).output();
      const said = new TextDecoder().decode(stderr);
      assertStringIncludes(said, "EPERM");
      assertStringIncludes(said, kind === "tap" ? "CAP_NET_ADMIN" : "CAP_NET_RAW");
    }
  },
);

for (const kind of KINDS) {
  Deno.test(
    needing(missing, `open() on ${kind} leaves nothing open when there are no more descriptors`),
    async () => {
      using link = new KernelLink(kind);
      await openAt(link.port, OURS).exit();
      const before = descriptors();
      for (const call of ["epoll_create1", "timerfd_create"] as const) {
        let libos: LibOS | undefined;
        for (let at = 0; libos === undefined; at++) {
          using _ = failing(call, [...new Array(at).fill(null), "EMFILE"]);
          try {
            libos = openAt(link.port, OURS);
          } catch (error) {
            assertEquals((error as DemikernelError).code, "EMFILE");
            assertEquals(descriptors(), before);
          }
        }
        await libos.exit();
      }
    },
  );
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** What `/dev/net` is, as a shell makes it, the capability that is not there, and what is told. */
const TUNS = [
  ["true", "net_admin", "ENOENT", "--device /dev/net/tun"],
  [
    "mknod -m 600 /dev/net/tun c 10 200 && chown 65534 /dev/net/tun",
    "dac_override",
    "EACCES",
    "chmod 666 /dev/net/tun",
  ],
] as const;

for (const [make, capability, code, advice] of TUNS) {
  Deno.test(
    needing(missing ?? missingProgram("setpriv"), `open() tells of ${code} of /dev/net/tun`),
    async () => {
      using link = new KernelLink("tap");
      const options = JSON.stringify({ ...CATPOWDER, device: link.port.device });
      const program = `import { open } from "${
        import.meta.resolve("../../mod.ts")
      }"; open(${options});`;
      const without = `setpriv --bounding-set=-${capability} --inh-caps=-${capability}`;
      const line = `mount -t tmpfs none /dev/net && ${make} && exec ${without} "$@"`;
      const args = ["-c", line, "sh", Deno.execPath(), "eval", "--no-check", program];
      const { stderr } = await link.port.host.command("sh", { args }).output();
      const said = new TextDecoder().decode(stderr);
      assertStringIncludes(said, code);
      assertStringIncludes(said, advice);
    },
  );
}

/** Networks as they may be configured, and what comes of connecting to somebody who is not in them. */
const NETWORKS: readonly [string, OpenOptions, hostname: string, ErrnoName][] = [
  ["no gateway", {}, "192.0.2.1", "ENETUNREACH"],
  ["no gateway for IPv6", {}, "2001:db8::1", "ENETUNREACH"],
  ["too long a prefix", { addresses: ["10.0.0.5/30"] }, THEIRS.inet, "ENETUNREACH"],
  ["too short a prefix", { addresses: ["10.0.0.1/8"] }, "10.9.9.9", "EHOSTUNREACH"],
  ["a gateway that is not there", { gateways: ["10.0.0.9"] }, "192.0.2.1", "EHOSTUNREACH"],
];

for (const [what, options, hostname, code] of NETWORKS) {
  Deno.test(needing(missing, `connect() fails with ${code} where there is ${what}`), async () => {
    using link = new KernelLink("packet");
    await using libos = openAt(link.port, OURS, options);
    await assertRejectsCode(code, connect({ libos, hostname, port: 7 }), 10);
  });
}

Deno.test(needing(missing, "connect() reaches other networks by the gateway"), async () => {
  using link = new KernelLink("packet");
  link.kernel.ip("address add 192.0.2.1/32 dev lo");
  await using libos = openAt(link.port, OURS, { gateways: [THEIRS.inet] });
  await assertRejectsCode("ECONNREFUSED", connect({ libos, hostname: "192.0.2.1", port: 7 }));
});

Deno.test(needing(missing, "catpowder works with the permission for libc alone"), async () => {
  using link = new KernelLink("packet");
  const mod = import.meta.resolve("../../mod.ts");
  const options = JSON.stringify({
    libos: "catpowder",
    device: link.port.device,
    addresses: prefixed(OURS),
  });
  const program =
    `import { open } from "${mod}"; const libos = open(${options}); await libos.exit(); console.log("works");`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const libc = `/lib/${Deno.build.arch}-linux-gnu/libc.so.6`;
    const args = ["run", "--no-check", `--allow-ffi=${libc}`, `--allow-read`, file];
    const { stdout, stderr } = await link.port.host.command(Deno.execPath(), { args }).output();
    assert(new TextDecoder().decode(stdout) === "works\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(file);
  }
});
