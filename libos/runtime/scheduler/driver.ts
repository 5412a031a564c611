/**
 * What a scheduler needs of others: a clock, devices to poll, the event loop that it shares its thread with, and a way
 * to sleep.
 *
 * @module
 */

/** Tells the time, in milliseconds since some fixed point, with fractions. */
export interface Clock {
  /** Reads it. */
  read(): number;
}

/** What the scheduler needs of a libOS. */
export interface Driver {
  /**
   * Does what is ready, bounded, without allocating; says how much that was. It is told the time of the turn, and reads no
   * clock. A patient poll may wait some 50 µs for something to become ready, where that is the quickest way to notice it;
   * without, it must not block.
   */
  poll(now: number, patient: boolean): number;
  /** When the driver has to be polled next although no file descriptor is ready; Infinity for never. */
  deadline(): number;
  /** A file descriptor that is readable when `poll` has something to do; -1 if there is none. */
  readonly fd: number;
  /** Called before each sleep: from now on the file descriptor has to tell of everything. */
  prepareToPark(): void;
  /**
   * Whether its device is Deno's own: polls find nothing, and what comes is told by {@linkcode Scheduler.arrive}, in
   * Deno's goes. Such a libOS needs neither turns nor sleep.
   */
  readonly isPassive?: boolean;
}

/** A call that was asked for, and can be taken back. */
export interface Later {
  /** Takes it back. */
  cancel(): void;
}

/** The event loop that the scheduler shares its thread with: Deno's. */
export interface Host {
  /** Has a go: everything that can run there does so once, then the function is called. It keeps the process alive. */
  go(then: () => void): void;
  /** Calls a function after those steps of async functions that are due by now. */
  step(then: () => void): void;
  /** Calls a function after so many milliseconds; `referenced` keeps the process alive until then. */
  later(then: () => void, milliseconds: number, referenced: boolean): Later;
  /** What it has to do by itself: something at once, or at some time that it does not tell, or nothing. */
  pending(): "now" | "later" | "nothing" | "unknown";
}

/** Looks and sleeps, by the file descriptors of the libOSes and of the host. */
export interface Parker {
  /** Adds a file descriptor to wake for. */
  watch(fd: number): void;
  /** Removes one. */
  unwatch(fd: number): void;
  /** Whether it can see what the host has to do: else it must not {@linkcode Parker.doze}. */
  readonly seesHost: boolean;
  /** Whether the host's reactor has something for it. It must not block. */
  hostIsReady(): boolean;
  /** Has the host look at its reactor, and take up what is there; then the function is called. */
  harvest(then: () => void): void;
  /** Sleeps, blocking the thread, until a libOS or the host has something to do, for so many milliseconds at most. */
  doze(timeout: number): void;
  /** As {@linkcode Parker.doze}, for the libOSes alone. */
  block(timeout: number): void;
  /** Sleeps outside of the host's way, for the libOSes; one sleep at a time, joined if there is one already. */
  park(): Promise<void>;
  /** Whether a sleep outside of the host's way is under way. */
  readonly parked: boolean;
  /** Ends the sleep that is under way. */
  wake(): void;
  /** Lets go of everything. The sleep must be over. Resolves when nothing of its own is under way. */
  close(): Promise<void>;
}
