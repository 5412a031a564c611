/**
 * The loop: turn after turn of a scheduler, within the event loop of its host, which is Deno's.
 *
 * Turns follow each other without a pause. The host has its go by knowledge, not by guess:
 * - while an async function that was woken has not come back with an operation. It takes its steps at once, and what
 *   takes more than {@linkcode STEPS} of them has goes of the host, until it is back;
 * - when the host's reactor has something for it;
 * - each millisecond, for the host's timers.
 *
 * When nothing happens, the idle policy decides whether to go on or to sleep: first the thread itself, over the devices
 * and the host's reactor, then, after longer, outside of the host's way. See `docs/design.md` for a picture of a turn,
 * and for the figures behind the constants.
 *
 * @module
 */

import type { Host, Later, Parker } from "./driver.ts";

/**
 * What a scheduler does when there is nothing to do: `spin` goes on polling, `park` sleeps at once until a
 * device wakes it, `adaptive` spins for a while, where that is worth it, and then sleeps.
 */
export type IdlePolicy = "spin" | "adaptive" | "park";

/** How many steps an async function that was woken takes at once: one for each `await` on the way to its next operation. */
const STEPS = 8;
/** How many more it takes when that was a guess: one who came back elsewhere may have been somebody else. */
const STEPS_WHEN_UNSURE = 4;
/**
 * How many goes the host has for those who need more: for each `setImmediate` and the like on their way; and for what
 * comes of what was in its reactor.
 */
const GOES = 8;
/**
 * How often in a row it looks at its reactor, while there is more: each of the four ways of a request to a server of the
 * same thread, and back, is seen by the next look.
 */
const HARVESTS = 4;
/** How often the host's timers have a go, in milliseconds: that is their resolution. */
const TIMERS = 1;
/** A look at the host's reactor costs as much as a turn: there is one in so many turns. */
const TURNS_BETWEEN_LOOKS = 64;
/** How often the host looks at its reactor where that was not found, in milliseconds. */
const BLIND = 4;
/** How long `adaptive` spins: about what it costs to be woken from sleep, in milliseconds. */
const SPIN = 0.1;
/** It spins where at least so many of the pauses before were shorter than that; each pause counts for an eighth. */
const WORTH_SPINNING = 0.25;
const WEIGHT = 1 / 8;
/**
 * After so long without anything to do, in milliseconds, the host has a go if coroutines have run since its last one:
 * they may have resolved promises of the application's.
 */
const LULL = 0.05;
/**
 * How long the thread itself sleeps in one piece at most, in milliseconds: what of the host's cannot be seen coming,
 * such as a timer that does not keep the process alive, is late by as much. Where the host has timers, it is
 * {@linkcode TIMERS}.
 */
const DOZE = 32;
/**
 * After so long without anything to do, in milliseconds, the loop sleeps outside of the host's way, which costs nothing at
 * all; sooner where the host has timers, since short sleeps cost.
 */
const DROWSY = 50;
const DROWSY_BESIDE_TIMERS = 5;
/**
 * How long a loop that must not keep the process alive, and so cannot sleep for a device, pauses before it
 * looks again, in milliseconds: twice as long each time, since nothing happens.
 */
const FIRST_PAUSE = 1;
const LAST_PAUSE = 32;

const STOPPED = 0;
const RUNNING = 1;
const PARKED = 2;

/** Times in {@linkcode Loop}, in an array since number fields would be boxed anew on each write. */
const LAST_WORK = 0;
const LAST_GO = 1;
/** How likely a pause is to be shorter than {@linkcode SPIN}. */
const SHORT_PAUSES = 2;
/** When the host last began to look at its reactor; and until when the devices have turns then, if they are busy: as long. */
const HARVEST_BEGAN = 3;
const NEXT_HARVEST = 4;

/** What the loop needs of its scheduler. */
export interface Turns {
  /** Takes a turn; says how much was done. */
  turn(patient: boolean): number;
  /** When the turn began. */
  readonly now: number;
  /** Whether somebody became ready meanwhile, and has to go on. */
  readonly hasReady: boolean;
  /** How many functions were woken, and are to come back with an operation. */
  readonly away: number;
  /** Whether {@linkcode Turns.away} counts no one as back in the place of somebody else. */
  readonly isSure: boolean;
  /** They are back, or had their goes: nobody of them is waited for any longer. */
  forget(): void;
  /** Whether others were woken, of whom nobody knows where they go. */
  strangers: boolean;
  /** Pending operations that keep the process alive, and that do not. */
  readonly references: number;
  readonly unreferenced: number;
  /** What to do when there is nothing to do. */
  readonly idle: IdlePolicy;
  /** Whether every device wakes a sleep: else a pause is as long as the sleep was, and nothing is learned from it. */
  readonly wakes: boolean;
  /** How to sleep; without it, only time wakes the loop, and what is begun elsewhere. */
  readonly parker: Parker | null;
  /** When something has to be done by time; Infinity for never. */
  deadline(): number;
  /** Called before each sleep. */
  prepareToPark(): void;
}

/** See the module's description. */
export class Loop {
  readonly #turns: Turns;
  readonly #host: Host;
  #state = STOPPED;
  /** Steps that async functions had in a row. */
  #steps = 0;
  /** Goes that the host is yet to have for those who are away. */
  #goesForAway = 0;
  /** Whether the host is to look at its reactor. */
  #isHarvestDue = false;
  /** How often it did in this row, and how many goes it is yet to have for what came of it. */
  #harvests = 0;
  #goesForHarvest = 0;
  #untilLook = 0;
  /** Whether nothing ran since the host had its go: there are no steps then that wait. */
  #isAfterGo = false;
  /** Whether the next turn is the first one, or the first one after the host looked at its reactor. */
  #isFresh = false;
  #isAfterHarvest = false;
  readonly #times = Float64Array.of(0, -Infinity, 1, 0, -Infinity);
  #later: Later | null = null;
  #pause = FIRST_PAUSE;

  /** Makes a loop that stands still. */
  constructor(turns: Turns, host: Host) {
    this.#turns = turns;
    this.#host = host;
  }

  /** Whether turns follow each other. */
  get running(): boolean {
    return this.#state === RUNNING;
  }

  /** There is something to do, or will be. */
  start(): void {
    if (this.#state === RUNNING) return;
    this.#later?.cancel();
    this.#later = null;
    this.#state = RUNNING;
    this.#isFresh = true;
    this.#host.go(this.#afterGo);
  }

  /** Something changed that a sleep does not notice. */
  rouse(): void {
    if (this.#state === PARKED) this.start();
  }

  /** Whether the loop polls on for a while when there is nothing to do. */
  get spins(): boolean {
    const { idle, wakes } = this.#turns;
    if (idle !== "adaptive") return idle === "spin";
    return this.#times[SHORT_PAUSES]! >= WORTH_SPINNING || !wakes;
  }

  /** Whether the loop has had nothing to do for so long that it should sleep. */
  isTired(now: number): boolean {
    if (!this.spins) return true;
    return this.#turns.idle === "adaptive" && now - this.#times[LAST_WORK]! > SPIN;
  }

  /** There was something to do. */
  noteWork(now: number, idleBefore: boolean): void {
    const times = this.#times;
    if (idleBefore) {
      const isShort = now - times[LAST_WORK]! < SPIN ? 1 : 0;
      times[SHORT_PAUSES]! += WEIGHT * (isShort - times[SHORT_PAUSES]!);
      this.#pause = FIRST_PAUSE;
    }
    times[LAST_WORK] = now;
  }

  readonly #afterGo = (): void => {
    if (this.#state !== RUNNING) return;
    this.#isAfterGo = true;
    this.#turns.strangers = false;
    this.#run();
    this.#times[LAST_GO] = this.#turns.now;
  };

  #harvest(parker: Parker): void {
    this.#harvests++;
    this.#goesForHarvest = GOES;
    parker.harvest(this.#afterHarvest);
  }

  readonly #afterHarvest = (): void => {
    const { parker } = this.#turns;
    if (this.#goesForHarvest-- > 0) return this.#host.go(this.#afterHarvest);
    const isMore = parker !== null && parker.seesHost && this.#harvests < HARVESTS &&
      parker.hostIsReady();
    if (isMore) return this.#harvest(parker);
    this.#harvests = 0;
    this.#isAfterHarvest = true;
    this.#afterGo();
  };

  readonly #afterStep = (): void => {
    const turns = this.#turns;
    this.#steps++;
    if (turns.away > 0 ? this.#steps < STEPS : !turns.isSure && this.#steps < STEPS_WHEN_UNSURE) {
      this.#host.step(this.#afterStep);
    } else if (turns.away > 0) {
      this.#goesForAway = GOES;
      this.#go();
    } else {
      turns.forget();
      this.#run();
    }
  };

  /** Turns; a mistake in one of them does not end all the others. */
  #run(): void {
    try {
      this.#takeTurns();
    } catch (error) {
      this.#host.go(this.#afterGo);
      throw error;
    }
  }

  #takeTurns(): void {
    const turns = this.#turns;
    const times = this.#times;
    for (;;) {
      const work = turns.turn(turns.away === 0);
      const { now } = turns;
      if (this.#isFresh) times[LAST_WORK] = now;
      this.#isFresh = false;
      if (this.#isAfterHarvest) times[NEXT_HARVEST] = 2 * now - times[HARVEST_BEGAN]!;
      this.#isAfterHarvest = false;
      if (work > 0) this.#isAfterGo = false;
      if (--this.#untilLook < 0 && (work === 0 || now >= times[NEXT_HARVEST]!)) this.#look(now);
      if (turns.away > 0) {
        this.#isAfterGo = false;
        if (this.#goesForAway === 0) {
          this.#steps = 0;
          return this.#host.step(this.#afterStep);
        }
        if (--this.#goesForAway > 0) return this.#go();
        turns.forget();
      }
      this.#goesForAway = 0;
      if (this.#isHarvestDue) {
        this.#isHarvestDue = false;
        // Whoever closed the last libOS in a step meanwhile took the parker.
        if (turns.parker !== null) return this.#harvest(turns.parker);
      }
      if (turns.strangers || now - times[LAST_GO]! >= TIMERS) return this.#go();
      if (turns.hasReady) continue;
      if (turns.references === 0) return this.#rest();
      if (work > 0) continue;
      if (!this.#isAfterGo && now - times[LAST_WORK]! >= LULL) return this.#go();
      if (this.isTired(now) && !this.#sleep()) return;
    }
  }

  /** Whether the host's reactor has something for it: then it is to look there. */
  #look(now: number): void {
    this.#untilLook = TURNS_BETWEEN_LOOKS;
    const { parker } = this.#turns;
    if (parker === null) return;
    // Unseen, it may have something to do.
    const isReady = parker.seesHost
      ? parker.hostIsReady()
      : now - this.#times[HARVEST_BEGAN]! >= BLIND;
    if (!isReady) return;
    this.#untilLook = 0;
    this.#times[HARVEST_BEGAN] = now;
    this.#isHarvestDue = true;
  }

  #go(): void {
    this.#host.go(this.#afterGo);
  }

  /** Sleeps. Says whether the loop goes on at once; if not, it will be called. */
  #sleep(): boolean {
    const turns = this.#turns;
    const { parker, now } = turns;
    const idle = now - this.#times[LAST_WORK]!;
    if (parker === null || !parker.seesHost || idle >= DROWSY || parker.parked) return this.#park();
    // What the host can do at once must not wait for the end of a sleep.
    const pending = this.#isAfterGo ? this.#host.pending() : "now";
    if (pending === "now") {
      this.#go();
      return false;
    }
    const besideTimers = pending === "later";
    if (pending === "unknown" || (besideTimers && idle >= DROWSY_BESIDE_TIMERS)) {
      return this.#park();
    }
    turns.prepareToPark();
    // A socket that cannot be watched has failed by that.
    if (turns.hasReady || turns.away > 0) return true;
    const most = besideTimers ? TIMERS : DOZE;
    parker.doze(Math.max(0, Math.min(most, turns.deadline() - now)));
    this.#untilLook = 0;
    return true;
  }

  #park(): boolean {
    const turns = this.#turns;
    this.#state = PARKED;
    turns.prepareToPark();
    const deadline = turns.deadline();
    if (deadline !== Infinity) {
      this.#later = this.#host.later(this.#wake, deadline - turns.now, true);
    }
    const { parker } = turns;
    // A sleep that goes on still, since a timer ended the last one here, wakes the loop all the same.
    if (parker !== null && !parker.parked) parker.park().then(this.#wake);
    return false;
  }

  /** Nothing keeps the process alive. Looks after what is pending all the same, as long as it lives. */
  #rest(): void {
    const turns = this.#turns;
    turns.parker?.wake();
    if (turns.unreferenced === 0) {
      this.#state = STOPPED;
      return;
    }
    // Not running: what keeps the process alive from now on has to start it anew.
    this.#state = PARKED;
    turns.prepareToPark();
    // By a timer, since Deno does not call what is unreferenced in a go of its own.
    if (!this.isTired(turns.now)) this.#pause = FIRST_PAUSE;
    this.#later = this.#host.later(this.#wake, this.#pause, false);
    this.#pause = Math.min(2 * this.#pause, LAST_PAUSE);
  }

  readonly #wake = (): void => {
    if (this.#state !== PARKED) return;
    this.#later?.cancel();
    this.#later = null;
    this.#state = RUNNING;
    this.#afterGo();
  };
}
