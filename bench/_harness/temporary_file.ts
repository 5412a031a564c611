/**
 * Temporary files that are gone when the benchmark is, also when it is interrupted.
 *
 * @module
 */

const files = new Set<TemporaryFile>();

/** An empty file. Disposing of it removes it. */
export class TemporaryFile implements Disposable {
  /** Where it is. */
  readonly path: string;

  /** Makes one. It does so at once: an interrupt cannot come before it is known. */
  constructor() {
    this.path = Deno.makeTempFileSync({ prefix: "demikernel-bench-" });
    files.add(this);
  }

  /** Removes the file, if it is still there. */
  [Symbol.dispose](): void {
    files.delete(this);
    try {
      Deno.removeSync(this.path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Removes those that are left; for the way out, when nobody writes to them any more. */
export function removeTemporaryFiles(): void {
  for (const file of files) file[Symbol.dispose]();
}
