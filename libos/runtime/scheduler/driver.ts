/**
 * What a scheduler needs of others: a clock, devices to poll, and a way to sleep.
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
   * Does what is ready, bounded, without allocating; says how much that was. A patient poll may wait some 50 µs
   * for something to become ready, where that is the quickest way to notice it; without, it must not block.
   */
  poll(patient: boolean): number;
  /** When the driver has to be polled next although no file descriptor is ready; Infinity for never. */
  deadline(): number;
  /** A file descriptor that is readable when `poll` has something to do; -1 if there is none. */
  readonly fd: number;
  /** Called before each sleep: from now on the file descriptor has to tell of everything. */
  prepareToPark(): void;
}

/** Sleeps until one of several file descriptors is readable. */
export interface Parker {
  /** Adds a file descriptor to wake for. */
  watch(fd: number): void;
  /** Removes one. */
  unwatch(fd: number): void;
  /** Sleeps outside of the event loop's way; one sleep at a time, joined if there is one already. */
  park(): Promise<void>;
  /** Whether a sleep is under way. */
  readonly parked: boolean;
  /** Ends the sleep that is under way. */
  wake(): void;
  /** Sleeps, blocking the thread, for so many milliseconds at most. */
  block(timeout: number): void;
  /** Lets go of everything. The sleep must be over. */
  close(): void;
}
