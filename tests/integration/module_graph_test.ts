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

const EXAMPLES = ["tcp_echo", "udp_echo", "relay", "kv"].map((name) => `examples/${name}.ts`);

for (const entry of ["mod.ts", ...EXAMPLES]) {
  Deno.test(`${entry} imports by relative and node: specifiers only`, async () => {
    const modules = await shipped(entry);
    assert(modules.length > 10, "the graph is too small to be true");
    for (const { specifier, dependencies = [] } of modules) {
      for (const { specifier: imported } of dependencies) {
        assert(/^(\.\.?\/|node:)/.test(imported), `${specifier} imports "${imported}"`);
      }
    }
  });
}

/** What each room may import, as `docs/design.md` draws it. */
const ARROWS: [RegExp, RegExp][] = [
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

Deno.test("mod.ts reaches everything along the arrows between the rooms", async () => {
  const modules = await shipped("mod.ts");
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
