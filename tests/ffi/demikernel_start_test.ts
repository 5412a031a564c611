import { assertEquals, assertStringIncludes } from "@std/assert";
import { LAYOUTS } from "../../ffi/demikernel/layout.ts";
import { compilingTest, Folder, inChild, nativeTest, runDeno } from "./_demikernel.ts";

for (const { name } of LAYOUTS) {
  compilingTest(`start() finds the layout of ${name} by probing`, async () => {
    using folder = new Folder();
    const path = await folder.mock(name === "2025" ? "2025" : "1513");
    assertEquals(await inChild("probe", path, "/dev/null"), {
      layout: name,
      allocated: true,
      before: [1, 1000],
      after: 20,
      free: 0,
    });
  });
}

compilingTest("start() refuses a library with an unknown layout", async () => {
  using folder = new Folder();
  const path = await folder.mock("0");
  const { code, stderr } = await runDeno("_demikernel_child.ts", ["probe", path]);
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `DemikernelUnavailableError: Cannot use ${path}: its structs are laid out`,
  );
});

nativeTest("catnap", "start() finds the layout of the library that is built", async (path) => {
  using folder = new Folder();
  assertEquals(await inChild("probe", path, folder.configuration()), {
    layout: "1.5.13",
    allocated: true,
    before: [1, 1000],
    after: 20,
    free: 0,
  });
});

nativeTest(
  "catnap",
  "start() gives each Worker the libOS it asks for, also after others have ended",
  async (path) => {
    using folder = new Folder();
    // A pipe is not for catnap, and a socket not for catmem.
    const pair = [{ socket: true, pipe: -95 }, { socket: false, pipe: true }];
    assertEquals(await inChild("workers", path, folder.configuration()), {
      first: pair,
      second: pair,
    });
  },
);
