/**
 * What Deno's FFI costs, by class of call. The functions of libc that are called do next to nothing, but
 * for the system call. Only code that V8 has optimised makes fast calls; `docs/design.md` has what
 * follows from these figures.
 *
 * @module
 */
/** Calls in one iteration. */
const BATCH = 1_000;

const SYMBOLS = {
  // int abs(int number)
  abs: { parameters: ["i32"], result: "i32" },
  abs_nonblocking: { name: "abs", parameters: ["i32"], result: "i32", nonblocking: true },
  // int ffsll(long long number)
  ffsll: { parameters: ["i64"], result: "i32" },
  // long long llabs(long long number)
  llabs: { parameters: ["i64"], result: "i64" },
  // int atoi(const char *text)
  atoi_pointer: { name: "atoi", parameters: ["pointer"], result: "i32" },
  atoi_buffer: { name: "atoi", parameters: ["buffer"], result: "i32" },
  atoi_address: { name: "atoi", parameters: ["u64"], result: "i32" },
  // div_t div(int numerator, int denominator)
  div: { parameters: ["i32", "i32"], result: { struct: ["i32", "i32"] } },
  // pid_t getppid(void)
  getppid: { parameters: [], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** A call site that knows one function object only, as a constant, is what V8 makes a fast call of. */
const {
  abs,
  abs_nonblocking,
  ffsll,
  llabs,
  atoi_pointer,
  atoi_buffer,
  atoi_address,
  div,
  getppid,
} = Deno.dlopen("libc.so.6", SYMBOLS).symbols;

const text = new TextEncoder().encode("7\0");
const pointer = Deno.UnsafePointer.of(text);
const words = new BigUint64Array([Deno.UnsafePointer.value(pointer), 0n]);
/** Where results go, so that no call is left out. */
const sums = new Float64Array(1);
const results = new BigInt64Array(1);

const group = "FFI: 1 µs is 1 ns per call";

Deno.bench("1 000 calls, numbers", { group, baseline: true }, () => {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += abs(i);
  sums[0] = sum;
});

Deno.bench("1 000 calls, pointer parameter", { group }, () => {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += atoi_pointer(pointer);
  sums[0] = sum;
});

Deno.bench("1 000 calls, address from a BigUint64Array", { group }, () => {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += atoi_address(words[0]!);
  sums[0] = sum;
});

Deno.bench("1 000 calls, bigint parameter", { group }, () => {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += ffsll(words[1]!);
  sums[0] = sum;
});

Deno.bench("1 000 calls, bigint parameter and result, into a BigInt64Array", { group }, () => {
  for (let i = 0; i < BATCH; i++) results[0] = llabs(words[1]!);
});

Deno.bench("1 000 calls, buffer parameter", { group }, () => {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += atoi_buffer(text);
  sums[0] = sum;
});

Deno.bench("1 000 calls, struct result", { group }, () => {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += div(i, 3)[0]!;
  sums[0] = sum;
});

Deno.bench("1 000 calls, numbers, a system call: getppid()", { group }, () => {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += getppid();
  sums[0] = sum;
});

Deno.bench("1 000 calls, nonblocking, one after the other", { group }, async () => {
  let sum = 0;
  for (let i = 0; i < BATCH; i++) sum += await abs_nonblocking(i);
  sums[0] = sum;
});
