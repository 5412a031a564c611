/**
 * What is wrong with a message, by the status that says so.
 *
 * @module
 */

/** A message that is not taken, or the end of one that never came. Thrown by a handler, its status is the answer. */
export class HttpError extends Error {
  /** Its name. */
  override readonly name = "HttpError";
  /** The status that a server answers with (RFC 9110, section 15). */
  readonly status: number;

  /** Makes one; the message is told to the client. */
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
