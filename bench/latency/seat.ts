/**
 * A server and its turns.
 *
 * @module
 */
import type { Machine } from "../_harness/machine.ts";
import { Server } from "../_harness/server.ts";
import type { Subject } from "./subjects.ts";
import { warmUp } from "./warm_up.ts";
import type { Effort, Measurement, Part, Trial, Workload } from "./workload.ts";

/** What does not change from turn to turn. */
export interface SeatOptions {
  /** Where. */
  readonly machine: Machine;
  /** What is measured. */
  readonly workload: Workload;
  /** How much. */
  readonly effort: Effort;
  /** Who sits here. */
  readonly subject: Subject;
}

/**
 * A server that is warm, and stopped between its turns, so that all the others have the machine to themselves, and
 * that turns can be short: the shorter, the more alike is what two servers find. Where only one server can be on
 * its route, it is started for each turn.
 */
export class Seat implements AsyncDisposable {
  readonly #options: SeatOptions;
  #server: Server | undefined;

  private constructor(options: SeatOptions) {
    this.#options = options;
  }

  /** Starts the server, unless that has to wait for its turn. */
  static async take(options: SeatOptions, round: number): Promise<Seat> {
    const seat = new Seat(options);
    if (options.subject.command.route?.exclusive) return seat;
    seat.#server = await seat.#start(round);
    seat.#server.pause();
    return seat;
  }

  /** Measures a part of the workload. */
  async turn(part: Part, round: number): Promise<Measurement[]> {
    if (this.#server === undefined) {
      await using server = await this.#start(round);
      return await part.measure(this.#trial(server, round));
    }
    this.#server.resume();
    const measurements = await part.measure(this.#trial(this.#server, round));
    this.#server.pause();
    return measurements;
  }

  /** Ends the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #start(round: number): Promise<Server> {
    const { machine, subject, workload } = this.#options;
    const { command } = subject;
    const server = await Server.start(machine, workload.prepare?.(command) ?? command);
    try {
      const trial = this.#trial(server, round);
      await warmUp(workload.protocol, trial);
      await workload.warmUp?.(trial);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  #trial(server: Server, round: number): Trial {
    const { machine, effort, subject } = this.#options;
    return { machine, server, subject, effort, round };
  }
}
