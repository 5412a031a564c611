/**
 * The types of the coroutine layer: what is wrong here fails to compile.
 *
 * @module
 */

import type {
  Connection,
  ConnectOptions,
  Coroutine,
  Datagram,
  Handler,
  InetAddress,
  LibOS,
  Listener,
  ServeOptions,
  Server,
  Sga,
  SocketAddress,
  UnixAddress,
} from "../../mod.ts";
import { connect, DenoConn, DenoListener, listen, Messages, Reader, serve } from "../../mod.ts";

/** Whether two types are the same, as `true` or `false`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only if a value has exactly the type that is given. */
function has<T>() {
  return <U>(_value: U, _same: Same<T, U>): void => {};
}

function* inCoroutine(connection: Connection, listener: Listener, socket: Datagram): Coroutine {
  has<Sga | null>()(yield* connection.pop(), true);
  has<void>()(yield* connection.push(new Uint8Array(1)), true);
  has<Connection>()(yield* listener.accept(), true);
  has<Connection<InetAddress>>()(yield* connect({ port: 1 }), true);
  has<number>()(yield* connection.libos.operations.join(Promise.resolve(42)), true);
  has<Sga>()(yield* socket.pop(), true);
  has<void>()(yield* socket.push(new Uint8Array(1)), true);
  // @ts-expect-error the end of the stream has to be looked for
  (yield* connection.pop()).free();
}

async function inPromises(connection: Connection, listener: Listener, socket: Datagram) {
  has<Sga | null>()(await connection.pop(), true);
  has<void>()(await connection.push(new Uint8Array(1)), true);
  has<Connection>()(await listener.accept(), true);
  has<Connection<InetAddress>>()(await connect({ port: 1 }), true);
  has<Connection<UnixAddress>>()(await connect({ path: "x" }), true);
  has<Sga>()(await socket.pop(), true);
  for await (const sga of connection) has<Sga>()(sga, true);
  for await (const sga of socket) has<Sga>()(sga, true);
  for await (const accepted of listener) has<Connection>()(accepted, true);
}

function* readingInCoroutine(connection: Connection): Coroutine {
  const [reader, messages] = [new Reader(connection), new Messages(connection)];
  has<Sga | null>()(yield* reader.exactly(1), true);
  has<Sga | null>()(yield* reader.until("x"), true);
  has<string | null>()(yield* reader.line(), true);
  has<Sga>()(yield* reader.rest(), true);
  has<Sga | null>()(yield* messages.pop(), true);
  has<void>()(yield* messages.push(new Uint8Array(1)), true);
  new Messages({ libos: reader.libos, pop: reader.pop, push: connection.push });
}

async function readingInPromises(connection: Connection) {
  const [reader, messages] = [new Reader(connection), new Messages(connection)];
  has<Sga | null>()(await reader.exactly(1), true);
  has<string | null>()(await reader.line(), true);
  for await (const line of reader.lines()) has<string>()(line, true);
  for await (const message of messages) has<Sga>()(message, true);
  // @ts-expect-error there is no such header
  new Messages(connection, { header: 5 });
}

function denoShapes(connection: Connection, listener: Listener<InetAddress>) {
  const take = (_conn: Deno.Conn, _tcp: Deno.TcpConn, _listener: Deno.TcpListener) => {};
  const conn = new DenoConn(connection);
  take(conn, conn, new DenoListener(listener));
  const unix: Deno.UnixConn = new DenoConn<UnixAddress>(connection);
  has<Deno.UnixAddr>()(unix.remoteAddr, true);
  // @ts-expect-error a Unix socket is no port
  take(conn, unix, new DenoListener(listener));
}

async function spawned(libos: LibOS) {
  // deno-lint-ignore require-yield -- only its type matters
  const answer = await libos.spawn(function* (): Coroutine<number> {
    return 42;
  }());
  has<number>()(answer, true);
}

function addresses() {
  const inet = serve({ port: 1 }, () => {});
  const unix = serve({ path: "x" }, () => {});
  has<Server<InetAddress>>()(inet, true);
  has<Server<UnixAddress>>()(unix, true);
  has<InetAddress>()(listen({ port: 1 }).addr, true);
  has<UnixAddress>()(listen({ path: "x" }).addr, true);
  has<SocketAddress>()(({} as Listener).addr, true);
  // @ts-expect-error a port is needed
  listen({});
  // @ts-expect-error there is no such libOS
  listen({ port: 1, libos: "catnup" });
}

/** Code that says nothing of addresses, and code that asks for one kind. */
async function typedConnections(untyped: Handler, options: ConnectOptions, where: ServeOptions) {
  has<number>()((await connect({ port: 1 })).remoteAddr.port, true);
  has<string>()((await connect({ path: "x" })).localAddr.path, true);
  has<Connection>()(await connect(options), true);
  has<SocketAddress>()((await connect(options)).remoteAddr, true);
  has<number>()((await listen({ port: 1 }).accept()).remoteAddr.port, true);
  for await (const connection of listen({ path: "x" })) {
    has<string>()(connection.remoteAddr.path, true);
  }
  serve({ port: 1 }, (connection) => has<number>()(connection.remoteAddr.port, true));
  serve({ path: "x" }, (connection) => has<string>()(connection.remoteAddr.path, true));
  serve(
    { port: 1, onListen: ({ hostname, port }) => console.log(hostname.length + port) },
    untyped,
  );
  serve({ path: "x", onListen: ({ path }) => console.log(path.length) }, untyped);
  serve({
    port: 1,
    onListen: (addr: SocketAddress) => console.log(addr),
    onError: (_error: unknown, connection: Connection) => connection.reset(),
  }, untyped);
  serve({ port: 1, onError: (_error, { remoteAddr }) => console.log(remoteAddr.port) }, untyped);
  has<Server>()(serve(where, untyped), true);
  const all: Connection[] = [await connect({ port: 1 }), await connect({ path: "x" })];
  const servers: Server[] = [serve({ port: 1 }, untyped), serve({ path: "x" }, untyped)];
  // @ts-expect-error a Unix socket has no port
  (await connect({ path: "x" })).remoteAddr.port;
  // @ts-expect-error the handler wants connections of another kind
  serve({ port: 1 }, (connection: Connection<UnixAddress>) => connection.close());
  return [all, servers];
}

function handlers() {
  const take = (_handler: Handler) => {};
  take(async (connection) => {
    for await (const sga of connection) await connection.push(sga);
  });
  take(function* (connection) {
    const sga = yield* connection.pop();
    if (sga !== null) yield* connection.push(sga);
  });
  take((connection) => connection.close());
  // @ts-expect-error yield instead of yield*
  take(function* () {
    yield 1;
  });
  // @ts-expect-error an async generator is neither
  take(async function* (connection) {
    yield* connection;
  });
  take(async (connection) => (await connection.pop())?.length);
  take(function* (connection) {
    has<Sga | null>()(yield* connection.pop(), true);
    return 42;
  });
  take((connection) => connection.push(new Uint8Array(1)));
  take((connection) => Promise.all([connection.pop()]));
  // @ts-expect-error the connection would be closed at once
  take((connection) => new Set().add(connection));
}

Deno.test("the coroutine layer is typed as it says", () => {
  // That it compiled is the test; nothing of this runs.
  void [
    inCoroutine,
    inPromises,
    readingInCoroutine,
    readingInPromises,
    denoShapes,
    spawned,
    addresses,
    typedConnections,
    handlers,
  ];
});
