/**
 * UCX: its versions, where it is missing, its layouts, and that the calls of the datapath are fast ones.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  ENDPOINT_PARAMS,
  MEMORY_PARAMS,
  MESSAGE_INFO,
  PARAMS,
  REQUEST_PARAMS,
  STRUCT_SIZE,
} from "../../ffi/ucx/layout.ts";
import { checkVersion, openUcx, ucx, UcxUnavailableError, versionOf } from "../../ffi/ucx/load.ts";
import { runProgram } from "../catnap/_child.ts";
import { COMPILER, missingUcx, missingUcxHeaders, needing } from "../_needs.ts";

const missing = missingUcx();

Deno.test("checkVersion() tells versions apart", () => {
  for (const version of [[1, 13, 1], [1, 14, 0], [1, 22, 0]] as const) checkVersion(version);
  for (const version of [[1, 12, 9], [0, 99, 0], [2, 0, 0]] as const) {
    const error = assertThrows(() => checkVersion(version), UcxUnavailableError);
    assertStringIncludes(error.message, version.join("."));
  }
});

Deno.test("openUcx() says which package has a library that is missing, or another one", () => {
  for (const path of ["/nonexistent/libucp.so.0", "libc.so.6"]) {
    const error = assertThrows(() => openUcx(path), UcxUnavailableError);
    assertStringIncludes(error.message, path);
    assertStringIncludes(error.message, "libucx0");
    assertEquals(error.message.includes("\n"), false);
  }
});

Deno.test(needing(missing, "ucx() loads a version that is understood, once"), () => {
  assertEquals(ucx(), ucx());
  const [major, minor] = versionOf(ucx());
  assert(major === 1 && minor >= 13);
});

Deno.test(needing(missing, "ucx() leaves what the environment says of UCX already"), async () => {
  const program = `
    const libos = open("catmint");
    console.log("opened");
    await libos.exit();
    const maps = Deno.readTextFileSync("/proc/self/environ");
    console.log(maps.includes("UCX_LOG_LEVEL=warn"));
  `;
  const env = { UCX_LOG_LEVEL: "warn", UCX_TLS: "posix,self" };
  assertEquals(await runProgram(program, { env }), ["opened", "true"]);
});

Deno.test(needing(missing, "open() of catmint says which permission is missing"), async () => {
  const program = `
    try {
      open("catmint");
    } catch (error) {
      console.log(error.name, error.message.includes("--allow-ffi="));
    }
  `;
  const libc = `/lib/${Deno.build.arch}-linux-gnu/libc.so.6`;
  const flags = [`--allow-ffi=${libc}`, "--no-prompt"];
  assertEquals(await runProgram(program, { flags }), ["NotCapable true"]);
});

Deno.test(
  needing(missingUcxHeaders(), "the layouts of UCX's structs are those of its headers"),
  async () => {
    const fields = {
      "ucp_params_t, features": PARAMS.FEATURES,
      "ucp_ep_params_t, address": ENDPOINT_PARAMS.ADDRESS,
      "ucp_ep_params_t, err_mode": ENDPOINT_PARAMS.ERROR_MODE,
      "ucp_request_param_t, flags": REQUEST_PARAMS.FLAGS,
      "ucp_request_param_t, memh": REQUEST_PARAMS.MEMORY,
      "ucp_mem_map_params_t, address": MEMORY_PARAMS.ADDRESS,
      "ucp_mem_map_params_t, length": MEMORY_PARAMS.LENGTH,
      "ucp_tag_recv_info_t, length": 4 * MESSAGE_INFO.LENGTH_LOW,
    };
    const checks = Object.entries(fields).map(([field, offset]) =>
      `_Static_assert(offsetof(${field}) == ${offset}, "${field}");`
    );
    const sizes = ["ucp_params_t", "ucp_worker_params_t", "ucp_ep_params_t", "ucp_request_param_t"];
    checks.push(
      ...sizes.map((type) => `_Static_assert(sizeof(${type}) <= ${STRUCT_SIZE}, "${type}");`),
      `_Static_assert(UCP_FEATURE_WAKEUP == 16 && UCP_OP_ATTR_FIELD_MEMH == 256, "bits");`,
      `_Static_assert(UCP_ERR_HANDLING_MODE_PEER == 1 && UCS_ERR_BUSY == -15, "values");`,
    );
    const compiling = new Deno.Command(COMPILER, {
      args: ["-fsyntax-only", "-xc", "-"],
      stdin: "piped",
      stderr: "piped",
    }).spawn();
    const writer = compiling.stdin.getWriter();
    const source = `#include <stddef.h>\n#include <ucp/api/ucp.h>\n${checks.join("\n")}\n`;
    await writer.write(new TextEncoder().encode(source));
    await writer.close();
    const { success, stderr } = await compiling.output();
    assert(success, new TextDecoder().decode(stderr));
  },
);

Deno.test(needing(missing, "UCX's calls of the datapath are fast calls"), async () => {
  const program = `
    const internal = Deno[Deno.internal];
    const [a, b] = [open({ libos: "catmint", idle: "spin" }), open({ libos: "catmint", idle: "spin" })];
    const listener = b.socket("inet", "stream");
    b.bind(listener, { hostname: "127.0.0.1", port: 0 });
    b.listen(listener);
    const from = a.socket("inet", "stream");
    const accepting = b.accept(listener);
    a.wait(a.connect(from, b.getsockname(listener)));
    const to = b.wait(accepting).accepted;
    const seen = new Set();
    // What was called last, after each step of the datapath.
    function pollLast() {
      b.poll();
      return internal.getTurbocallTarget();
    }
    for (let i = 0; i < 30_000; i++) {
      const push = a.push(from, a.alloc(64));
      seen.add(internal.getTurbocallTarget());
      const pop = b.pop(to);
      for (let k = 0; k < 4; k++) seen.add(pollLast());
      const popped = b.wait(pop);
      popped.sga.free();
      a.wait(push);
    }
    console.log([...seen].join(" "));
    Deno.exit();
  `;
  const env = { DENO_UNSTABLE_FFI_TRACE_TURBO: "1", UCX_TLS: "posix,self" };
  const [line] = await runProgram(program, { env });
  const calls = ["ucp_tag_send_nbx", "ucp_tag_msg_recv_nbx", "ucp_worker_progress"];
  assertEquals(calls.filter((call) => !line!.split(" ").includes(call)), [], line);
});
