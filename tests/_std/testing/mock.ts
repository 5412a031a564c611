// deno-lint-ignore-file no-explicit-any -- the defaults of @std/testing
/**
 * A thin shim with the names of `@std/testing/mock`, over the mocks of `node:test`.
 *
 * See `../assert.ts` for why. The signatures are those of the real package for the part that the tests use. To
 * switch, replace its line in `deno.json` by `"jsr:@std/testing@1/mock"`.
 *
 * @module
 */
import { mock, type MockFunctionContext } from "node:test";
import { assertEquals } from "@std/assert";

/** A call that a spy has recorded. */
export interface SpyCall<Self = any, Args extends unknown[] = any[], Return = any> {
  /** The arguments. */
  args: Args;
  /** What was returned. */
  returned?: Return;
  /** What was thrown. */
  error?: Error;
  /** What it was called on. */
  self?: Self;
}

/** A function that records how it is called. */
export interface Spy<Self = any, Args extends unknown[] = any[], Return = any> {
  (this: Self, ...args: Args): Return;
  /** The function behind it. */
  original: (this: Self, ...args: Args) => Return;
  /** The calls so far. */
  calls: SpyCall<Self, Args, Return>[];
  /** Whether what it stood for is in its place again. */
  restored: boolean;
  /** Puts what it stood for in its place again. */
  restore(): void;
}

/** A method that records how it is called, until it is disposed of. */
export interface MethodSpy<Self = any, Args extends unknown[] = any[], Return = any>
  extends Spy<Self, Args, Return>, Disposable {}

/** A method that was replaced, until that is disposed of. */
export interface Stub<Self = any, Args extends unknown[] = any[], Return = any>
  extends MethodSpy<Self, Args, Return> {
  /** What is called in its place. */
  fake: (this: Self, ...args: Args) => Return;
}

/** The parameters of a method. */
export type GetParametersFromProp<Self, Prop extends keyof Self> = Self[Prop] extends
  (...args: infer Args) => unknown ? Args : unknown[];

/** What a method returns. */
export type GetReturnFromProp<Self, Prop extends keyof Self> = Self[Prop] extends
  (...args: any[]) => infer Return ? Return : unknown;

/** Wraps a function, so that its calls are recorded. */
export function spy<Self, Args extends unknown[], Return>(
  func: (this: Self, ...args: Args) => Return,
): Spy<Self, Args, Return> {
  return dress(mock.fn(func as (...args: any[]) => any), { original: func });
}

/** Replaces a method, and records the calls of it. */
export function stub<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
  func: (
    this: Self,
    ...args: GetParametersFromProp<Self, Prop>
  ) => GetReturnFromProp<Self, Prop>,
): Stub<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>> {
  const original = self[property];
  return dress(mock.method(self as any, property, func as any), { original, fake: func });
}

/** Fails unless a spy was called so many times. */
export function assertSpyCalls<Self, Args extends unknown[], Return>(
  spy: Spy<Self, Args, Return>,
  expectedCalls: number,
): void {
  assertEquals(spy.calls.length, expectedCalls, "the number of calls");
}

/** Gives a function that `node:test` made what a spy has. */
function dress(mocked: any, more: object): any {
  const context: MockFunctionContext<any> = mocked.mock;
  let restored = false;
  const restore = () => {
    context.restore();
    restored = true;
  };
  return Object.defineProperties(mocked, {
    ...Object.getOwnPropertyDescriptors({ ...more, restore, [Symbol.dispose]: restore }),
    calls: { get: () => context.calls.map(toSpyCall) },
    restored: { get: () => restored },
  });
}

function toSpyCall(call: MockFunctionContext<any>["calls"][number]): SpyCall {
  const { arguments: args, error, result: returned, this: self } = call;
  return error === undefined
    ? { args: [...args], self, returned }
    : { args: [...args], self, error: error as Error };
}
