/**
 * What the tests of the store share: requests, replies, and a real Redis to compare with.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { splitInline } from "../../examples/kv/inline.ts";
import { Session, Store, type StoreOptions } from "../../examples/kv/mod.ts";

/** Bytes with the codes of the characters. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** A request as an array of bulk strings. */
export function request(...words: (string | number)[]): string {
  const bulks = words.map((word) => `$${String(word).length}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join("")}`;
}

/** A request from a line, whose words may be quoted as in an inline request. */
export function command(line: string): string {
  return request(...splitInline(line) ?? []);
}

/** A session of a store of its own, which listens where {@linkcode RedisServer} does. */
export function newSession(options: StoreOptions = {}): Session {
  return new Session(new Store({ bind: "127.0.0.1", ...options }));
}

/** Feeds a session, and takes all the replies. */
export function feed(session: Session, input: string | Uint8Array): string {
  session.feed(typeof input === "string" ? bytes(input) : input);
  let replies = takeReply(session);
  while (session.resume()) replies += takeReply(session);
  return replies;
}

/** The replies of a session, which forgets them. */
export function takeReply(session: Session): string {
  const { reply } = session;
  const text = Buffer.from(reply.bytes.buffer, 0, reply.length).toString("latin1");
  reply.reset();
  return text;
}

/** Runs one line as a command. */
export function run(session: Session, line: string): string {
  return feed(session, command(line));
}

/** A reply as a tree, to compare in part. */
export interface Reply {
  /** The type byte. */
  type: string;
  /** What follows it on its line, or the body of a bulk string. */
  text: string;
  /** The elements of an array, a set or a map. */
  elements: Reply[];
}

/** Parses all replies in `text`; throws if the last is not complete. */
export function parseReplies(text: string): Reply[] {
  const replies: Reply[] = [];
  let at = 0;
  const parse = (): Reply => {
    const end = text.indexOf("\r\n", at);
    if (end < 0) throw new Error(`no reply at ${at} of ${JSON.stringify(text)}`);
    const type = text[at]!;
    const head = text.slice(at + 1, end);
    at = end + 2;
    const length = Number(head);
    if ("$=".includes(type) && length >= 0) {
      at += length + 2;
      if (text.slice(at - 2, at) !== "\r\n") throw new Error(`bad bulk before ${at}`);
      return { type, text: text.slice(at - 2 - length, at - 2), elements: [] };
    }
    const size = "*~%>".includes(type) ? Math.max(0, length) * (type === "%" ? 2 : 1) : 0;
    return { type, text: head, elements: Array.from({ length: size }, parse) };
  };
  while (at < text.length) replies.push(parse());
  return replies;
}

/** A redis-server of our own, which ends with the object. */
export class RedisServer implements AsyncDisposable {
  #process: Deno.ChildProcess;
  /** The port it listens at, on the loopback. */
  readonly port: number;

  private constructor(process: Deno.ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  /** Starts a server and waits until it takes connections. */
  static async start(...options: string[]): Promise<RedisServer> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const process = new Deno.Command("redis-server", {
      args: [
        ...["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        // Its title would be written over its environment, which says whose it is.
        ...["--set-proc-title", "no"],
        ...options,
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const server = new RedisServer(process, port);
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        (await server.connect())[Symbol.dispose]();
        return server;
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    await server[Symbol.asyncDispose]();
    throw new Error("redis-server does not take connections");
  }

  /** Connects a client. */
  async connect(): Promise<RedisClient> {
    return new RedisClient(await Deno.connect({ hostname: "127.0.0.1", port: this.port }));
  }

  /** Ends the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }
}

/** A connection to a real Redis. */
export class RedisClient implements Disposable {
  #connection: Deno.TcpConn;
  #calls = 0;

  /** @param connection The connection, which belongs to the client from now on. */
  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    connection.setNoDelay();
  }

  /**
   * Sends bytes and returns the replies to them: what comes before the reply to a sentinel that is sent
   * after them, or before the server closes the connection.
   */
  async call(input: string): Promise<string> {
    const sentinel = `sentinel-${this.#calls++}`;
    const end = `$${sentinel.length}\r\n${sentinel}\r\n`;
    const writing = this.#write(bytes(input + request("ECHO", sentinel)));
    let text = "";
    const buffer = new Uint8Array(65536);
    while (!text.endsWith(end)) {
      const size = await this.#read(buffer);
      if (size === null) break;
      text += Buffer.from(buffer.buffer, 0, size).toString("latin1");
    }
    await writing;
    return text.endsWith(end) ? text.slice(0, -end.length) : text;
  }

  /** Sends the last bytes and returns all replies until the server closes the connection. */
  async callAndEnd(input: Uint8Array): Promise<string> {
    await this.#write(input);
    try {
      await this.#connection.closeWrite();
    } catch (error) {
      if (!isClosed(error)) throw error;
    }
    let text = "";
    const buffer = new Uint8Array(65536);
    for (let size; (size = await this.#read(buffer)) !== null;) {
      text += Buffer.from(buffer.buffer, 0, size).toString("latin1");
    }
    return text;
  }

  async #write(data: Uint8Array): Promise<void> {
    try {
      for (let sent = 0; sent < data.length;) {
        sent += await this.#connection.write(data.subarray(sent));
      }
    } catch (error) {
      // The server may close before it has read all; what it replied is still to be read.
      if (!isClosed(error)) throw error;
    }
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.#connection.read(buffer);
    } catch (error) {
      if (isClosed(error)) return null;
      throw error;
    }
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.BrokenPipe;
}
