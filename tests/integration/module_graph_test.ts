import { assert, assertEquals } from "@std/assert";
import { deno, makeDirectory, ROOT } from "./_programs.ts";

/** What `deno info --json` tells of a module. */
interface Module {
  specifier: string;
  dependencies?: { specifier: string }[];
}

/** All modules that something shipped imports, and how. */
async function shipped(entry: string): Promise<Module[]> {
  const { stdout } = await deno(["info", "--json", ROOT + entry]);
  return JSON.parse(stdout).modules;
}

const SHIPPED = ["mod.ts", "libos/node/mod.ts", "libos/tls/mod.ts"];
const EXAMPLES = ["tcp_echo", "udp_echo", "relay", "kv", "http"].map((name) =>
  `examples/${name}.ts`
);

/** The example that shows libraries from npm at work: what it names itself may come from there, pinned. */
const WITH_PACKAGES = "examples/http.ts";

/** What shipped modules import from npm, that are loaded by who asks: one version of each. */
const PACKAGES: Record<string, string[]> = {
  "libos/telemetry/mod.ts": ["npm:@opentelemetry/api@1.9.0"],
  "libos/http/mod.ts": [
    "npm:undici@8.13.1/lib/llhttp/constants.js",
    "npm:undici@8.13.1/lib/llhttp/llhttp_simd-wasm.js",
  ],
  "libos/http/websocket.ts": [
    "npm:undici@8.13.1/lib/llhttp/constants.js",
    "npm:undici@8.13.1/lib/llhttp/llhttp_simd-wasm.js",
    "npm:ws@8.23.0",
  ],
};
const OF_HTTP = new Set(Object.values(PACKAGES).slice(1).flat());

for (const entry of [...SHIPPED, ...EXAMPLES]) {
  const pinned = entry === WITH_PACKAGES ? ", and names packages by pinned npm: specifiers" : "";
  Deno.test(`${entry} imports by relative and node: specifiers only${pinned}`, async () => {
    const modules = (await shipped(entry)).filter(({ specifier }) => !specifier.startsWith("npm:"));
    assert(modules.length > 10, "the graph is too small to be true");
    let packages = 0;
    for (const { specifier, dependencies = [] } of modules) {
      for (const { specifier: imported } of dependencies) {
        if (specifier.endsWith(WITH_PACKAGES) && /^npm:[^ ]+@\d+\.\d+\.\d+$/.test(imported)) {
          packages++;
          continue;
        }
        if (specifier.includes("/libos/http/") && OF_HTTP.has(imported)) continue;
        assert(/^(\.\.?\/|node:)/.test(imported), `${specifier} imports "${imported}"`);
      }
    }
    assertEquals(packages > 0, entry === WITH_PACKAGES);
  });
}

Deno.test("mod.ts reaches none of the modules that are loaded by who asks", async () => {
  const modules = await shipped("mod.ts");
  const reached = modules.filter(({ specifier }) =>
    /\/libos\/(node|tls|http|telemetry)\/|^npm:/.test(specifier)
  );
  assertEquals(reached, []);
});

for (const [entry, packages] of Object.entries(PACKAGES)) {
  Deno.test(`${entry} imports from npm what is listed, of one version each`, async () => {
    const modules = await shipped(entry);
    const ours = modules.filter(({ specifier }) => specifier.startsWith("file:"));
    const others = ours.flatMap(({ dependencies = [] }) => dependencies.map((one) => one.specifier))
      .filter((specifier) => !/^(\.\.?\/|node:)/.test(specifier));
    assertEquals([...new Set(others)].sort(), packages);
  });
}

/** What each room may import, as `docs/design.md` draws it. */
const ARROWS: [RegExp, RegExp][] = [
  [/^libos\/tls\//, /^libos\/(tls|node|net|pdpix\.ts|error\.ts|check\.ts)/],
  [/^libos\/node\//, /^libos\/(node|net|pdpix\.ts|error\.ts|check\.ts)/],
  [/^mod\.ts$/, /^libos\//],
  [/^libos\/net\//, /^libos\/(net\/|pdpix\.ts|error\.ts|check\.ts|open\.ts)/],
  [/^libos\/(pdpix|error|check)\.ts$/, /^libos\/error\.ts$/],
  [/^libos\/runtime\/memory\//, /^libos\/(runtime\/memory\/|pdpix\.ts|error\.ts)/],
  [
    /^libos\/runtime\/scheduler\//,
    /^(libos\/(runtime\/scheduler\/|pdpix\.ts|error\.ts)|ffi\/libc\/)/,
  ],
  [
    /^libos\/runtime\/operation\//,
    /^libos\/(runtime\/(operation|scheduler|memory)\/|pdpix\.ts|error\.ts)/,
  ],
  [
    /^libos\/runtime\/queue\//,
    /^libos\/(runtime\/(queue|operation|memory)\/|pdpix\.ts|error\.ts)/,
  ],
  [/^libos\/runtime\//, /^(libos\/(runtime\/|pdpix\.ts|error\.ts)|ffi\/)/],
  [/^ffi\//, /^ffi\//],
];

Deno.test("what is shipped reaches everything along the arrows between the rooms", async () => {
  // That of TLS has all of the others in it.
  const modules = [...await shipped("mod.ts"), ...await shipped("libos/tls/mod.ts")];
  const root = new URL(`file://${ROOT}`).href;
  for (const { specifier, dependencies = [] } of modules) {
    const from = specifier.slice(root.length);
    const allowed = ARROWS.find(([room]) => room.test(from))?.[1];
    if (!specifier.startsWith(root) || allowed === undefined) continue;
    for (const { specifier: imported } of dependencies) {
      if (imported.startsWith("node:")) continue;
      const to = new URL(imported, specifier).href.slice(root.length);
      assert(allowed.test(to), `${from} imports ${to}`);
    }
  }
});

Deno.test("mod.ts opens no library, and asks for nothing, when it is imported", async () => {
  const code = `const { open } = await import(${JSON.stringify(`${ROOT}mod.ts`)});
    console.log(typeof open);`;
  await using directory = await makeDirectory();
  const program = `${directory.path}/program.ts`;
  await Deno.writeTextFile(program, code);
  const { code: status, stdout, stderr } = await deno([
    ...["run", "--no-prompt", "--no-config", "--deny-ffi", "--deny-env", "--deny-sys"],
    program,
  ]);
  assertEquals({ status, stdout, stderr }, { status: 0, stdout: "function\n", stderr: "" });
});
