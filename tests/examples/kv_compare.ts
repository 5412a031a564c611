/**
 * Equality of replies, but for what cannot be equal: ids, memory, the order of keys, the clock.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseReplies, type Reply } from "./kv_testing.ts";

/** How far apart two readings of the time left may be, in milliseconds. */
const TIME_TOLERANCE = 1000;
/** The fields of CLIENT LIST that say the same everywhere. */
const CLIENT_FIELDS = /\b(name|flags|db|sub|multi|events|cmd|user|redir|resp)=\S*/g;
/** More commands than a request of these tests names: it was for all of them. */
const MANY_COMMANDS = 10;

/** What is equal of a reply, and a number that is nearly so. */
interface Masked {
  equal: unknown;
  near?: number;
}

/** By the name of the command: what must be equal of the reply, where not every byte can be. */
const masks: Readonly<Record<string, (reply: Reply) => Masked>> = {
  "keys": ({ elements }) => ({ equal: sortedTexts(elements) }),
  // With fewer keys than COUNT the scan is over at once, whatever the order.
  "scan": ({ elements: [cursor, keys] }) => ({ equal: [cursor, sortedTexts(keys!.elements)] }),
  "config get": ({ elements }) => ({ equal: sortedTexts(elements) }),
  "hello": ({ elements }) => ({ equal: elements.filter((_, i) => elements[i - 1]?.text !== "id") }),
  "client info": ({ text }) => ({ equal: text.match(CLIENT_FIELDS) }),
  "client list": ({ text }) => ({ equal: text.match(CLIENT_FIELDS) }),
  "client id": () => ({ equal: "an id" }),
  "info": ({ text }) => ({ equal: text === "" }),
  "command": () => ({ equal: "all commands" }),
  "command count": () => ({ equal: "a number" }),
  "command info": ({ elements }) => ({
    equal: elements.length > MANY_COMMANDS ? "all commands" : elements.map((command) => ({
      type: command.type,
      known: command.elements.slice(0, 6),
      types: command.elements.map(({ type }) => type),
    })),
  }),
  "command docs": ({ elements }) => ({ equal: elements.length === 0 }),
  "client help": ({ elements }) => ({ equal: elements[0] }),
  "config help": ({ elements }) => ({ equal: elements[0] }),
  "command help": ({ elements }) => ({ equal: elements[0] }),
  "pttl": ({ text }) => ({ equal: "a time", near: Number(text) }),
};

function sortedTexts(replies: readonly Reply[]): string[] {
  return replies.map(({ text }) => text).sort();
}

/** The mask for a request, if it needs one: that of the command, or of the subcommand. */
function findMask(step: string): ((reply: Reply) => Masked) | undefined {
  if (!/^\*\d+\r\n\$\d+\r\n[a-z]+\r\n/i.test(step)) return undefined;
  const [name, second] = parseReplies(step)[0]!.elements.map(({ text }) => text.toLowerCase());
  return masks[`${name} ${second}`] ?? masks[name!];
}

/**
 * Fails unless two replies to a request are equal.
 *
 * @param step The request.
 * @param actual The reply of the store.
 * @param expected The reply of Redis.
 */
export function assertReplies(step: string, actual: string, expected: string): void {
  if (actual === expected) return;
  const message = `the reply to ${JSON.stringify(step.slice(0, 500))}`;
  const mask = findMask(step);
  if (mask === undefined || /^[-_]/.test(actual) || /^[-_]/.test(expected)) {
    return assertEquals(actual, expected, `${message}:\n${JSON.stringify({ actual, expected })}`);
  }
  const [ours, theirs] = [parseReplies(actual), parseReplies(expected)];
  assertEquals(ours.map(({ type }) => type), theirs.map(({ type }) => type), message);
  for (const [i, reply] of ours.entries()) {
    const [a, b] = [mask(reply), mask(theirs[i]!)];
    assertEquals(a.equal, b.equal, `${message}: ${JSON.stringify([a.equal, b.equal])}`);
    if (Math.abs((a.near ?? 0) - (b.near ?? 0)) > TIME_TOLERANCE) {
      throw new Error(`${message}: ${a.near} is not near ${b.near}`);
    }
  }
}
