/**
 * Preloaded into a server in Deno whose pauses are counted: V8 prints by way of the C library, which keeps the
 * lines for a pipe back until there are 4 KiB of them. They come one by one after this.
 *
 * @module
 */

/** `_IOLBF` of glibc. */
const LINE_BUFFERED = 1;

const { symbols } = Deno.dlopen("libc.so.6", {
  /** The address of `FILE *stdout`. */
  stdout: { type: "pointer" },
  /** `int setvbuf(FILE *stream, char *buffer, int mode, size_t size)`. */
  setvbuf: { parameters: ["pointer", "pointer", "i32", "usize"], result: "i32" },
});
const stdout = new Deno.UnsafePointerView(symbols.stdout!).getPointer();
symbols.setvbuf(stdout, null, LINE_BUFFERED, 0n);
