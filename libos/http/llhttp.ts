/**
 * llhttp, the parser of Node.js: its WebAssembly build as undici carries it, with spans in place of strings.
 *
 * The names are llhttp's own (https://github.com/nodejs/llhttp). Fields that its build has no cheap getter for are read
 * where `llhttp_t` of `llhttp.h` has them in a 32-bit memory; a test holds the pinned version to that.
 *
 * @module
 */

import wasm from "npm:undici@8.13.1/lib/llhttp/llhttp_simd-wasm.js";
import { METHODS } from "npm:undici@8.13.1/lib/llhttp/constants.js";

/** What `llhttp_execute` gives, as far as it is told apart. */
export const ERROR = {
  OK: 0,
  CLOSED_CONNECTION: 5,
  INVALID_METHOD: 6,
  INVALID_VERSION: 9,
  INVALID_TRANSFER_ENCODING: 15,
  PAUSED: 21,
  PAUSED_UPGRADE: 22,
  PAUSED_H2_UPGRADE: 23,
  USER: 24,
} as const;

/** Which messages a parser is for: `llhttp_type_t`. */
export const TYPE = { REQUEST: 1, RESPONSE: 2 } as const;

/** What a header block has said: `llhttp_flags_t`. */
export const FLAGS = { CHUNKED: 8, CONTENT_LENGTH: 32 } as const;

/** Where `llhttp_t` has its fields, in bytes. */
const FIELDS = { errorPos: 20, contentLength: 32, method: 41, major: 42, minor: 43, flags: 50 };

/** The names of methods, by number. */
export const METHOD_NAMES: readonly string[] = Object.entries(METHODS as Record<string, number>)
  .reduce((names: string[], [name, number]) => (names[number] = name, names), []);

/** How many bytes are parsed in one call. */
export const SLICE = 65536;

/** What is told of a message; positions are in the slice that is being parsed. What they give, 0 or an error, is llhttp's. */
export interface Callbacks {
  /** A part of the target. */
  onUrl(at: number, length: number): number;
  /** A part of the name of a field. */
  onField(at: number, length: number): number;
  /** A part of the value of a field. */
  onValue(at: number, length: number): number;
  /** The head is over. May give 1, if no body follows whatever was said. */
  onHead(status: number, upgrade: boolean, keepAlive: boolean): number;
  /** A part of the body. */
  onBody(at: number, length: number): number;
  /** The message is over. */
  onMessage(): number;
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_resume(parser: number): void;
  llhttp_resume_after_upgrade(parser: number): void;
  llhttp_get_error_reason(parser: number): number;
}

let exports: Exports | undefined;
let slice = 0;
let memory: Uint8Array = new Uint8Array(0);
let words = new DataView(memory.buffer);
/** Whose message is being parsed. */
let current: Callbacks;

/** Loads it, once in a thread. */
function load(): Exports {
  const env = {
    wasm_on_message_begin: () => 0,
    wasm_on_status: () => 0,
    wasm_on_url: (_: number, at: number, length: number) => current.onUrl(at - slice, length),
    wasm_on_header_field: (_: number, at: number, length: number) =>
      current.onField(at - slice, length),
    wasm_on_header_value: (_: number, at: number, length: number) =>
      current.onValue(at - slice, length),
    wasm_on_headers_complete: (_: number, status: number, upgrade: number, keepAlive: number) =>
      current.onHead(status, upgrade !== 0, keepAlive !== 0),
    wasm_on_body: (_: number, at: number, length: number) => current.onBody(at - slice, length),
    wasm_on_message_complete: () => current.onMessage(),
  };
  const module = new WebAssembly.Module(wasm);
  exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
  exports._initialize();
  slice = exports.malloc(SLICE);
  return exports;
}

/** The memory of all parsers, which moves when it grows. */
function refresh(): void {
  memory = new Uint8Array(exports!.memory.buffer);
  words = new DataView(memory.buffer);
}

/** One parser, for one direction of one connection. */
export class Llhttp {
  readonly #llhttp: Exports;
  readonly #parser: number;

  /** Makes one for requests, or for responses. */
  constructor(type: number) {
    this.#llhttp = exports ?? load();
    this.#parser = this.#llhttp.llhttp_alloc(type);
    if (memory.buffer !== this.#llhttp.memory.buffer) refresh();
  }

  /** Parses a part of some bytes, at most a {@linkcode SLICE}. Gives what llhttp did. */
  execute(bytes: Uint8Array, start: number, end: number, callbacks: Callbacks): number {
    memory.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), slice);
    current = callbacks;
    return this.#llhttp.llhttp_execute(this.#parser, slice, end - start);
  }

  /** Where in the slice it stopped. */
  get position(): number {
    return words.getInt32(this.#parser + FIELDS.errorPos, true) - slice;
  }

  /** The stream has ended. */
  finish(callbacks: Callbacks): number {
    current = callbacks;
    return this.#llhttp.llhttp_finish(this.#parser);
  }

  /** Goes on after a pause. */
  resume(error: number): void {
    if (error === ERROR.PAUSED) this.#llhttp.llhttp_resume(this.#parser);
    else this.#llhttp.llhttp_resume_after_upgrade(this.#parser);
  }

  /** What is wrong, in llhttp's words. */
  get reason(): string {
    const at = this.#llhttp.llhttp_get_error_reason(this.#parser);
    return new TextDecoder().decode(memory.subarray(at, memory.indexOf(0, at)));
  }

  /** The number of the method. */
  get method(): number {
    return memory[this.#parser + FIELDS.method]!;
  }

  /** The version: ten times the major one, and the minor one. */
  get version(): number {
    return 10 * memory[this.#parser + FIELDS.major]! + memory[this.#parser + FIELDS.minor]!;
  }

  /** See {@linkcode FLAGS}. */
  get flags(): number {
    return memory[this.#parser + FIELDS.flags]!;
  }

  /** How much of the body is to come, by its length. */
  get contentLength(): number {
    const at = this.#parser + FIELDS.contentLength;
    return words.getUint32(at, true) + 2 ** 32 * words.getUint32(at + 4, true);
  }

  /** Frees it. */
  free(): void {
    this.#llhttp.llhttp_free(this.#parser);
  }
}
