/**
 * Where a server is tested with programs that are on the sockets of the kernel: on those itself, and at the other end of a
 * wire.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type LibOS, open, type OpenOptions } from "../../mod.ts";
import { KernelLink, type Kind, missingForLinks, openAt, OURS } from "../_network/link.ts";
import { type Missing, needing } from "../_needs.ts";
import { held } from "../net/_net.ts";
import { type Said, say } from "../node/_node.ts";

/** A libOS to serve on. */
export interface Place extends Disposable {
  /** The libOS. */
  readonly libos: LibOS;
  /** Where it is found. */
  readonly hostname: string;
  /** Runs a program that finds it. */
  run(program: string, args: readonly string[], input?: string | Uint8Array): Promise<Said>;
}

/** All of them, by name. */
export const PLACES: Readonly<Record<string, (options?: OpenOptions) => Place>> = {
  "catnap": (options) => loopback({ libos: "catnap", ...options }),
  "deno:catnap": (options) => loopback({ libos: "deno:catnap", ...options }),
  "catpowder on tap": (options) => wire("tap", options),
  "catpowder on xdp": (options) => wire("xdp", options),
};

function loopback(options: OpenOptions): Place {
  return {
    libos: open(options),
    hostname: "127.0.0.1",
    run: say,
    [Symbol.dispose]: () => {},
  };
}

function wire(kind: Kind, options?: OpenOptions): Place {
  const link = new KernelLink(kind);
  return {
    libos: openAt(link.port, OURS, options),
    hostname: OURS.inet,
    run: (program, args, input) =>
      say("nsenter", [`--net=${link.kernel.path}`, program, ...args], input),
    [Symbol.dispose]: () => link[Symbol.dispose](),
  };
}

/** A test at each place; fails if it leaves a queue, an operation, a token or a buffer behind. */
export function testAt(
  name: string,
  missing: Missing,
  body: (place: Place) => Promise<void>,
): void {
  for (const [where, make] of Object.entries(PLACES)) {
    const needs = missing ?? (where.startsWith("catpowder") ? missingForLinks() : undefined);
    Deno.test({
      ...needing(needs, `${name}, on ${where}`),
      timeout: 30_000,
      async fn() {
        using place = make({ debug: true });
        const before = held(place.libos);
        try {
          await body(place);
          assertEquals(held(place.libos), before);
        } finally {
          await place.libos.exit();
        }
      },
    });
  }
}
