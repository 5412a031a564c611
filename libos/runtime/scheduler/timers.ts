/**
 * Timers of a scheduler: a binary heap by deadline, first in first out among equals.
 *
 * A heap and not a wheel: deadlines are exact, the next one is known without a search (it is what an idle
 * libOS parks for), and at ten thousand timers an insertion is still a few tens of nanoseconds.
 *
 * @module
 */

/** One timer, made once and armed as often as needed. */
export class Timer {
  /** When it fires, in milliseconds of the scheduler's clock. */
  deadline = Infinity;
  /** Order among equal deadlines. */
  sequence = 0;
  /** Its place in the heap; -1 when it is not armed. */
  position = -1;
  /** What it does. */
  readonly fire: () => void;

  /** Makes a timer that calls `fire`. */
  constructor(fire: () => void) {
    this.fire = fire;
  }

  /** Whether it will fire. */
  get armed(): boolean {
    return this.position >= 0;
  }
}

/** All armed timers of a scheduler. */
export class TimerHeap {
  readonly #heap: Timer[] = [];
  readonly #onEarlier: () => void;
  #sequence = 0;
  /** While timers fire, the time they fire at: what is armed meanwhile is due no sooner. */
  #firing = -Infinity;

  /** Makes an empty heap, which calls `onEarlier` when a timer becomes the next one to fire. */
  constructor(onEarlier: () => void = () => {}) {
    this.#onEarlier = onEarlier;
  }

  /** How many timers are armed. */
  get size(): number {
    return this.#heap.length;
  }

  /** When the next timer fires; Infinity if there is none. */
  get deadline(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0]!.deadline;
  }

  /** Arms a timer for a deadline, or moves it there if it is armed already. */
  arm(timer: Timer, deadline: number): void {
    this.disarm(timer);
    timer.deadline = Math.max(deadline, this.#firing);
    timer.sequence = this.#sequence++;
    this.#heap.push(timer);
    this.#up(timer, this.#heap.length - 1);
    if (timer.position === 0) this.#onEarlier();
  }

  /** Disarms a timer; nothing happens if it is not armed. */
  disarm(timer: Timer): void {
    const position = timer.position;
    if (position < 0) return;
    timer.position = -1;
    const last = this.#heap.pop()!;
    if (last === timer) return;
    this.#up(last, position);
    this.#down(last, last.position);
  }

  /** Fires, in order, the timers that were due at `now` when the call began; returns how many. */
  fire(now: number): number {
    // A timer that re-arms itself for a time already past waits for the next call, or it would fire for ever.
    const last = this.#sequence;
    this.#firing = now;
    let fired = 0;
    try {
      for (;;) {
        const timer = this.#heap[0];
        if (timer === undefined || timer.deadline > now || timer.sequence >= last) return fired;
        this.disarm(timer);
        fired++;
        timer.fire();
      }
    } finally {
      this.#firing = -Infinity;
    }
  }

  #before(a: Timer, b: Timer): boolean {
    return a.deadline < b.deadline || (a.deadline === b.deadline && a.sequence < b.sequence);
  }

  #up(timer: Timer, position: number): void {
    const heap = this.#heap;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      const above = heap[parent]!;
      if (!this.#before(timer, above)) break;
      heap[position] = above;
      above.position = position;
      position = parent;
    }
    heap[position] = timer;
    timer.position = position;
  }

  #down(timer: Timer, position: number): void {
    const heap = this.#heap;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      const below = heap[child]!;
      if (!this.#before(below, timer)) break;
      heap[position] = below;
      below.position = position;
      position = child;
    }
    heap[position] = timer;
    timer.position = position;
  }
}
