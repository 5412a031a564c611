/**
 * The errors that commands reply with.
 *
 * @module
 */

/** The error that a command replies with; the message begins with the code. */
export class CommandError extends Error {
  /** The name of the class. */
  override name = "CommandError";
}

/** The reply to options that make no sense. */
export function syntaxError(): CommandError {
  return new CommandError("ERR syntax error");
}

/** The reply to too few or too many arguments of the command with this full name. */
export function arityError(fullName: string): CommandError {
  return new CommandError(`ERR wrong number of arguments for '${fullName}' command`);
}

/** How much of an unknown command an error repeats. */
export const EXCERPT_LENGTH = 128;

/**
 * What an error repeats of a request: the beginning, to the first NUL, as C would print it.
 *
 * @param text An argument of the request.
 * @param length How many characters at most.
 */
export function excerpt(text: string, length: number = EXCERPT_LENGTH): string {
  const end = text.indexOf("\0");
  return text.slice(0, end < 0 ? length : Math.min(end, length));
}
