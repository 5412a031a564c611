import { assertEquals } from "@std/assert";
import { OPCODE } from "../../ffi/demikernel/layout.ts";
import { compilingTest, Folder, inChild, nativeTest } from "./_demikernel.ts";

const EBADF = 9;
const ENOENT = 2;
const EINVAL = 22;
const EEXIST = 17;
const ENOTSUP = 95;
const ETIMEDOUT = 110;

/** An sga of 100 bytes, and the word behind it. */
const SGA = { segments: 1, length: 100, behind: 0xeeeeeeee, free: 0 };

compilingTest("Calls of the datapath are compiled into the code that calls them", async () => {
  using folder = new Folder();
  const path = await folder.mock("1513");
  const targets = await inChild("fastCalls", path, "/dev/null", {
    env: { DENO_UNSTABLE_FFI_TRACE_TURBO: "1" },
  }) as Record<string, unknown>;
  // On aarch64 an sga is allocated off the datapath.
  if (Deno.build.arch !== "x86_64") delete targets.sgaalloc_into;
  for (const [name, target] of Object.entries(targets)) assertEquals(target, name);
});

for (const layout of ["1513", "2025"] as const) {
  compilingTest(`SgaAllocator makes the same sga the slow way, layout ${layout}`, async () => {
    using folder = new Folder();
    const path = await folder.mock(layout);
    assertEquals(await inChild("allocateAnywhere", path, "/dev/null"), SGA);
  });
}

nativeTest("catnap", "SgaAllocator makes an sga of the library the slow way", async (path) => {
  using folder = new Folder();
  assertEquals(await inChild("allocateAnywhere", path, folder.configuration()), SGA);
});

nativeTest("catmem", "Calls look for what completed without waiting", async (path) => {
  using folder = new Folder();
  assertEquals(await inChild("look", path, folder.configuration()), {
    nothing: -EINVAL,
    found: [OPCODE.PUSH, OPCODE.POP],
    used: -EINVAL,
  });
});

nativeTest("catnap", "Calls echo over catnap, and tell of the end once", async (path) => {
  using folder = new Folder();
  assertEquals(await inChild("echo", path, folder.configuration()), {
    opcodes: [OPCODE.ACCEPT, OPCODE.POP, OPCODE.PUSH, OPCODE.POP],
    peer: true,
    popped: "hello",
    echoed: "hello",
    end: [1, 0, 0],
    closed: [0, -EBADF],
  });
});

nativeTest("catnap", "Calls need nothing but the permission for the library", async (path) => {
  using folder = new Folder();
  const flags = [`--allow-ffi=${path}`];
  assertEquals(await inChild("cut", path, folder.configuration(), { flags }), {
    left: "0123",
    free: 0,
  });
});

nativeTest("catmem", "Calls pass a message through a pipe of catmem", async (path) => {
  using folder = new Folder();
  assertEquals(await inChild("pipe", path, folder.configuration()), {
    missing: -ENOENT,
    pushed: true,
    popped: true,
    text: "over shared memory",
    closed: [0, 0],
  });
});

nativeTest("catnap", "Calls give errnos as negative numbers", async (path) => {
  using folder = new Folder();
  assertEquals(await inChild("errnos", path, folder.configuration()), {
    again: EEXIST,
    pending: -ETIMEDOUT,
    none: 0,
    pop: -EBADF,
    push: -EBADF,
    tooLong: false,
    pipe: -ENOTSUP,
    linger: [{ result: 0, seconds: null }, 0, { result: 0, seconds: 3 }],
  });
});
