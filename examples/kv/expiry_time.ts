/**
 * Points in time as commands give them.
 *
 * @module
 */
import { CommandError } from "./errors.ts";
import { type Integer, MAX_INTEGER, MIN_INTEGER } from "./integer.ts";

/** An amount below this, in seconds or milliseconds, is exact in every sum that follows. */
const PLAIN = 2 ** 42;

/**
 * The time in milliseconds since 1970 that a command means.
 *
 * @param amount The number in the request.
 * @param unit How many milliseconds it counts: 1 or 1000.
 * @param base What it counts from: the time now, or 0.
 * @param command The name of the command, for the error.
 * @returns The time.
 * @throws {CommandError} If the time does not fit 64 bits.
 */
export function expiryTime(amount: Integer, unit: number, base: number, command: string): Integer {
  if (typeof amount === "number" && Math.abs(amount) < PLAIN) return amount * unit + base;
  const scaled = BigInt(amount) * BigInt(unit);
  const time = scaled + BigInt(base);
  if (scaled < MIN_INTEGER || time > MAX_INTEGER) throw expiryError(command);
  return Number.isSafeInteger(Number(time)) ? Number(time) : time;
}

/** The reply to a time that cannot be meant. */
export function expiryError(command: string): CommandError {
  return new CommandError(`ERR invalid expire time in '${command}' command`);
}
