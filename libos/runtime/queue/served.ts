/**
 * Queues that have something to do in the next turn, and how much each may do in one.
 *
 * @module
 */

/** A queue that may have something to do in the next turn. */
export interface Served {
  /** Whether it is in line. */
  active: boolean;
  /** Does what can be done, as long as it is its turn; says how much that was. */
  serve(): number;
}

/** The queues that are in line, first in first out. */
export class ServedQueues {
  #active: Served[] = [];
  #serving: Served[] = [];

  /** How many are in line. */
  get size(): number {
    return this.#active.length;
  }

  /** Puts a queue in line, unless it is there already. */
  add(queue: Served): void {
    if (queue.active) return;
    queue.active = true;
    this.#active.push(queue);
  }

  /** Serves those that are in line now; says how much was done. */
  serve(): number {
    let work = 0;
    const serving = this.#active;
    this.#active = this.#serving;
    this.#serving = serving;
    for (let i = 0; i < serving.length; i++) {
      const queue = serving[i]!;
      queue.active = false;
      work += queue.serve();
    }
    serving.length = 0;
    return work;
  }
}

/** Operations that one queue may end in one turn, before its neighbours have theirs. */
const CREDIT = 32;

/** What a queue may do in a turn. */
export class Credit {
  readonly #context: { readonly turn: number };
  #turn = -1;
  #left = 0;

  /** Makes the credit of one queue; the context tells the number of the turn. */
  constructor(context: { readonly turn: number }) {
    this.#context = context;
  }

  /** Takes one; says whether there was one. */
  spend(): boolean {
    if (this.#turn !== this.#context.turn) {
      this.#turn = this.#context.turn;
      this.#left = CREDIT;
    }
    return this.#left-- > 0;
  }
}
