/**
 * Progress on stderr, so that stdout holds the result and nothing else.
 *
 * @module
 */

/** A line that is redrawn on a terminal; one per step anywhere else. */
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
    const count = `${++this.#made}/${this.#total} ${label}`;
    write(this.#terminal ? `\r\x1b[K${count}` : `${count}\n`);
  }

  /** Removes the line, so that what follows begins on a clean line. */
  done(): void {
    if (this.#terminal) write("\r\x1b[K");
  }
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
