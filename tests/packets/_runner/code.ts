/**
 * The assertions of scripts: the subset of Python that they are written in, over what a kernel tells of a connection.
 *
 * @module
 */

import { type CodeEvent, ScriptError } from "./syntax.ts";
import { Cursor } from "./cursor.ts";
import { named } from "./values.ts";
import type { System } from "./system.ts";
import { tcpInfo } from "./tcp_info.ts";

type Value = number | string | boolean | readonly Value[];

/** Runs a block; an assertion that does not hold is told to `fail`. */
export function checkCode(event: CodeEvent, system: System, fail: (message: string) => void): void {
  new Interpreter(event, system, fail).run();
}

const COMPARISONS: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  "==": (a, b) => String(a) === String(b) || Number(a) === Number(b),
  "!=": (a, b) => Number(a) !== Number(b),
  "<=": (a, b) => Number(a) <= Number(b),
  ">=": (a, b) => Number(a) >= Number(b),
  "<": (a, b) => Number(a) < Number(b),
  ">": (a, b) => Number(a) > Number(b),
};

/** Operators of two values, the ones that bind least first. */
const LEVELS: readonly Readonly<Record<string, (a: number, b: number) => number>>[] = [
  { "|": (a, b) => a | b },
  { "^": (a, b) => a ^ b },
  { "&": (a, b) => a & b },
  { "<<": (a, b) => a << b, ">>": (a, b) => a >> b },
  { "+": (a, b) => a + b, "-": (a, b) => a - b },
  {
    "**": (a, b) => a ** b,
    "//": (a, b) => Math.floor(a / b),
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
    "%": (a, b) => ((a % b) + b) % b,
  },
];

class Interpreter {
  readonly #event: CodeEvent;
  readonly #system: System;
  readonly #fail: (message: string) => void;
  readonly #code: Cursor;
  readonly #variables = new Map<string, Value>();

  constructor(event: CodeEvent, system: System, fail: (message: string) => void) {
    this.#event = event;
    this.#system = system;
    this.#fail = fail;
    this.#code = new Cursor(event.code.replaceAll(/#[^\n]*|\\(?=\s*\n)/g, ""));
  }

  run(): void {
    const code = this.#code;
    try {
      for (;;) {
        while (code.take(";"));
        if (!code.skip()) return;
        this.#statement();
      }
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      const { line } = error.place;
      const place = { line: this.#event.place.line + line - 1, column: error.place.column };
      throw new ScriptError(place, error.message.replace(/^line \d+, column \d+: /, ""));
    }
  }

  #statement(): void {
    const code = this.#code;
    if (code.match(/assert\b/y)) {
      const { at } = code;
      const holds = this.#condition();
      const text = code.since(at);
      const told = code.take(",") ? this.#condition() : null;
      if (!holds) this.#fail(`assert ${text}${told === null ? "" : `: ${told}`}`);
      return;
    }
    if (code.match(/print\b/y)) {
      this.#condition();
      return;
    }
    if (code.match(/(?:import|pass)\b[^\n;]*/y)) return;
    const variable = code.match(/([a-zA-Z_][a-zA-Z_0-9]*)\s*=(?!=)/y);
    if (variable === null) code.fail("only assert, print and values of names are understood");
    this.#variables.set(variable![1]!, this.#condition());
  }

  #condition(): Value {
    let value = this.#and();
    while (this.#code.match(/or\b/y)) {
      const other = this.#and();
      value = truth(value) ? value : other;
    }
    return value;
  }

  #and(): Value {
    let value = this.#not();
    while (this.#code.match(/and\b/y)) {
      const other = this.#not();
      value = truth(value) ? other : value;
    }
    return value;
  }

  #not(): Value {
    if (this.#code.match(/not\b/y)) return !truth(this.#not());
    return this.#comparison();
  }

  /** Comparisons chain: `1 <= x <= 2`. */
  #comparison(): Value {
    let left = this.#operation(0);
    let holds: boolean | null = null;
    for (;;) {
      const operator = this.#code.match(/==|!=|<=|>=|<(?!<)|>(?!>)|not\s+in\b|in\b/y)?.[0];
      if (operator === undefined) return holds ?? left;
      const right = this.#operation(0);
      const result = operator.endsWith("in")
        ? (right as readonly Value[]).some((one) => COMPARISONS["=="]!(one, left)) ===
          (operator === "in")
        : COMPARISONS[operator]!(left, right);
      holds = (holds ?? true) && result;
      left = right;
    }
  }

  #operation(level: number): Value {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let value = this.#operation(level + 1);
    for (;;) {
      const found = Object.keys(operators).find((one) => this.#code.take(one));
      if (found === undefined) return value;
      const right = this.#operation(level + 1);
      // Python's % also puts values into texts, which only messages need.
      if (typeof value === "string") value = `${value} ${right}`;
      else value = operators[found]!(Number(value), Number(right));
    }
  }

  #unary(): Value {
    if (this.#code.take("-")) return -Number(this.#unary());
    if (this.#code.take("~")) return ~Number(this.#unary());
    return this.#operand();
  }

  #operand(): Value {
    const code = this.#code;
    for (const [open, close] of [["(", ")"], ["[", "]"]] as const) {
      if (!code.take(open)) continue;
      const items: Value[] = [];
      let isTuple = open === "[";
      while (!code.take(close)) {
        if (items.length > 0) {
          code.expect(",");
          isTuple = true;
          if (code.take(close)) break;
        }
        items.push(this.#condition());
      }
      return isTuple ? items : items[0] ?? 0;
    }
    const text = code.match(/f?(?:'([^'\n]*)'|"([^"\n]*)")/y);
    if (text !== null) return text[1] ?? text[2] ?? "";
    const number = code.match(/0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE]-?\d+)?|\.\d+/y);
    if (number !== null) return Number(number[0]);
    const { place } = code;
    const [name] = code.need(/[a-zA-Z_][a-zA-Z_0-9]*/y, "a value");
    if (code.take("(")) return this.#function(name);
    return this.#value(name) ?? code.fail(`the name ${name} is not known`, place);
  }

  #function(name: string): Value {
    const code = this.#code;
    const args: number[] = [];
    while (!code.take(")")) {
      if (args.length > 0) code.expect(",");
      args.push(Number(this.#condition()));
    }
    const functions: Readonly<Record<string, (...values: number[]) => number>> = {
      abs: Math.abs,
      int: Math.trunc,
      float: Number,
      min: Math.min,
      max: Math.max,
      round: Math.round,
    };
    const found = functions[name];
    if (found === undefined) code.fail(`the function ${name} is not known`);
    return found!(...args);
  }

  #value(name: string): Value | undefined {
    if (name === "True") return true;
    if (name === "False") return false;
    if (this.#variables.has(name)) return this.#variables.get(name);
    if (name.startsWith("tcpi_")) return tcpInfo(name, this.#system);
    return named(name);
  }
}

function truth(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}
