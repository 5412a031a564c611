/**
 * Which parts of the stack were run, as V8 counts them for each block of each function.
 *
 * @module
 */

import { Session } from "node:inspector/promises";

/** What V8 tells of one script. */
interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly {
      readonly startOffset: number;
      readonly endOffset: number;
      readonly count: number;
    }[];
  }[];
}

/** See the module's description. */
export class Coverage {
  readonly #session = new Session();
  /** For each script, which of its characters were run. */
  #reached = new Map<string, Uint8Array>();

  /** Begins to count. */
  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Counts no more. */
  stop(): void {
    this.#session.disconnect();
  }

  /** Forgets what was reached. */
  reset(): void {
    this.#reached.clear();
  }

  /** Characters of the stack's source that were run. */
  get size(): number {
    return [...this.#reached.values()].reduce(
      (sum, one) => sum + one.reduce((a, b) => a + b, 0),
      0,
    );
  }

  /** How much of the stack ran for the first time since it was asked last; remembers it if asked to. */
  async take(remember: boolean): Promise<number> {
    // The types of node:inspector know no results.
    const { result } = await this.#session.post("Profiler.takePreciseCoverage") as unknown as {
      result: ScriptCoverage[];
    };
    let added = 0;
    for (const script of result) {
      if (script.url.includes("/libos/inetstack/")) added += this.#merge(script, remember);
    }
    return added;
  }

  #merge({ url, functions }: ScriptCoverage, remember: boolean): number {
    const end = functions.reduce((most, { ranges }) => Math.max(most, ranges[0]!.endOffset), 0);
    const before = this.#reached.get(url) ?? new Uint8Array(0);
    const now = new Uint8Array(Math.max(end, before.length));
    // Inner ranges follow outer ones.
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      }
    }
    let added = 0;
    for (let i = 0; i < now.length; i++) {
      if (before[i] === 1) now[i] = 1;
      else added += now[i]!;
    }
    if (remember && added > 0) this.#reached.set(url, now);
    return added;
  }
}
