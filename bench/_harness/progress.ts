/**
 * Progress on stderr, so that stdout holds the result and nothing else.
 *
 * @module
 */

const BAR = 24;

/** A bar that is redrawn on a terminal; a plain line per step anywhere else. */
export class Progress {
  #total: number;
  readonly #terminal = Deno.stderr.isTerminal();
  #made = 0;

  /** @param total The number of steps to come. */
  constructor(total: number) {
    this.#total = total;
  }

  /** Says that there is more to do than was known. */
  extend(steps: number): void {
    this.#total += steps;
  }

  /** Says what begins now. */
  step(label: string): void {
    this.#made++;
    const count = `${this.#made}/${this.#total} ${label}`;
    if (!this.#terminal) return write(`${count}\n`);
    const filled = Math.min(BAR, Math.round((this.#made - 1) / this.#total * BAR));
    write(`\r\x1b[K[${"#".repeat(filled)}${".".repeat(BAR - filled)}] ${count}`);
  }

  /** Removes the bar, so that what follows begins on a clean line. */
  done(): void {
    if (this.#terminal) write("\r\x1b[K");
  }
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
