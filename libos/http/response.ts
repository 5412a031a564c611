/**
 * An answer, as a client gets it.
 *
 * @module
 */

import type { Operation, OperationOptions, Sga } from "../pdpix.ts";
import type { Fields } from "./fields.ts";
import { takePart } from "./input.ts";
import { read } from "../net/reading.ts";
import type { CollectOptions } from "./request.ts";
import type { Wire } from "./wire.ts";

const COLLECTED = 2 ** 26;

/**
 * The answer to a request of an {@linkcode HttpClient}. Its connection is free for another request when the body was read to
 * its end; `using` closes it where it was not.
 */
export class HttpResponse implements Disposable {
  /** The status. */
  readonly status: number;
  readonly #fields: Fields;
  readonly #wire: Wire;
  readonly #over: (wire: Wire) => void;
  #open = true;
  #trailers: readonly (readonly [name: string, value: string])[] = [];

  /** Made by a client when the head is here; `over` is told when the connection is of no more use for this answer. */
  constructor(wire: Wire, over: (wire: Wire) => void) {
    this.status = wire.parser.status;
    this.#fields = wire.parser.takeFields();
    this.#wire = wire;
    this.#over = over;
    if (wire.parser.done) this.#end();
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  /** The value of a field, whose name is given in small letters, as {@linkcode HttpRequest.header}. */
  header(name: string): string | null {
    return this.#fields.get(name);
  }

  /** All fields, as they were sent. */
  *headers(): Generator<[name: string, value: string], void> {
    for (let i = 0; i < this.#fields.count; i++) {
      yield [this.#fields.name(i), this.#fields.value(i)];
    }
  }

  /** The fields behind the body, which are here when that has ended. */
  get trailers(): readonly (readonly [name: string, value: string])[] {
    return this.#trailers;
  }

  /** Pops what came of the body, as an sga that is the caller's; null is its end. */
  pop(options?: OperationOptions): Operation<Sga | null> {
    if (!this.#open) return this.#ended(null);
    return read(this.#wire.input, (input) => {
      const part = takePart(input);
      if (part === null) this.#end();
      return part;
    }, options);
  }

  /** Collects the body, or what is left of it. */
  bytes(options: CollectOptions = {}): Operation<Uint8Array<ArrayBuffer>> {
    if (!this.#open) return this.#ended(new Uint8Array(0));
    const { input } = this.#wire;
    return this.#all(input.whole(options.limit ?? COLLECTED, options));
  }

  /** Collects the body as a text in UTF-8. */
  text(options: CollectOptions = {}): Operation<string> {
    if (!this.#open) return this.#ended("");
    return this.#all(this.#wire.input.text(options.limit ?? COLLECTED, options));
  }

  /** Collects the body as JSON; throws a `SyntaxError` if it is none. */
  json(options: CollectOptions = {}): Operation<unknown> {
    if (!this.#open) return this.#wire.input.libos.operations.join(Promise.try(JSON.parse, ""));
    return this.#all(this.#wire.input.json(options.limit ?? COLLECTED, options));
  }

  /** Lets go of the connection, and closes it if the body was not read to its end. */
  [Symbol.dispose](): void {
    if (this.#open) this.#end();
  }

  /** What reads the whole body, or fails to. */
  #all<T>(operation: Operation<T>): Operation<T> {
    return this.#wire.input.libos.operations.join(operation.finally(() => this.#end()));
  }

  #ended<T>(value: T): Operation<T> {
    return this.#wire.input.libos.operations.join(Promise.resolve(value));
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#trailers = this.#wire.parser.trailers;
    this.#over(this.#wire);
  }
}
