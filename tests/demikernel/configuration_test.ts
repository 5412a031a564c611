/**
 * What native libOSes are told. Upstream ends the process over what it cannot make sense of, so all of it is checked.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import {
  checkConfiguration,
  type NativeConfiguration,
} from "../../libos/demikernel/configuration.ts";
import { readConfigurationFile } from "../../libos/demikernel/configuration_file.ts";
import { open } from "../../libos/open.ts";
import { Folder, nativeTest, runDeno } from "../ffi/_demikernel.ts";
import { assertCode } from "../runtime/_assert.ts";
import { runChildren, testScenarios } from "./_scenarios.ts";

/** All that upstream knows, as its own files say it. */
const WHOLE_FILE = `
# What upstream's examples begin with.
demikernel:          { local_ipv4_addr: 127.0.0.1, local_link_addr: "aa:bb:cc:dd:ee:ff" }
raw_socket:          { linux_interface_name: eth0, xdp_interface_index: 0 }     # catpowder
dpdk:                { eal_init: ["", "-c","0xff","-n","4","-a","WW:WW.W","--proc-type=auto"] } # catnip
tcp_socket_options:
  keepalive:         { enabled: false, time_millis: 0, interval: 0 }   # last two used on Windows
  linger:            { enabled: true, time_seconds: 0 }                # inetstack: overrides TIME_WAIT length!
  nodelay: true
inetstack_config:
  mtu: 1500                      # used only by DPDK port set-up
  mss: 1450                      # [536,65535] or panic
  enable_jumbo_frames: false     # DPDK
  udp_checksum_offload: false    # required key
  tcp_checksum_offload: false
  arp_table: { "aa:bb:cc:dd:ee:ff": "10.0.0.1", … }  # absent ⇒ ARP disabled
  arp_request_retries: 5
  arp_request_timeout: 20        # s
  arp_cache_ttl: 15              # s
`;

/** The same in block style alone, as upstream's own `scripts/config/default.yaml` is written. */
const BLOCK_FILE = `---
demikernel:
  local_ipv4_addr: "127.0.0.1"
  local_link_addr: 'aa:bb:cc:dd:ee:ff'
raw_socket:
  linux_interface_name: "lo"
dpdk:
  eal_init: ["", "-c", "0xff"]
tcp_socket_options:
  keepalive:
    enabled: false
    time_millis: 0
  linger:
    enabled: true
    time_seconds: 0
  nodelay: true
inetstack_config:
  mtu: 1500
  mss: 1450
  udp_checksum_offload: false
  arp_table:
    "aa:bb:cc:dd:ee:ff": "127.0.0.1"
    ff:ff:ff:ff:ff:ff: 127.0.0.2
`;

/** Files that YAML does not allow, or that upstream cannot make sense of. */
const MALFORMED: readonly string[] = [
  "",
  "---\n",
  "# nothing\n",
  "just text\n",
  "- a\n- b\n",
  "demikernel\n",
  "demikernel: {\n",
  "demikernel: }\n",
  "demikernel: [1, 2\n",
  'demikernel: "a\n',
  "demikernel: 'a\n",
  "demikernel: a: b\n",
  "demikernel:\n  local_ipv4_addr: 127.0.0.1\n  - item\n",
  "demikernel:\n    local_ipv4_addr: 127.0.0.1\n  local_link_addr: x\n",
  "demikernel:\n  local_ipv4_addr: 127.0.0.1\n    deeper: 1\n",
  "demikernel:\n\tlocal_ipv4_addr: 127.0.0.1\n",
  "  demikernel:\nlocal_ipv4_addr: 127.0.0.1\n",
  "demikernel:\n  local_ipv4_addr: { a: 'b }\n",
  'demikernel:\n  local_ipv4_addr: [ "a ]\n',
  "demikernel:\n  local_ipv4_addr: &anchor 127.0.0.1\n",
  "demikernel:\n  local_ipv4_addr: *anchor\n",
  "demikernel:\n  local_ipv4_addr: !tag 127.0.0.1\n",
  "demikernel:\n  local_ipv4_addr: |\n    127.0.0.1\n",
  "demikernel:\n  local_ipv4_addr: %x\n",
  "demikernel:\n  local_ipv4_addr: @x\n",
  "demikernel:\n  local_ipv4_addr: `x\n",
  "demikernel:\n  local_ipv4_addr: 127.0.0.1\n---\ndemikernel:\n  a: 1\n",
  "demikernel:\n  local_ipv4_addr: 127.0.0.1\ndemikernel:\n  a: 1\n",
  "demikernel:\n  ? x\n",
  "demikernel:\n  <<: x\n",
  "demikernel:\n  local_ipv4_addr: value:\n",
  "demikernel:\n  local_ipv4_addr: -\n",
  "demikernel:\n  local_ipv4_addr: [a, {b: c}, ]]\n",
  'demikernel:\n  local_ipv4_addr: "\\q"\n',
  "demikernel:\n  local_ipv4_addr: \0\n",
  `demikernel: ${"[".repeat(2000)}${"]".repeat(2000)}\n`,
];

/** Files that are YAML, and wrong. */
const WRONG: readonly string[] = [
  "demikernel: 5\n",
  "demikernel:\n  local_ipv4_addr: 127.0.0.1.1\n",
  "demikernel:\n  local_ipv4_addr: 0.0.0.0\n",
  "demikernel:\n  local_ipv4_addr: 5\n",
  "demikernel:\n  local_ipv4_addr: [127.0.0.1]\n",
  "other:\n  key: 1\n",
  ...["535", "65536", "-1", "x", "1450.5", "", "true", "[1450]"].map((mss) =>
    `demikernel:\n  local_ipv4_addr: 127.0.0.1\ninetstack_config:\n  mss: ${mss}\n`
  ),
  "demikernel:\n  local_ipv4_addr: 127.0.0.1\ninetstack_config:\n  mtu: 65536\n",
];

const OWN = { address: "10.0.0.1", linkAddress: "02:00:00:00:00:01", interface: "veth0" } as const;
const NEIGHBOURS = { "10.0.0.2": "02:00:00:00:00:02" };

/** Configurations in code that are refused, and what the message says. */
const REFUSED: readonly [NativeLibOS, unknown, RegExp][] = [
  ["catnap", { address: "0.0.0.0" }, /"address"/],
  ["catnap", { address: "::1" }, /"address"/],
  ["catnap", { address: "localhost" }, /"address"/],
  ["catnap", { address: 5 }, /"address"/],
  ["catnap", { address: "127.0.0.1\n" }, /"address"/],
  ["catnap", { adress: "127.0.0.1" }, /no "adress"/],
  ["catnap", { toString: 1 }, /no "toString"/],
  ["catnap", { mss: 535 }, /"mss"/],
  ["catnap", { mss: 65536 }, /"mss"/],
  ["catnap", { mss: NaN }, /"mss"/],
  ["catnap", { mss: "1450" }, /"mss"/],
  ["catnap", { mss: 1461 }, /mtu/],
  ["catnap", { mtu: 575 }, /"mtu"/],
  ["catnap", { mtu: 1e9 }, /"mtu"/],
  ["catnap", { linkAddress: "aa:bb" }, /"linkAddress"/],
  ["catnap", { interface: "a b" }, /"interface"/],
  ["catnap", { interface: "x".repeat(16) }, /"interface"/],
  ["catnap", { interface: "a\nb: c" }, /"interface"/],
  ["catnap", { ealInit: [] }, /"ealInit"/],
  ["catnap", { ealInit: ["a\0b"] }, /"ealInit"/],
  ["catnap", { ealInit: "-c 1" }, /"ealInit"/],
  ["catnap", { neighbours: { "10.0.0.1": "x" } }, /"neighbours"/],
  ["catnap", { neighbours: { x: "02:00:00:00:00:02" } }, /"neighbours"/],
  ["catnap", { neighbours: null }, /"neighbours"/],
  ["catnap", { neighbours: [] }, /"neighbours"/],
  ["catnap", null, /configuration/],
  ["catnap", 5, /configuration/],
  ["catnap", [], /configuration/],
  ["catnap", () => {}, /configuration/],
  ["catpowder", {}, /missing/],
  ["catpowder", { address: "10.0.0.1" }, /"linkAddress" is missing/],
  ["catpowder", { ...OWN }, /"neighbours" is missing/],
  ["catnip", { ...OWN, neighbours: NEIGHBOURS }, /"ealInit" is missing/],
];

Deno.test("checkConfiguration() fills in what a libOS can do without", () => {
  const expected = { address: "127.0.0.1", mtu: 1500, mss: 1450 };
  for (const libos of ["catnap", "catmem", "catloop"] as const) {
    assertEquals(checkConfiguration(libos, {}), expected);
    assertEquals(
      checkConfiguration(libos, { mss: undefined } as unknown as NativeConfiguration),
      expected,
    );
  }
  const given = { ...OWN, neighbours: NEIGHBOURS, mtu: 9000, mss: 8960 };
  assertEquals(checkConfiguration("catpowder", given), given);
});

Deno.test("checkConfiguration() refuses what is unknown, wrong or missing with EINVAL", () => {
  for (const [libos, configuration, message] of REFUSED) {
    const check = () => checkConfiguration(libos, configuration as NativeConfiguration);
    assertMatch(assertCode("EINVAL", check).message, message);
  }
});

Deno.test("readConfigurationFile() reads files as upstream's are written", () => {
  using folder = new Folder();
  for (const text of [WHOLE_FILE, BLOCK_FILE]) {
    for (const variant of [text, text.replaceAll("\n", "\r\n"), text.trimEnd()]) {
      const { address, mss } = readConfigurationFile(folder.write("a.yaml", variant), "catnap");
      assertEquals({ address, mss }, { address: "127.0.0.1", mss: 1450 });
    }
  }
});

Deno.test("readConfigurationFile() refuses what is no YAML with EINVAL, and tells the line", () => {
  using folder = new Folder();
  for (const text of MALFORMED) {
    const path = folder.write("a.yaml", text);
    assertMatch(
      assertCode("EINVAL", () => readConfigurationFile(path, "catnap")).message,
      /a\.yaml/,
    );
  }
  const path = folder.write("a.yaml", "demikernel:\n  a: 1\n  b: [\n");
  assertMatch(assertCode("EINVAL", () => readConfigurationFile(path, "catnap")).message, /line 3/);
});

Deno.test("readConfigurationFile() refuses what upstream would end the process over with EINVAL", () => {
  using folder = new Folder();
  for (const text of WRONG) {
    const path = folder.write("a.yaml", text);
    assertCode("EINVAL", () => readConfigurationFile(path, "catnap"));
  }
  const path = folder.write("a.yaml", BLOCK_FILE);
  // catpowder needs what is missing there.
  const half = folder.write("b.yaml", "demikernel:\n  local_ipv4_addr: 127.0.0.1\n");
  assertCode("EINVAL", () => readConfigurationFile(half, "catpowder"));
  assertMatch(
    assertCode("EINVAL", () => readConfigurationFile(path, "catpowder")).message,
    /"arp_cache_ttl"/,
  );
  const whole = folder.write("c.yaml", WHOLE_FILE.replace(", …", ""));
  assertEquals(readConfigurationFile(whole, "catpowder").mss, 1450);
  for (
    const key of [
      "udp_checksum_offload",
      "local_link_addr",
      "linux_interface_name",
      "arp_cache_ttl",
    ]
  ) {
    const without = folder.write("d.yaml", WHOLE_FILE.replace(", …", "").replace(key, `no_${key}`));
    assertCode("EINVAL", () => readConfigurationFile(without, "catpowder"));
  }
});

Deno.test("readConfigurationFile() tells of a file that is not there with ENOENT", () => {
  for (const path of ["/nonexistent/a.yaml", "", "/tmp", "a\0b"]) {
    assertCode("ENOENT", () => readConfigurationFile(path, "catnap"));
  }
});

Deno.test({
  name: "readConfigurationFile() throws NotCapable without the permission to read",
  permissions: { read: false },
  fn() {
    let error: unknown;
    try {
      readConfigurationFile("/etc/hostname", "catnap");
    } catch (thrown) {
      error = thrown;
    }
    assertEquals(error instanceof Deno.errors.NotCapable, true);
  },
});

Deno.test("open() refuses configurations before it looks for a library", () => {
  const configuration = { mss: 5 };
  for (const libos of ["catnap", "catmem", "catloop"] as const) {
    assertCode("EINVAL", () => open({ libos, provider: "demikernel", configuration }));
  }
});

for (const [name, text] of [["whole", WHOLE_FILE], ["block style", BLOCK_FILE]] as const) {
  for (const libos of ["catnap", "catloop"] as const) {
    nativeTest(libos, `open() uses a file of upstream's, ${name}, for ${libos}`, async () => {
      using folder = new Folder();
      const args = [`demikernel:${libos}`, folder.write("a.yaml", text)];
      const { code, stdout, stderr } = await runDeno("../demikernel/_open.ts", args);
      assertEquals({ code, stdout, stderr }, { code: 0, stdout: "hello\n", stderr: "" });
    });
  }
}

for (const [variable, value] of [["LOCAL_IPV4_ADDR", "10.0.0.1"], ["MTU", "x"], ["LINGER", ""]]) {
  nativeTest("catnap", `open() refuses the environment variable ${variable}`, async () => {
    const env = { [variable!]: value! };
    const { stdout, stderr } = await runDeno("../demikernel/_open.ts", ["demikernel:catnap"], {
      env,
    });
    assertMatch(stdout, new RegExp(`^DemikernelError: .*${variable}`));
    assertEquals(stderr, "");
  });
}

testScenarios(import.meta, "catnap", {
  async "open() takes files, and configurations, or refuses them, and the process goes on"(libos) {
    using folder = new Folder();
    await libos.exit();
    const configurations = [
      ...[...MALFORMED, ...WRONG].map((text, i) => folder.write(`${i}.yaml`, text)),
      ...REFUSED.filter(([name, given]) => name === "catnap" && given !== null).map(([, given]) =>
        given
      ),
      "/nonexistent",
    ];
    for (const configuration of configurations) {
      let code = "";
      try {
        open({ libos: "demikernel:catnap", configuration: configuration as string });
      } catch (error) {
        code = (error as { code: string }).code;
      }
      assertMatch(code, /^(EINVAL|ENOENT)$/, Deno.inspect(configuration));
    }
  },
});

await runChildren();
