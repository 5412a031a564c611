/**
 * A thin shim with the name of `@std/testing/snapshot`, over the snapshots that `deno test` has itself, in files of
 * the same format.
 *
 * See `../assert.ts` for why. To switch, replace its line in `deno.json` by `"jsr:@std/testing@1/snapshot"`; the
 * snapshots are then written by `deno task test -- --update`, and until then by `deno task test --update-snapshots`.
 *
 * @module
 */

/** Fails unless `actual` is what the snapshot of this test says. */
export function assertSnapshot<T>(
  context: Deno.TestContext,
  actual: T,
  message?: string,
): Promise<void> {
  return context.assertSnapshot(actual, message);
}
