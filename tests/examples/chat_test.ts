/**
 * The chat as a program, with clients that are not ours.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { within } from "../runtime/_assert.ts";
import { HOSTNAME, Program } from "./_program.ts";

/** Somebody who chats. */
class Member implements Disposable {
  readonly conn: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  #text = "";

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  /** Connects, and says a name. */
  static async join(program: Program, name: string): Promise<Member> {
    const conn = await Deno.connect({ hostname: HOSTNAME, port: program.port });
    const member = new Member(conn);
    await member.reads("Your name? ");
    await member.say(name);
    return member;
  }

  /** Sends lines. */
  async say(...lines: string[]): Promise<void> {
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }

  /** Waits until it has this, which is all that it has. */
  async reads(expected: string): Promise<void> {
    while (this.#text.length < expected.length && await this.#receive());
    assertEquals(this.#text, expected);
    this.#text = "";
  }

  /** Waits for a line. */
  async line(): Promise<string> {
    let end: number;
    while ((end = this.#text.indexOf("\n")) < 0 && await this.#receive());
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return line;
  }

  async #receive(): Promise<boolean> {
    const chunk = new Uint8Array(65536);
    const length = await within(this.conn.read(chunk), 10);
    this.#text += this.#decoder.decode(chunk.subarray(0, length ?? 0), { stream: true });
    return length !== null;
  }

  /** Closes its connection. */
  [Symbol.dispose](): void {
    this.conn.close();
  }
}

Deno.test("chat sends each line to all the others, and tells who comes and goes", async () => {
  await using program = await Program.start("chat");
  using ann = await Member.join(program, "Ann");
  const bob = await Member.join(program, "Bob\r");
  await ann.reads("* Bob is here\n");
  await bob.say("hello", "", "gr\u00fc\u00df dich");
  await ann.reads("Bob: hello\nBob: \nBob: gr\u00fc\u00df dich\n");
  await ann.say("so long");
  await bob.reads("Ann: so long\n");
  bob[Symbol.dispose]();
  await ann.reads("* Bob is gone\n");
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
});

Deno.test("chat asks again for a name that is taken, or none", async () => {
  await using program = await Program.start("chat");
  using ann = await Member.join(program, "Ann");
  using bob = await Member.join(program, "Ann");
  await bob.reads("Your name? ");
  await bob.say(" \x07 ");
  await bob.reads("Your name? ");
  await bob.say("B\x1bob");
  await ann.reads("* Bob is here\n");
});

Deno.test("chat ends who sends a line that is too long, and nobody else", async () => {
  await using program = await Program.start("chat");
  using ann = await Member.join(program, "Ann");
  using bob = await Member.join(program, "Bob");
  await ann.reads("* Bob is here\n");
  await bob.say("x".repeat(5000));
  await ann.reads("* Bob is gone\n");
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
});

Deno.test("chat drops a client that does not read, and the others get every line", async () => {
  await using program = await Program.start("chat");
  using ann = await Member.join(program, "Ann");
  using bob = await Member.join(program, "Bob");
  await ann.reads("* Bob is here\n");
  using _slow = await Member.join(program, "Slow");
  await ann.reads("* Slow is here\n");
  await bob.reads("* Slow is here\n");
  const text = "x".repeat(1000);
  const lines = Array.from({ length: 100 }, () => text);
  let gone = 0;
  // More than the buffers of the kernel hold, at the pace of who reads.
  for (let i = 0; i < 300; i++) {
    await ann.say(...lines);
    for (const _ of lines) {
      let line = await bob.line();
      if (line === "* Slow is gone") {
        gone++;
        line = await bob.line();
      }
      assertEquals(line, `Ann: ${text}`);
    }
  }
  assertEquals(gone, 1);
  const { code, stdout, stderr } = await program.end("SIGINT");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^Slow is dropped, \d+ bytes behind\n$/);
});
