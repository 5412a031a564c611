/**
 * The ports of the own host: which are bound, and which one a connection begins from.
 *
 * @module
 */

import { EphemeralPorts } from "../ports.ts";
import type { HashKey } from "../hash.ts";
import type { IpAddress } from "../ip_address.ts";
import type { ConnectionTable } from "./table.ts";

/** The number of TCP, which tells its choice of ports from that of others. */
const PROTOCOL = 6;

/** See the module's description. */
export class LocalPorts {
  readonly #ephemeral: EphemeralPorts;
  readonly #table: ConnectionTable;
  /** Ports of sockets that are bound, and to which addresses. */
  readonly #bound = new Map<number, IpAddress[]>();

  /** Makes the ports of a host, with a secret. */
  constructor(key: HashKey, table: ConnectionTable) {
    this.#ephemeral = new EphemeralPorts(key);
    this.#table = table;
  }

  /** Takes a port for a socket, one that is free for 0; gives it, or 0 if it is not to be had. */
  bind(address: IpAddress, port: number, reuse: boolean): number {
    if (port === 0) {
      port = this.#choose(address, address, 0, (one) => this.#isFree(address, one));
    } else if (!this.#mayBind(address, port, reuse)) {
      return 0;
    }
    if (port === 0) return 0;
    const bound = this.#bound.get(port);
    if (bound === undefined) this.#bound.set(port, [address]);
    else bound.push(address);
    return port;
  }

  /** Gives a port back. */
  unbind(address: IpAddress, port: number): void {
    const bound = this.#bound.get(port)!;
    bound.splice(bound.findIndex((one) => one.equals(address)), 1);
    if (bound.length === 0) this.#bound.delete(port);
  }

  /** Chooses a port to connect from; 0 if none is free. */
  chooseFor(local: IpAddress, remote: IpAddress, remotePort: number): number {
    return this.#choose(
      local,
      remote,
      remotePort,
      (one) => !this.#bound.has(one) && this.#table.lookup(local, one, remote, remotePort) === null,
    );
  }

  /** Chooses a port for which `isFree` says so; 0 if none is. */
  #choose(
    local: IpAddress,
    remote: IpAddress,
    remotePort: number,
    isFree: (port: number) => boolean,
  ): number {
    const [from, to] = [local.w3 ^ local.w0, remote.w3 ^ remote.w0];
    return this.#ephemeral.choose(from, to, remotePort, PROTOCOL, isFree);
  }

  #isFree(address: IpAddress, port: number): boolean {
    const bound = this.#bound.get(port);
    return (bound === undefined || !bound.some((one) => one.overlaps(address))) &&
      !this.#hasConnection(port);
  }

  /** Whether a port that was named may be had: connections that linger on it hinder only who does not say `reuse`. */
  #mayBind(address: IpAddress, port: number, reuse: boolean): boolean {
    const bound = this.#bound.get(port) ?? [];
    if (bound.some((one) => one.overlaps(address))) return false;
    return reuse || !this.#hasConnection(port);
  }

  #hasConnection(port: number): boolean {
    for (const { localPort } of this.#table) if (localPort === port) return true;
    return false;
  }
}
