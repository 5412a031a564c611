/**
 * What a capture does with frames that are too large for it, and with a disk that is full.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { CaptureDevice } from "../../libos/devices/capture.ts";
import { freshSocket, openDevice, openFiles, test } from "./_pair.ts";

/** Opens a capture that is handed frames; says how many it handed on. */
function use(path: string, fn: (capture: CaptureDevice) => void): number {
  const device = openDevice({ socket: freshSocket(), role: "server" });
  const capture = new CaptureDevice(device, path);
  let handedOn = 0;
  capture.receive({ frame: () => handedOn++ }, 1);
  fn(capture);
  capture.prepareToPark();
  capture.close();
  return handedOn;
}

/** The lengths of the frames in a file. */
function lengthsIn(path: string): number[] {
  const { buffer } = Deno.readFileSync(path);
  const view = new DataView(buffer);
  const lengths = [];
  for (let at = 0; at < view.byteLength; at += view.getUint32(at + 4, true)) {
    if (view.getUint32(at, true) === 6) lengths.push(view.getUint32(at + 20, true));
  }
  return lengths;
}

test("a capture writes frames of any length, in order", () => {
  const path = Deno.makeTempFileSync({ suffix: ".pcapng" });
  try {
    const lengths = [60, 300_000, 1514, 262_100, 262_144, 60];
    const handedOn = use(path, (capture) => {
      for (const length of lengths) capture.frame(2, length, false);
    });
    assertEquals(handedOn, lengths.length);
    assertEquals(lengthsIn(path), lengths);
  } finally {
    Deno.removeSync(path);
  }
});

test("a disk that is full ends a capture, which is said once, and nothing else", () => {
  const before = openFiles();
  const said: string[] = [];
  const { error } = console;
  console.error = (line: string) => said.push(line);
  try {
    const handedOn = use("/dev/full", (capture) => {
      for (let i = 0; i < 20; i++) {
        capture.frame(2, 60_000, false);
        capture.reserve();
        capture.commit(1514);
      }
      assertEquals(capture.counters.sent, 20);
    });
    assertEquals(handedOn, 20);
  } finally {
    console.error = error;
  }
  assertEquals(said.length, 1);
  assertStringIncludes(said[0]!, "The capture in /dev/full ends: No space left on device");
  assertEquals(openFiles(), before);
});
