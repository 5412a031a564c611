/**
 * One client: from the bytes of its requests to the bytes of the replies.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands/mod.ts";
import type { Database } from "./database.ts";
import { arityError, CommandError, excerpt, EXCERPT_LENGTH } from "./errors.ts";
import { ReplyBuffer, type ReplyMemory } from "./reply.ts";
import type { CommandRequest } from "./request.ts";
import type { RequestReader } from "./request_reader.ts";
import type { Store } from "./store.ts";

/** What the network knows about a client; CLIENT INFO shows it. */
export interface SessionInfo {
  /** The address of the client, as `127.0.0.1:50000`. */
  address?: string;
  /** The address that it connected to. */
  localAddress?: string;
  /** Closes the connection; CLIENT KILL does. */
  disconnect?: () => void;
}

/** What happens to replies: CLIENT REPLY sets it. */
export type ReplyMode = "on" | "off" | "skip next" | "skip";

/**
 * The state of one client, and the way from requests to replies.
 *
 * ```ts
 * import { Session } from "./session.ts";
 * import { Store } from "./store.ts";
 *
 * const session = new Session(new Store());
 * session.feed(new TextEncoder().encode("SET greeting hello\r\nGET greeting\r\n"));
 * const { bytes, length } = session.reply;
 * console.log(new TextDecoder().decode(bytes.subarray(0, length))); // +OK $5 hello
 * session.reply.reset();
 * session.close();
 * ```
 */
export class Session {
  /** A number that no other client of the store has or had. */
  readonly id: number;
  /** What all clients share. */
  readonly store: Store;
  /** What the network knows about the client. */
  readonly info: Readonly<SessionInfo>;
  /** The replies to send. */
  readonly reply: ReplyBuffer;
  /** When the client connected, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** When its last bytes came. */
  activeAt: number;
  /** The number of the database that commands use. */
  databaseIndex = 0;
  /** The database that commands use. */
  database: Database;
  /** The name that the client gave itself. */
  name = "";
  /** What happens to replies. */
  replyMode: ReplyMode = "on";
  /** Whether NO-EVICT is on. It changes nothing, as nothing is evicted. */
  noEvict = false;
  /** The full name of the last command. */
  lastCommand = "NULL";

  /** What reads the requests; null while there is nothing of one. */
  #reader: RequestReader | null = null;
  #open = true;
  #paused = false;
  #running = false;

  /**
   * @param store What all clients share; the client is listed there until {@linkcode Session.close}. If there are too
   * many, the session is not open, and has only an error to reply.
   * @param info What the network knows about the client.
   * @param memory Gives the memory that replies are written into.
   */
  constructor(store: Store, info: SessionInfo = {}, memory?: ReplyMemory) {
    this.reply = new ReplyBuffer(memory);
    this.store = store;
    this.info = info;
    this.id = store.nextSessionId();
    this.connectedAt = this.activeAt = store.now;
    this.database = store.databases[0]!;
    if (store.sessions.size < store.maximumClients) store.sessions.set(this.id, this);
    else this.#refuse("ERR max number of clients reached");
  }

  /** Whether to go on: if not, the connection is to be closed when the replies have been sent. */
  get open(): boolean {
    return this.#open;
  }

  /** Whether requests, or the rest of a reply, wait until the replies before them were sent. */
  get paused(): boolean {
    return this.#paused;
  }

  /**
   * Runs the requests that are complete with these bytes; the replies are added to
   * {@linkcode Session.reply}. Send them, then {@linkcode Session.resume} until there is no more to do: the
   * bytes must not change before that. What is left of an unfinished request is copied.
   *
   * @param input Bytes from the client, in any portion.
   * @throws {RangeError} If a request is too long, or there is no memory for it; close the session, and the
   * connection.
   */
  feed(input: Uint8Array): void {
    if (this.#paused) throw new Error("Cannot feed session: it has to be resumed first");
    if (!this.#open) return;
    this.store.statistics.inputBytes += input.length;
    const reader = this.#reader ??= this.store.takeReader();
    reader.supply(input);
    this.#run(reader);
  }

  /**
   * Goes on with what had to wait until the replies before it were sent: the rest of a reply, and further requests.
   *
   * So a client that asks for more than it reads waits for itself, and holds no memory for replies that
   * nobody takes.
   *
   * @returns Whether there was anything.
   * @throws {RangeError} As {@linkcode Session.feed}.
   */
  resume(): boolean {
    if (!this.#paused) return false;
    this.#paused = false;
    this.#run(this.#reader!);
    return true;
  }

  /** Takes the client out of the list of clients, and frees what is held for it. Call it when the connection is gone. */
  close(): void {
    this.#open = false;
    this.store.sessions.delete(this.id);
    // A command that ends its own session is not through with its request.
    if (this.#running) return;
    this.#paused = false;
    this.#reader?.close();
    this.#reader = null;
    this.reply.rewind(this.reply.length);
  }

  /** Ends the session and closes its connection: at once, or, of the session that asks, after the reply. */
  kill(): void {
    // A session that runs its own request has a reply to send first, and then finds itself ended.
    if (!this.#running) this.info.disconnect?.();
    this.close();
  }

  /** Lets {@linkcode Session.feed} stop after the current command. */
  end(): void {
    this.#open = false;
  }

  /**
   * Makes another database the one that commands use.
   *
   * @param index The number of the database.
   * @returns Whether there is such a database.
   */
  select(index: number): boolean {
    const database = this.store.databases[index];
    if (database === undefined) return false;
    this.database = database;
    this.databaseIndex = index;
    return true;
  }

  /** Forgets everything but the connection: the name, the database, the protocol, the reply mode. */
  reset(): void {
    this.select(0);
    this.name = "";
    this.replyMode = "on";
    this.reply.protocol = 2;
  }

  #run(reader: RequestReader): void {
    const { store, reply } = this;
    store.tick();
    this.activeAt = store.now;
    this.#running = true;
    try {
      while (this.#open) {
        if (reply.full) {
          this.#paused = true;
          return;
        }
        if (!reader.next()) break;
        this.#execute(reader.request);
      }
      if (reader.error !== undefined) {
        this.#refuse(reader.error);
      }
      reader.retain();
      if (reader.idle) {
        this.#reader = null;
        store.putReader(reader);
      }
    } catch (error) {
      this.#open = false;
      if (!(error instanceof CommandError)) throw error;
      throw new RangeError(`Cannot read request: ${error.message}`, { cause: error });
    } finally {
      this.#running = false;
    }
  }

  #execute(request: CommandRequest): void {
    const mark = this.reply.length;
    this.store.statistics.commands++;
    try {
      const command = COMMANDS.find(request.source, request.start(0), request.end(0));
      if (command === undefined) this.#rejectUnknown(request);
      else this.#call(command, request);
    } catch (error) {
      // The engine has a limit to the length of strings; no command has an error of its own for that.
      if (!(error instanceof CommandError || error instanceof RangeError)) throw error;
      this.reply.rewind(mark);
      const kind = error instanceof CommandError ? "" : "OOM command not allowed: ";
      this.#replyError(kind + error.message);
    }
    if (this.replyMode !== "on") this.#applyReplyMode(mark);
  }

  #call(command: Command, request: CommandRequest): void {
    const { count } = request;
    if (command.subcommands !== undefined && count > 1) {
      const found = command.subcommands.find(request.source, request.start(1), request.end(1));
      if (found === undefined) {
        const name = excerpt(request.head(1, EXCERPT_LENGTH));
        const parent = command.name.toUpperCase();
        throw new CommandError(`ERR unknown subcommand '${name}'. Try ${parent} HELP.`);
      }
      command = found;
    }
    const { arity } = command;
    if (arity >= 0 ? count !== arity : count < -arity) throw arityError(command.fullName);
    this.lastCommand = command.fullName;
    const { statistics, maximumMemory } = this.store;
    if (statistics.memory > maximumMemory && command.flags.includes("denyoom")) {
      throw new CommandError("OOM command not allowed when used memory > 'maxmemory'.");
    }
    command.run(this, request);
  }

  #rejectUnknown(request: CommandRequest): void {
    const name = request.head(0, EXCERPT_LENGTH);
    if (/^(host:|post)$/i.test(name)) {
      // A browser was made to send HTTP here, with commands in the body: do not go on to that.
      this.#open = false;
      return;
    }
    let excerpts = "";
    for (let i = 1; i < request.count && excerpts.length < EXCERPT_LENGTH; i++) {
      const room = EXCERPT_LENGTH - excerpts.length;
      excerpts += `'${excerpt(request.head(i, room), room)}' `;
    }
    throw new CommandError(
      `ERR unknown command '${excerpt(name)}', with args beginning with: ${excerpts}`,
    );
  }

  /** Ends the session with an error. */
  #refuse(message: string): void {
    this.#open = false;
    if (this.replyMode === "on") this.#replyError(message);
  }

  #replyError(message: string): void {
    this.store.statistics.errors++;
    this.reply.error(message);
  }

  /** Takes back the reply that starts at `mark`, if the client does not want it. */
  #applyReplyMode(mark: number): void {
    if (this.replyMode === "skip next") {
      // The command that asked for it has no reply of its own; the next one is the one to skip.
      this.replyMode = "skip";
      return;
    }
    this.reply.rewind(mark);
    if (this.replyMode === "skip") this.replyMode = "on";
  }
}
