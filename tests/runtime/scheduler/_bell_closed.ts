/**
 * Rings a bell that is closed at once, in a process that has not loaded `node:net` yet.
 *
 * @module
 */

import { libc } from "../../../ffi/libc/load.ts";
import { HostBell } from "../../../libos/runtime/scheduler/host_bell.ts";

const bell = new HostBell(libc());
queueMicrotask(() => void bell.close());
bell.ring(() => console.log("called"));
