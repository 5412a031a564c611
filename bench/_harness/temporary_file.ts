/**
 * Temporary files that are gone when the benchmark is, also when it is interrupted.
 *
 * @module
 */

/** What is left to be removed. */
const remaining = new Set<Disposable>();

/** A file, empty or with a text. Disposing of it removes it. */
export class TemporaryFile implements Disposable {
  /** Where it is. */
  readonly path: string;

  /** Makes one. It does so at once: an interrupt cannot come before it is known. */
  constructor(text: string = "") {
    this.path = Deno.makeTempFileSync({ prefix: "demikernel-bench-" });
    remaining.add(this);
    if (text !== "") Deno.writeTextFileSync(this.path, text);
  }

  /** Removes the file, if it is still there. */
  [Symbol.dispose](): void {
    remaining.delete(this);
    remove(this.path);
  }
}

/** The files in a folder that have a prefix, and are made by others. Disposing of it removes them. */
export class FilesOfOthers implements Disposable {
  readonly #folder: string;
  readonly #prefix: string;

  /** Makes nothing yet. */
  constructor(folder: string, prefix: string) {
    this.#folder = folder;
    this.#prefix = prefix;
    remaining.add(this);
  }

  /** Removes those that are there, for the last time. */
  [Symbol.dispose](): void {
    remaining.delete(this);
    this.remove();
  }

  /** Removes those that are there. */
  remove(): void {
    const names = [...Deno.readDirSync(this.#folder)].map(({ name }) => name);
    for (const name of names.filter((name) => name.startsWith(this.#prefix))) {
      remove(`${this.#folder}/${name}`);
    }
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes those that are left; for the way out, when nobody writes to them any more. */
export function removeTemporaryFiles(): void {
  for (const files of remaining) files[Symbol.dispose]();
}
