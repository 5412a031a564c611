/**
 * The corpus: inputs of which each reaches a part of the stack that those before it do not. And what is made of them.
 *
 * @module
 */

import type { SeededRandom } from "../../libos/inetstack/random.ts";

const FILE = new URL("./corpus.txt", import.meta.url);
/** An input is no longer than this, in bytes: some hundred events. */
const LONGEST = 2500;

/** Reads it: an input in each line, as hexadecimal digits. */
export function loadCorpus(): Uint8Array[] {
  return Deno.readTextFileSync(FILE).split("\n").filter((line) => line !== "").map(fromHex);
}

/** Writes it. */
export function saveCorpus(corpus: readonly Uint8Array[]): void {
  Deno.writeTextFileSync(FILE, corpus.map((one) => toHex(one) + "\n").join(""));
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The other way around. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

/** A new input: one of the corpus with some changes, or one of nothing. */
export function mutate(random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  let bytes = [...corpus[random.below(corpus.length)] ?? []];
  for (let i = 1 + random.below(6); i > 0; i--) {
    const at = random.below(bytes.length + 1);
    const length = 1 + random.below(random.chance(0.5) ? 4 : 40);
    switch (random.below(6)) {
      case 0:
        bytes[at] = draw(random);
        break;
      case 1:
        bytes.splice(at, length);
        break;
      case 2:
        bytes.splice(at, 0, ...Array.from({ length }, () => draw(random)));
        break;
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + length));
        break;
      case 4: {
        // Another one goes on where this one ends.
        const other = corpus[random.below(corpus.length)] ?? bytes;
        bytes = [...bytes.slice(0, at), ...other.slice(random.below(other.length))];
        break;
      }
      case 5:
        bytes.push(...Array.from({ length: length * 3 }, () => draw(random)));
    }
  }
  return Uint8Array.from(bytes.slice(0, LONGEST));
}

/** Small numbers are choices, and there are few of most. */
function draw(random: SeededRandom): number {
  return random.below(random.chance(0.6) ? 16 : 256);
}

/** The shortest part of a failing input that is found to fail as well. */
export function shrink(bytes: Uint8Array, fails: (bytes: Uint8Array) => boolean): Uint8Array {
  let shortest = bytes;
  for (let size = bytes.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= shortest.length;) {
      const shorter = Uint8Array.from([...shortest.slice(0, at), ...shortest.slice(at + size)]);
      if (fails(shorter)) shortest = shorter;
      else at += size;
    }
  }
  return shortest;
}
