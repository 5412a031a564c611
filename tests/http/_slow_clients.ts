/**
 * Clients that are slow, of Deno: `HOSTNAME PORT COUNT`. By turns they send a head that never ends, a body that never ends, and
 * requests without end whose answers they do not take. Prints `open` when all are connected, and `closed` when the server has
 * closed them all.
 *
 * @module
 */

const [hostname, port, count] = Deno.args;

/** Milliseconds between two things that a client says. */
const PAUSE = 1000;
/** Connections that are made at once. */
const AT_ONCE = 50;

const HOST = "Host: a\r\n";
const KINDS: [first: string, then: string][] = [
  [`GET / HTTP/1.1\r\n${HOST}${"X: slow\r\n".repeat(50)}`, "X: slow\r\n"],
  [`POST / HTTP/1.1\r\n${HOST}Content-Length: 1000000\r\n\r\n${"x".repeat(500)}`, "x"],
  [`GET /large HTTP/1.1\r\n${HOST}\r\n`.repeat(500), `GET /large HTTP/1.1\r\n${HOST}\r\n`],
];
const encoder = new TextEncoder();

const all: Promise<void>[] = [];
for (let nth = 0; nth < Number(count);) {
  const made = Array.from({ length: Math.min(AT_ONCE, Number(count) - nth) }, async () => {
    // Some take no answers: the kernel holds some megabytes for each of those.
    const kind = KINDS[nth % 100 === 9 ? 2 : nth % 2]!;
    nth++;
    const connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
    await connection.write(encoder.encode(kind[0]));
    all.push(beSlow(connection, kind[1]));
  });
  await Promise.all(made);
}
console.log("open");
await Promise.all(all);
console.log("closed");

/** Goes on until the server has closed it. */
async function beSlow(connection: Deno.TcpConn, what: string): Promise<void> {
  using _connection = connection;
  try {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      await connection.write(encoder.encode(what));
    }
  } catch {
    // It is closed.
  }
}
