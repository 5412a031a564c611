/**
 * The peer of ordinary Bun code: an echo server over `Bun.listen`, or with `--udp` over `Bun.udpSocket`. It
 * runs under Bun itself.
 *
 *     bun bun_echo.ts [--hostname 127.0.0.1] [--port 0] [--udp]
 *
 * @module
 */
import { parseArgs } from "node:util";

/** As much of Bun as is used here, for a type checker that does not know it. */
declare const Bun: {
  listen(options: {
    hostname: string;
    port: number;
    socket: {
      open(socket: Socket): void;
      data(socket: Socket, chunk: Uint8Array): void;
      drain(socket: Socket): void;
      error(socket: Socket, error: Error): void;
    };
  }): { readonly port: number };
  udpSocket(options: {
    hostname: string;
    port: number;
    socket: {
      data(socket: DatagramSocket, message: Uint8Array, port: number, address: string): void;
    };
  }): Promise<{ readonly port: number }>;
};

interface Socket {
  /** What the kernel has not taken yet. */
  data: Uint8Array[];
  /** Gives how many bytes the kernel took, or -1 if the connection is closed; the rest is the caller's. */
  write(data: Uint8Array): number;
  setNoDelay(noDelay: boolean): void;
  pause(): void;
  resume(): void;
  end(): void;
}

interface DatagramSocket {
  send(data: Uint8Array, port: number, address: string): boolean;
}

const { values } = parseArgs({
  options: {
    hostname: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
    udp: { type: "boolean", default: false },
  },
});
const { hostname } = values;
const port = Number(values.port);

const listener = values.udp ? await serveDatagrams() : serveConnections();
console.log(`listening on ${hostname}:${listener.port}`);

function serveConnections() {
  return Bun.listen({
    hostname,
    port,
    socket: {
      open(socket) {
        socket.data = [];
        socket.setNoDelay(true);
      },
      data(socket, chunk) {
        const sent = socket.data.length > 0 ? 0 : socket.write(chunk);
        if (sent < 0 || sent === chunk.length) return;
        socket.data.push(chunk.slice(sent));
        socket.pause();
      },
      drain(socket) {
        const pending = socket.data;
        while (pending.length > 0) {
          const chunk = pending[0]!;
          const sent = socket.write(chunk);
          if (sent < 0) return;
          if (sent < chunk.length) {
            pending[0] = chunk.subarray(sent);
            return;
          }
          pending.shift();
        }
        socket.resume();
      },
      // The client reset the connection: that ends it, and nothing else.
      error: (socket) => socket.end(),
    },
  });
}

function serveDatagrams() {
  return Bun.udpSocket({
    hostname,
    port,
    socket: {
      // A datagram that could not be sent is lost, as datagrams may be.
      data: (socket, message, port, address) => void socket.send(message, port, address),
    },
  });
}
