/**
 * What handlers await beside the operations of their connection, by name: each is measured between the read and the
 * write of an echo, on a port of its own, in this order.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Something that is awaited; `undefined` for nothing at all. */
export type Awaited = (() => Promise<unknown>) | undefined;

/** As long as a chain of middleware. */
const MICROTASKS = 60;
const DATA = new Uint8Array(64);
const FILE = new URL(import.meta.url);

/** See the module's description. */
export const AWAITED: Readonly<Record<string, Awaited>> = {
  "nothing": undefined,
  [`${MICROTASKS} × null`]: async () => {
    for (let i = 0; i < MICROTASKS; i++) await null;
  },
  "setImmediate": () => new Promise<void>((resolve) => void setImmediate(resolve)),
  "arrayBuffer": () => new Response("hello").arrayBuffer(),
  "digest": () => crypto.subtle.digest("SHA-256", DATA),
  "readFile": () => Deno.readFile(FILE),
};
