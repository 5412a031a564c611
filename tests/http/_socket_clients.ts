/**
 * WebSockets of Deno under load, each with some messages under way: `URL SOCKETS SECONDS`. Prints how many echoes came back;
 * ends with 1 where one was wrong.
 *
 * @module
 */

const [url, sockets, seconds] = Deno.args;

/** Messages that are under way on a socket. */
const WINDOW = 8;
/** So long at most, and as long as any below. */
const LONGEST = 70_000;
const BYTES = new Uint8Array(LONGEST).map((_, i) => i * 31);
const TEXT = Array.from({ length: LONGEST }, (_, i) => String.fromCharCode(32 + i % 95)).join("");
const end = Date.now() + Number(seconds) * 1000;

/** The nth message: texts and bytes by turns, most of them short. */
function message(nth: number): string | Uint8Array<ArrayBuffer> {
  const length = nth % 50 === 49 ? LONGEST : nth * 37 % 400;
  return nth % 2 === 0 ? TEXT.slice(0, length) : BYTES.subarray(0, length);
}

function isSame(a: string | Uint8Array, b: string | ArrayBuffer): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  const bytes = new Uint8Array(b);
  return a.length === bytes.length && a.every((byte, i) => byte === bytes[i]);
}

/** Gives how many echoes came back. */
function talk(): Promise<number> {
  const socket = new WebSocket(url!);
  socket.binaryType = "arraybuffer";
  let [sent, heard] = [0, 0];
  return new Promise((resolve, reject) => {
    socket.onopen = () => {
      while (sent < WINDOW) socket.send(message(sent++));
    };
    socket.onmessage = ({ data }) => {
      if (!isSame(message(heard), data)) reject(new Error(`echo ${heard} came back wrong`));
      heard++;
      if (Date.now() < end) socket.send(message(sent++));
      else if (heard === sent) socket.close(1000);
    };
    socket.onclose = ({ code, reason }) =>
      code === 1000 ? resolve(heard) : reject(new Error(`closed: ${code} ${reason}`));
  });
}

const echoes = await Promise.all(Array.from({ length: Number(sockets) }, talk));
console.log(echoes.reduce((sum, one) => sum + one));
