/**
 * Why a script failed.
 *
 * @module
 */

import type { Field } from "./match.ts";
import type { ScriptEvent } from "./syntax.ts";

/** Why a script failed. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly event: ScriptEvent;
  /** The time of the script, in milliseconds. */
  readonly at: number;
  readonly fields: readonly Field[];
  /** Each connection, in a line. */
  readonly connections: readonly string[];

  constructor(
    event: ScriptEvent,
    at: number,
    message: string,
    fields: readonly Field[],
    connections: readonly string[],
  ) {
    super(message);
    this.event = event;
    this.at = at;
    this.fields = fields;
    this.connections = connections;
  }
}
