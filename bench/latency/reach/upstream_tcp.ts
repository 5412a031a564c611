/**
 * What is so of every way to upstream's own TCP.
 *
 * @module
 */
import type { Route } from "../../_harness/route.ts";

/**
 * Upstream's TCP drops a segment whose checksum is 0xffff each time that it is sent: one in 65 536, and the connection
 * is silent from then on. A measurement that met one is begun again.
 */
export const STALLING: Pick<Route, "attempts"> = { attempts: 5 };
