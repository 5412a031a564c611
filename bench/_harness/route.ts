/**
 * How a client comes to a server. Most servers are on this host's loopback; one on a libOS with a device of its own
 * is on a host of its own.
 *
 * @module
 */
import type { LibOSName } from "../../mod.ts";
import type { ServerCommand } from "./server.ts";

/** A client on a libOS of ours. */
export interface LibOSClient {
  /** Which libOS. */
  readonly libos: LibOSName;
  /** The path of a native libOS's configuration file, if it needs one. */
  readonly configuration?: string;
  /** The device, if it needs one. */
  readonly device?: string;
  /** Its address there, with its prefix. */
  readonly address?: string;
}

/** The way from a client to a server. */
export interface Route {
  /** The IPv4 address on which the server listens, and to which the client connects. */
  readonly hostname: string;
  /** What the server is run by: a command line that goes on with that of the server. */
  readonly serverPrefix: readonly string[];
  /** What the client is run by. */
  readonly clientPrefix: readonly string[];
  /** More environment variables of the server. */
  readonly serverEnv: Readonly<Record<string, string>>;
  /** The client is on this libOS; where it is absent, on the kernel's sockets. */
  readonly client?: LibOSClient;
  /** Has to be called before a server starts. Removes what an earlier one left. */
  readonly prepare?: () => void;
  /** Has to be called once the server listens, for what cannot be set up before. Throws if that fails. */
  readonly complete?: () => void;
  /**
   * Whether it leads to one server at a time, which has a device or an address for itself.
   *
   * @default {false}
   */
  readonly exclusive?: boolean;
  /**
   * Whether connections are known to fall silent now and then, by a fault of the server's TCP. Echoes go on over
   * another one then, and other measurements are begun again.
   *
   * @default {false}
   */
  readonly stalls?: boolean;
}

/** The kernel's loopback. */
export const LOOPBACK: Route = {
  hostname: "127.0.0.1",
  serverPrefix: [],
  clientPrefix: [],
  serverEnv: {},
};

/** Returns the command of the same server, which listens where a route leads. */
export function routed(command: ServerCommand, route: Route): ServerCommand {
  const { argv, hostnameOption = "--hostname" } = command;
  return { ...command, argv: [...argv, hostnameOption, route.hostname], route };
}
