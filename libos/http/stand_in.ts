/**
 * Objects that stand for Deno's own until somebody looks deeper.
 *
 * What Deno's methods keep in an object, they keep under symbols of their own. A class that has the prototype of, say,
 * `Request`, and these symbols as properties that lead to a real one, is taken for a `Request` by all of them; the real one
 * is made when the first of these properties is touched. Which symbols there are is seen on a sample; if there were none
 * some day, the real one would be given away at once (`standsIn` is false then).
 *
 * @module
 */

/** What leads to the real object. */
export interface StandIn<T extends object> {
  /** Makes it, or gives it again. */
  real(): T;
}

/** Has the objects of a class stand for others; gives whether that is possible. */
export function standFor<T extends object>(
  prototype: StandIn<T>,
  real: { readonly prototype: T },
  sample: T,
): boolean {
  Object.setPrototypeOf(prototype, real.prototype);
  Object.defineProperty(prototype, "constructor", { value: real });
  const symbols = Object.getOwnPropertySymbols(sample);
  for (const symbol of symbols) {
    const value = (sample as Record<symbol, unknown>)[symbol];
    Object.defineProperty(
      prototype,
      symbol,
      // The brand, by which Deno knows its own.
      value === symbol ? { value } : {
        get(this: StandIn<T>) {
          return (this.real() as Record<symbol, unknown>)[symbol];
        },
        set(this: StandIn<T>, changed: unknown) {
          (this.real() as Record<symbol, unknown>)[symbol] = changed;
        },
      },
    );
  }
  return symbols.length > 0;
}
