/**
 * Memory for what may be large: it goes back to the system when it is freed, not when the garbage collector finds the
 * time, which may be never.
 *
 * Replies that have not been sent yet may need it longer than whoever frees it.
 *
 * @module
 */
import { CommandError } from "./errors.ts";

/** Who still needs memory, and what is to happen when nobody does. */
interface Holds {
  count: number;
  /** Set once the memory was freed: called when it really is. */
  freed: (() => void) | null;
}

const holds = new WeakMap<ArrayBuffer, Holds>();
/** How many there are in `holds`; it is nearly always empty. */
let held = 0;
let freed = 0;

/** How many bytes were freed so far. */
export function freedBytes(): number {
  return freed;
}

/**
 * Memory of so many bytes.
 *
 * @throws {CommandError} If there is none.
 */
export function allocate(size: number): ArrayBuffer {
  try {
    return new ArrayBuffer(size);
  } catch (cause) {
    throw new CommandError(`OOM command not allowed: no memory for ${size} bytes`, { cause });
  }
}

/**
 * Frees memory, which must not be used any more; what is held is freed when it is released.
 *
 * @param memory The memory.
 * @param lingering Called with its size if it has to stay, and with minus its size when it goes.
 */
export function free(memory: ArrayBuffer, lingering?: (size: number) => void): void {
  const { byteLength } = memory;
  const holders = held > 0 ? holds.get(memory) : undefined;
  if (holders === undefined) return detach(memory);
  holders.freed = () => lingering?.(-byteLength);
  lingering?.(byteLength);
}

/** Lets memory stay as it is, though it is freed, until it is released as often as it was held. */
export function hold(memory: ArrayBuffer): void {
  const holders = holds.get(memory);
  if (holders !== undefined) {
    holders.count++;
    return;
  }
  holds.set(memory, { count: 1, freed: null });
  held++;
}

/** Whether memory is held: it must not be written to then. */
export function isHeld(memory: ArrayBuffer): boolean {
  return held > 0 && holds.has(memory);
}

/** Ends one hold. */
export function release(memory: ArrayBuffer): void {
  const holders = holds.get(memory)!;
  if (--holders.count > 0) return;
  holds.delete(memory);
  held--;
  if (holders.freed === null) return;
  detach(memory);
  holders.freed();
}

/** What is detached is freed now and not when it is collected. */
function detach(memory: ArrayBuffer): void {
  freed += memory.byteLength;
  memory.transfer(0);
}
