/**
 * A stream of bytes that comes in pieces which a test chooses.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.0";
import type { ByteSource, LibOS, Operation, PopOptions, Sga } from "../../mod.ts";

/** One piece, and how it comes. */
export interface Piece {
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** Whether it comes only when somebody waits for it. */
  readonly late: boolean;
  /** Whether it has two segments. */
  readonly parted: boolean;
}

/** Cuts bytes into pieces, in any way. */
export function cut(bytes: Uint8Array): fc.Arbitrary<Piece[]> {
  const manner = fc.record({ length: fc.nat(40), late: fc.boolean(), parted: fc.boolean() });
  return fc.array(manner, { maxLength: 30 }).map((manners) => {
    const pieces: Piece[] = [];
    let at = 0;
    for (const { length, late, parted } of [...manners, { ...PLAIN, length: bytes.length }]) {
      pieces.push({ bytes: bytes.subarray(at, at + length), late, parted });
      at = Math.min(bytes.length, at + length);
    }
    return pieces;
  });
}

const PLAIN = { late: false, parted: false };

/** Gives those pieces, by an in-memory queue, and then the end. */
export class Chunks implements ByteSource, Disposable {
  readonly libos: LibOS;
  readonly #qd: number;
  readonly #pieces: Piece[];

  constructor(libos: LibOS, pieces: readonly Piece[]) {
    this.libos = libos;
    this.#qd = libos.queue();
    this.#pieces = [...pieces];
  }

  pop({ size = 0, ...limits }: PopOptions = {}): Operation<Sga | null> {
    const { operations } = this.libos;
    const piece = this.#pieces.shift();
    if (piece === undefined) return operations.join(Promise.resolve(null));
    const { bytes, late, parted } = piece;
    const length = size === 0 ? bytes.length : Math.min(size, bytes.length);
    if (length < bytes.length) {
      this.#pieces.unshift({ ...piece, bytes: bytes.subarray(length) });
    }
    if (!late) this.#push(bytes.subarray(0, length), parted);
    const operation = operations.pop(this.#qd).within(limits);
    if (late) queueMicrotask(() => this.#push(bytes.subarray(0, length), parted));
    return operation;
  }

  [Symbol.dispose](): void {
    this.libos.close(this.#qd);
  }

  #push(bytes: Uint8Array, parted: boolean): void {
    const first = parted ? bytes.length >> 1 : bytes.length;
    const sga = this.libos.alloc(parted ? [first, bytes.length - first] : first);
    sga.bytes().set(bytes.subarray(0, first));
    if (parted) sga.bytes(1).set(bytes.subarray(first));
    this.libos.wait(this.libos.push(this.#qd, sga));
  }
}
