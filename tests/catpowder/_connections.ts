/**
 * A client on the kernel's sockets that has many connections at once: `_connections.ts HOSTNAME PORT COUNT`. Prints on how
 * many of them what was sent came back, while all were open.
 *
 * @module
 */

const [hostname, port, count] = Deno.args;

async function echo(connection: Deno.TcpConn, text: string): Promise<boolean> {
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(64);
  const length = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, length ?? 0)) === text;
}

const connections = await Promise.all(
  Array.from(
    { length: Number(count) },
    () => Deno.connect({ hostname: hostname!, port: Number(port) }),
  ),
);
const answers = await Promise.all(connections.map((one, i) => echo(one, `connection ${i}`)));
console.log(answers.filter((right) => right).length);
for (const one of connections) one.close();
