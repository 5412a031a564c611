/**
 * Reads a script: what packetdrill understands, as far as `docs/packets.md` lists it, and upstream Demikernel's form of it.
 *
 * @module
 */

import { Cursor } from "./cursor.ts";
import { parsePacket } from "./packet_parser.ts";
import type { CallEvent, Expression, Field, Script, ScriptEvent, Time } from "./syntax.ts";
import { preprocess } from "./preprocess.ts";

const NUMBER = /\d*\.?\d+|\d+\.?/y;
const FLAGS_ALONE = new Set(["strict_segments", "non_fatal", "send_omit_free", "verbose"]);

/** Reads a script, with the names that are defined and what they stand for. Throws {@linkcode ScriptError}. */
export function parseScript(
  name: string,
  source: string,
  definitions: ReadonlyMap<string, string> = new Map(),
): Script {
  const cursor = new Cursor(preprocess(source, definitions));
  const options = parseOptions(cursor);
  const events: ScriptEvent[] = [];
  const version = options.get("ip_version") === "ipv6" ? 6 : 4;
  while (cursor.skip()) events.push(parseEvent(cursor, version));
  return { name, options, events };
}

function parseOptions(cursor: Cursor): Map<string, string> {
  const options = new Map<string, string>();
  while (cursor.sees(/--/y)) {
    const [, key] = cursor.need(/--([a-z_0-9]+)/y, "the name of an option");
    if (FLAGS_ALONE.has(key!)) {
      options.set(key!, "");
      continue;
    }
    cursor.match(/=/y);
    options.set(key!, cursor.need(/[^\s]+/y, "the value of an option")[0]);
  }
  return options;
}

function parseEvent(cursor: Cursor, version: 4 | 6): ScriptEvent {
  const { at, place } = cursor;
  const [time, until] = parseTime(cursor);
  if (cursor.take("`")) {
    const command = cursor.until("`");
    return { kind: "command", place, time, text: cursor.since(at), command };
  }
  if (cursor.take("%{")) {
    const code = cursor.until("}%");
    return { kind: "code", place, time, text: cursor.since(at), code };
  }
  if (cursor.sees(/[<>]|TCP\b|UDP\b/y)) {
    if (until !== null) cursor.fail("a packet does not block", place);
    const { out, packet } = parsePacket(cursor, version);
    return { kind: "packet", place, time, text: cursor.since(at), out, packet };
  }
  const call = parseCall(cursor);
  return { kind: "call", place, time, until, text: cursor.since(at), ...call };
}

const AT_ONCE: Time = { kind: "relative", from: 0, to: 0 };

/** Reads when something happens, and until when it blocks. */
function parseTime(cursor: Cursor): [Time, number | null] {
  if (cursor.take("*")) return [{ kind: "any", from: 0, to: Infinity }, null];
  if (!cursor.sees(/[+.\d]/y) || cursor.sees(/\.\.\./y)) {
    // Upstream may leave the time out of what blocks.
    return [AT_ONCE, cursor.take("...") ? parseSeconds(cursor) : null];
  }
  const kind = cursor.take("+") ? "relative" : "absolute";
  const from = parseSeconds(cursor);
  if (cursor.take("~")) {
    cursor.take("+");
    return [{ kind, from, to: parseSeconds(cursor) }, null];
  }
  const time: Time = { kind, from, to: from };
  if (!cursor.take("...")) return [time, null];
  cursor.take("+");
  return [time, parseSeconds(cursor)];
}

/** Reads seconds, as milliseconds. */
function parseSeconds(cursor: Cursor): number {
  return Math.round(Number(cursor.need(NUMBER, "a time")[0]) * 1e6) / 1000;
}

function parseCall(cursor: Cursor): Pick<CallEvent, "name" | "args" | "result" | "errno"> {
  const [name] = cursor.need(/[a-z_A-Z][a-z_A-Z0-9]*/y, "a call, a packet or a command");
  cursor.expect("(");
  const args = parseList(cursor, ")");
  cursor.expect("=");
  const result = cursor.take("?") ? { kind: "any" } as const : parseExpression(cursor);
  cursor.blank();
  const errno = cursor.match(/E[A-Z0-9]+(?![a-z_A-Z0-9])/y)?.[0] ?? null;
  if (cursor.sees(/\(/y)) {
    // What strace prints for people.
    cursor.expect("(");
    cursor.until(")");
  }
  return { name, args, result, errno };
}

function parseList(cursor: Cursor, end: string): Expression[] {
  const items: Expression[] = [];
  while (!cursor.take(end)) {
    if (items.length > 0) {
      cursor.expect(",");
      if (cursor.take(end)) break;
    }
    items.push(parseExpression(cursor));
  }
  return items;
}

function parseExpression(cursor: Cursor): Expression {
  const parts = [parseOperand(cursor)];
  while (cursor.take("|")) parts.push(parseOperand(cursor));
  return parts.length === 1 ? parts[0]! : { kind: "or", parts };
}

function parseOperand(cursor: Cursor): Expression {
  if (cursor.take("...")) return { kind: "any" };
  if (cursor.take("[")) return { kind: "list", items: parseList(cursor, "]") };
  if (cursor.take("{")) return { kind: "struct", fields: parseFields(cursor) };
  if (cursor.take('"')) return { kind: "string", value: cursor.until('"') };
  const number = cursor.match(/-?(?:0x[0-9a-fA-F]+|\d+)/y);
  if (number !== null) {
    const negative = number[0].startsWith("-");
    const value = Number(number[0].replace("-", ""));
    return { kind: "number", value: negative ? -value : value };
  }
  const { place } = cursor;
  const [name] = cursor.need(/[a-z_A-Z][a-z_A-Z0-9]*/y, "a value");
  if (cursor.take("(")) return { kind: "call", name, items: parseList(cursor, ")") };
  return { kind: "name", name, place };
}

/** Reads the fields of a structure: `name=value`, `name(count)=value`, or values alone. */
function parseFields(cursor: Cursor): Field[] {
  const fields: Field[] = [];
  while (!cursor.take("}")) {
    if (fields.length > 0) {
      cursor.expect(",");
      if (cursor.take("}")) break;
    }
    const named = cursor.match(/([a-z_A-Z][a-z_A-Z0-9]*)\s*(?:\([^)]*\))?\s*=(?!=)/y);
    fields.push({ name: named?.[1] ?? "", value: parseExpression(cursor) });
  }
  return fields;
}
