/**
 * Initial sequence numbers (RFC 6528): a clock, and a keyed hash of the connection, so that nobody can guess those of
 * others, and a connection that is made again begins later than it ended.
 *
 * @module
 */

import { hash, type HashKey } from "../hash.ts";
import type { IpAddress } from "../ip_address.ts";
import type { Time } from "../time.ts";

/** ISN = M + F(localip, localport, remoteip, remoteport, secretkey); M counts 4 microseconds, to the millisecond. */
export function initialSequence(
  key: HashKey,
  time: Time,
  local: IpAddress,
  remote: IpAddress,
  ports: number,
): number {
  return (Math.imul(time.ms, 250) + connectionHash(key, local, remote, ports)) | 0;
}

/** A keyed hash of a connection's addresses and ports. */
export function connectionHash(
  key: HashKey,
  local: IpAddress,
  remote: IpAddress,
  ports: number,
): number {
  const far = hash(key, remote.w0, remote.w1, remote.w2, remote.w3);
  const near = hash(key, local.w0, local.w1, local.w2, local.w3);
  return hash(key, far, near, ports, 0);
}
