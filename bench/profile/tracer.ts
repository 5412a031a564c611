/**
 * Preloaded into a server: between two SIGUSR2 it counts the foreign calls, and tells which were V8 fast calls.
 *
 * Deno, asked to by `DENO_UNSTABLE_FFI_TRACE_TURBO`, keeps the name of the last function that was entered by
 * a fast call. Libraries are opened with symbols that are read through a getter. It looks at what became of the
 * last call, and then erases the name by a fast call of its own. So the calls stay what and where they are in
 * the code: unlike with wrapped functions, also a call site that is slow for what it saw before is found out.
 *
 * A function that was read once and kept is not seen; it hides the call before it when it is a fast one. Of
 * the libOSes only `errno()` does so, with `memcpy`.
 *
 * @module
 */
import { whenSignalled } from "./when_signalled.ts";

/** How a function was called. */
export interface CallCount {
  /** Its name in the symbol table. */
  readonly symbol: string;
  /** Calls, all in all. */
  readonly calls: number;
  /** Fast calls. */
  readonly fast: number;
  /** Slow calls. The others are hidden. */
  readonly slow: number;
}

type Counts = { -readonly [Key in keyof CallCount]: CallCount[Key] };
type Symbols = Record<string, unknown>;

interface Internal {
  getTurbocallTarget(): string | null;
}

const internal = (Deno as unknown as Record<symbol, Internal>)[
  (Deno as unknown as { internal: symbol }).internal
]!;
const open = Deno.dlopen;
/** A function without effect that costs nothing, and that nobody else here calls. */
const ERASER = "labs";
const eraser = open("libc.so.6", { [ERASER]: { parameters: ["i32"], result: "i32" } });
const counts: Counts[] = [];
let last: Counts | null = null;

/** Looks at how the last call was made. */
function settle(): void {
  if (last !== null) {
    const target = internal.getTurbocallTarget();
    if (target === last.symbol) last.fast++;
    else if (target === ERASER) last.slow++;
    last = null;
  }
  eraser.symbols[ERASER]!(0);
}

function watch(symbols: Symbols): Symbols {
  const watched: Symbols = {};
  for (const [symbol, value] of Object.entries(symbols)) {
    const count: Counts = { symbol, calls: 0, fast: 0, slow: 0 };
    counts.push(count);
    Object.defineProperty(watched, symbol, {
      enumerable: true,
      get() {
        settle();
        count.calls++;
        last = count;
        return value;
      },
    });
  }
  return watched;
}

Deno.dlopen = ((path: string | URL, table: Deno.ForeignLibraryInterface) => {
  const library = open(path, table);
  return { close: () => library.close(), symbols: watch(library.symbols as Symbols) };
}) as typeof Deno.dlopen;

function begin(): void {
  last = null;
  for (const count of counts) count.calls = count.fast = count.slow = 0;
}

function end(): CallCount[] {
  settle();
  return counts.filter(({ calls }) => calls > 0);
}

whenSignalled(begin, end);
