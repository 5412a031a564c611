/**
 * A large download to a reader that stops for a while: whoever sends waits, and nobody holds much meanwhile.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { LibOS } from "../../mod.ts";
import { pause } from "../runtime/_assert.ts";

/** How much is sent. */
export const DOWNLOAD: number = 256 * 1024 * 1024;
/** How much at a time. */
export const CHUNK: number = 64 * 1024;
/** The most that the libOS may hold for both ends. */
const HELD = 8 * CHUNK;

/** The two ends of a download. */
export interface Ends {
  /** Sends a chunk, and waits as long as it should. */
  write(chunk: Uint8Array<ArrayBuffer>): PromiseLike<unknown>;
  /** Says that there is no more. */
  end(): PromiseLike<unknown> | void;
  /** Reads, and gives how much that was; null at the end. */
  read(): PromiseLike<number | null>;
}

/** Sends and reads, and stops twice in between. */
export async function assertWaits(libos: LibOS, { write, end, read }: Ends): Promise<void> {
  let sent = 0;
  const sending = (async () => {
    for (const chunk = new Uint8Array(CHUNK); sent < DOWNLOAD; sent += CHUNK) await write(chunk);
    await end();
  })();
  let received = 0;
  let most = 0;
  for (const stop of [0, DOWNLOAD / 2, Infinity]) {
    while (received < stop) {
      const length = await read();
      if (length === null) break;
      received += length;
      most = Math.max(most, libos.statistics().bufferBytes);
    }
    if (stop < Infinity) await assertStops(() => sent);
  }
  await sending;
  assertEquals(received, DOWNLOAD);
  assert(most <= HELD, `${most} bytes were held`);
}

/** Waits until a count stands still, which it does before the end. */
async function assertStops(count: () => number): Promise<void> {
  for (let last = -1; last !== count(); await pause(20)) last = count();
  assert(count() < DOWNLOAD, "all was sent though nobody read");
}
