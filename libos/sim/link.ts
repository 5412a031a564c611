/**
 * The way of a host's frames into the network, and all that may happen to them there.
 *
 * @module
 */

import { DemikernelError, inspect } from "../error.ts";
import { checkOptions } from "../check.ts";
import type { SeededRandom } from "../inetstack/random.ts";

/** Losses that come together (the model of Gilbert and Elliott): the link is good, or bad for a while. */
export interface BurstLoss {
  /** Probability that a frame finds the link bad when it was good. */
  readonly enter: number;
  /** Probability that a frame finds it good again when it was bad. */
  readonly leave: number;
  /** Probability that a frame is lost while it is bad; 1 by default. */
  readonly loss?: number;
}

/**
 * What happens to the frames that a host sends. Probabilities are from 0 to 1 and for each frame; times are in
 * milliseconds. What is not given does not happen.
 */
export interface LinkOptions {
  /** How long a frame takes; 0.05 by default. */
  readonly delay?: number;
  /** Up to so much longer, at random. Frames stay in order. */
  readonly jitter?: number;
  /** Probability that a frame is lost. */
  readonly loss?: number;
  /** Of so many frames, the last one is lost: a loss that comes as regularly as formulas have it. */
  readonly lossEvery?: number;
  /** Losses in bursts. */
  readonly burst?: BurstLoss;
  /** Probability that a frame is overtaken: it takes up to `reorderDelay` longer, and others pass. */
  readonly reorder?: number;
  /** The most that such a frame takes longer; ten times the delay by default. */
  readonly reorderDelay?: number;
  /** Probability that a frame comes twice. */
  readonly duplicate?: number;
  /** Probability that one bit of an IP packet is wrong. (Of ARP it is not: Ethernet's own check would tell.) */
  readonly corrupt?: number;
  /** Probability that an IP packet whose sender knows marks of congestion gets one (RFC 3168, section 5). */
  readonly mark?: number;
  /** Bits in a second; frames wait for each other. Infinite by default. */
  readonly bandwidth?: number;
  /** How many frames wait at most, where there is a bandwidth; more are lost. 1000 by default. */
  readonly queue?: number;
}

const DELAY = 0.05;
const QUEUE = 1000;
/** Preamble, check sequence and gap of a frame, in bytes, beside what is in it. */
const OVERHEAD = 24;

/** What became of a frame. */
export interface Passage {
  /** When it arrives; once for each copy. */
  readonly arrivals: readonly number[];
  /** Which bit of it is wrong; -1 if none is. */
  readonly wrongBit: number;
  /** Whether a router on the way is congested. */
  readonly isMarked: boolean;
}

const LOST: Passage = Object.freeze({ arrivals: [], wrongBit: -1, isMarked: false });

/** The way of a host's frames into the network, to be changed while it runs. */
export interface Link {
  /** Changes what is given, from now on. Throws {@linkcode DemikernelError} `EINVAL`. */
  set(options: LinkOptions): void;
  /** Cuts it: everything is lost until it is mended. */
  cut(): void;
  /** Mends it. */
  mend(): void;
}

/** See the module's description. */
export class SimulatedLink implements Link {
  #options: LinkOptions;
  readonly #random: SeededRandom;
  #isBad = false;
  /** When the last frame that was not overtaken arrives. */
  #lastArrival = 0;
  /** When the wire is free. */
  #freeAt = 0;
  /** How many frames came. */
  #passed = 0;
  /** Whether it is cut. */
  #isCut = false;

  /** Makes a link. Throws {@linkcode DemikernelError} `EINVAL` for what is no probability or time. */
  constructor(options: LinkOptions, random: SeededRandom) {
    this.#options = check(options);
    this.#random = random;
  }

  /** See {@linkcode Link.set}. */
  set(options: LinkOptions): void {
    checkOptions("set link", options, {});
    this.#options = check({ ...this.#options, ...options });
  }

  /** See {@linkcode Link.cut}. */
  cut(): void {
    this.#isCut = true;
  }

  /** See {@linkcode Link.mend}. */
  mend(): void {
    this.#isCut = false;
  }

  /** Lets a frame of a size pass, which may be corrupted from a byte on; -1 for nowhere. */
  pass(now: number, size: number, corruptible: number): Passage {
    const random = this.#random;
    const { loss = 0, duplicate = 0, corrupt = 0, mark = 0 } = this.#options;
    // What is drawn does not depend on what was drawn before: changing one option leaves the others' luck.
    const isLost = random.chance(loss);
    const isTwice = random.chance(duplicate);
    const isWrong = random.chance(corrupt);
    const place = random.next() >>> 0;
    const isMarked = mark > 0 && random.chance(mark);
    const isTurn = ++this.#passed % (this.#options.lossEvery ?? Infinity) === 0;
    if (this.#isCut || this.#fallsInBurst() || isLost || isTurn) return LOST;
    const sent = this.#send(now, size);
    if (sent < 0) return LOST;
    const arrivals = [this.#arrive(sent)];
    if (isTwice) arrivals.push(this.#arrive(sent));
    const bits = 8 * (size - corruptible);
    const wrongBit = isWrong && corruptible >= 0 && bits > 0 ? 8 * corruptible + place % bits : -1;
    return { arrivals, wrongBit, isMarked };
  }

  #fallsInBurst(): boolean {
    const { burst } = this.#options;
    if (burst === undefined) return false;
    const changes = this.#random.chance(this.#isBad ? burst.leave : burst.enter);
    if (changes) this.#isBad = !this.#isBad;
    return this.#isBad && this.#random.chance(burst.loss ?? 1);
  }

  /** When the last bit of a frame is on the wire; -1 if too many wait before it. */
  #send(now: number, size: number): number {
    const { bandwidth = Infinity, queue = QUEUE } = this.#options;
    if (bandwidth === Infinity) return now;
    const time = (size + OVERHEAD) * 8000 / bandwidth;
    const start = Math.max(now, this.#freeAt);
    if ((start - now) / time > queue) return -1;
    this.#freeAt = start + time;
    return this.#freeAt;
  }

  #arrive(sent: number): number {
    const random = this.#random;
    const { delay = DELAY, jitter = 0, reorder = 0 } = this.#options;
    const at = sent + delay + (jitter > 0 ? random.below(jitter) : 0);
    if (reorder > 0 && random.chance(reorder)) {
      return at + random.below(this.#options.reorderDelay ?? 10 * Math.max(delay, DELAY));
    }
    this.#lastArrival = Math.max(at, this.#lastArrival);
    return this.#lastArrival;
  }
}

const PROBABILITIES = ["loss", "reorder", "duplicate", "corrupt", "mark"] as const;
const AMOUNTS = ["delay", "jitter", "reorderDelay", "bandwidth", "queue", "lossEvery"] as const;

function check(options: LinkOptions): LinkOptions {
  checkOptions("set link", options, { burst: "an object" });
  const { burst } = options;
  const probabilities = [
    ...PROBABILITIES.map((name) => [name, options[name]] as const),
    ["burst.enter", burst?.enter] as const,
    ["burst.leave", burst?.leave] as const,
    ["burst.loss", burst?.loss] as const,
  ];
  for (const [name, value] of probabilities) {
    if (value === undefined || (value >= 0 && value <= 1)) continue;
    throw wrong(`${name} is a probability from 0 to 1, not ${inspect(value)}`);
  }
  for (const name of AMOUNTS) {
    const value = options[name];
    if (
      value === undefined || value > 0 ||
      (value === 0 && name !== "bandwidth" && name !== "lossEvery")
    ) continue;
    throw wrong(`${name} is not ${inspect(value)}`);
  }
  return options;
}

function wrong(detail: string): DemikernelError {
  return new DemikernelError("EINVAL", "set link", { detail });
}
