/**
 * A Worker with a libOS of its own, which tells what kind of queues it has.
 *
 * @module
 */

import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { Calls } from "../../ffi/demikernel/calls.ts";
import { load } from "../../ffi/demikernel/load.ts";
import { start } from "../../ffi/demikernel/start.ts";

interface Request {
  readonly libos: NativeLibOS;
  readonly path: string;
  readonly configuration: string;
}

declare const self: {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: unknown): void;
};

const SOCK_STREAM = 1;

self.onmessage = ({ data: { libos, path, configuration } }) => {
  const library = load(libos, path);
  const calls = new Calls(library, start(library, libos, configuration));
  const pipe = calls.createPipe(`demikernel-deno-test-${Deno.pid}-${libos}`);
  if (pipe > 0) calls.close(pipe);
  self.postMessage({ socket: calls.socket(SOCK_STREAM) > 0, pipe: pipe > 0 ? true : pipe });
};
