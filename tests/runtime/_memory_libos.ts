/**
 * The part that all libOSes share, alone: no device, no sockets; `queue()` works.
 *
 * @module
 */

import { DemikernelError } from "../../libos/error.ts";
import { RuntimeLibOS, type RuntimeOptions } from "../../libos/runtime/libos.ts";
import type { IdlePolicy } from "../../libos/runtime/scheduler/loop.ts";
import { Scheduler } from "../../libos/runtime/scheduler/scheduler.ts";
import { FakeClock } from "./_fakes.ts";
import type { Capabilities } from "../../libos/pdpix.ts";

/** See the module's description. */
export class MemoryLibOS extends RuntimeLibOS {
  override readonly name = "memory";
  override readonly fd = -1;
  override readonly capabilities: Capabilities = {
    domains: [],
    types: [],
    options: [],
    halfClose: false,
    storage: false,
    pipes: false,
    closesAtOnce: true,
    parks: false,
    blocks: true,
  };

  constructor(options: Partial<RuntimeOptions> = {}) {
    super({ ...options, scheduler: options.scheduler ?? new Scheduler() });
    this.scheduler.attach(this);
  }

  override deadline(): number {
    return Infinity;
  }

  override prepareToPark(): void {}

  override poll(): number {
    return 0;
  }

  protected override createSocket(): never {
    throw new DemikernelError("ENOTSUP", "socket");
  }

  protected override closeDevice(): void {}
}

/** A libOS whose time passes only where somebody looks at its clock. */
export function withFakeClock(
  options: { idle?: IdlePolicy; debug?: boolean; step?: number } = {},
): { libos: MemoryLibOS; clock: FakeClock; scheduler: Scheduler } {
  const { idle = "spin", debug = false, step } = options;
  const clock = new FakeClock(step);
  const scheduler = new Scheduler({ idle, clock });
  return { libos: new MemoryLibOS({ scheduler, debug }), clock, scheduler };
}
