/**
 * Sockets, and how they get connections.
 *
 * @module
 */

import { type Attempt, DONE, type Outcome, type System } from "./system.ts";
import type { CallEvent, Expression } from "./syntax.ts";
import type { Connection } from "../../../libos/inetstack/tcp/connection.ts";
import { Descriptor } from "./descriptor.ts";
import { Flow, PEER_PORT, SERVER_PORT } from "./flow.ts";
import type { InetAddress } from "../../../libos/pdpix.ts";
import { fieldOf, named, numberOf, textOf } from "./values.ts";

export function socket(system: System, { args, result }: CallEvent): Outcome {
  const family = numberOf(args[0]);
  const byVersion = system.settings.version === "ipv4" ? "inet" : "inet6";
  const domain = family === null ? byVersion : family === named("AF_INET") ? "inet" : "inet6";
  const flags = numberOf(args[1]) ?? 1;
  const type = (flags & 15) === 2 ? "dgram" : "stream";
  const one = new Descriptor(system.host.socket(domain, type), type, domain);
  one.nonblocking = (flags & named("SOCK_NONBLOCK")!) !== 0;
  one.connectTimeout = system.settings.connectTimeout;
  if (type === "stream") giveDefaults(system, one);
  return system.name(one, result);
}

function giveDefaults(system: System, { qd }: Descriptor): void {
  const { profile, receiveBuffer, sendBuffer, congestion } = system.settings;
  if (congestion === "reno" || congestion === "newreno") {
    system.host.setsockopt(qd, "congestion", "reno");
  }
  system.host.setsockopt(qd, "receiveBuffer", receiveBuffer);
  system.host.setsockopt(qd, "sendBuffer", sendBuffer);
  // A kernel's socket waits for more (RFC 9293, section 3.7.4), where ours does not by default.
  if (profile !== "demikernel") system.host.setsockopt(qd, "nodelay", false);
}

export function bind(system: System, { args }: CallEvent): Outcome {
  const one = system.get(args[0]);
  const any = one.domain === "inet"
    ? system.local
    : system.settings.version === "ipv6"
    ? system.local
    : "::";
  const address = addressOf(args[1]) ?? { hostname: any, port: SERVER_PORT };
  system.host.bind(one.qd, address);
  one.bound = true;
  if (one.type === "dgram") system.flows.push(new Flow(address.port, SERVER_PORT));
  return DONE;
}

export function listen(system: System, { args }: CallEvent): Outcome {
  const one = system.get(args[0]);
  if (one.type === "dgram") return { value: -1, errno: "EOPNOTSUPP" };
  if (!one.bound) {
    system.host.bind(one.qd, { hostname: one.domain === "inet" ? "0.0.0.0" : "::", port: 0 });
    one.bound = true;
  }
  // A kernel lets one more in than was asked for, and at least that.
  const backlog = (numberOf(args[1]) ?? 1) + (system.settings.profile === "demikernel" ? 0 : 1);
  system.host.listen(one.qd, Math.min(Math.max(backlog, 1), 4096));
  one.listening = true;
  system.current ??= one;
  const { port } = system.host.getsockname(one.qd) as InetAddress;
  system.flows.push(new Flow(port, PEER_PORT));
  return DONE;
}

export function accept(system: System, { args, result }: CallEvent): Attempt {
  const one = system.get(args[0]);
  return system.operation(() => system.host.accept(one.qd), (completion) => {
    if (completion.opcode !== "accept") return DONE;
    const accepted = new Descriptor(completion.accepted, "stream", one.domain);
    accepted.nonblocking = ((numberOf(args[3]) ?? 0) & named("SOCK_NONBLOCK")!) !== 0;
    accepted.connection = findConnection(system, accepted);
    accepted.keepalive = one.keepalive;
    accepted.keepaliveTimes = one.keepaliveTimes;
    accepted.corked = one.corked;
    system.current = accepted;
    system.settle();
    return system.name(accepted, system.waitedFor ?? result);
  });
}

function findConnection(system: System, { qd }: Descriptor): Connection | null {
  const local = system.host.getsockname(qd) as InetAddress;
  const remote = system.host.getpeername(qd) as InetAddress;
  return system.host.connectionOf(local.port, remote.port) ?? null;
}

export function connect(system: System, { args }: CallEvent): Attempt | Outcome {
  const one = system.get(args[0]);
  system.lookAtConnecting(one);
  if (one.error !== null) return system.tellError(one);
  const mapped = system.settings.version === "ipv4-mapped-ipv6"
    ? `::ffff:${system.remote}`
    : system.remote;
  const address = addressOf(args[1]) ?? { hostname: mapped, port: SERVER_PORT };
  const flow = new Flow(0, address.port);
  const start = () => {
    const token = system.host.connect(one.qd, address);
    flow.localPort = (system.host.getsockname(one.qd) as InetAddress).port;
    system.flows.push(flow);
    one.connecting = token;
    system.current = one;
    if (one.type === "stream") {
      one.connection = system.host.connectionOf(flow.localPort, address.port) ?? null;
      if (one.connection !== null && one.connectTimeout < Infinity) {
        one.connection.userTimeout = one.connectTimeout;
      }
    }
    return token;
  };
  const operation = system.operation(start, () => {
    one.connecting = null;
    return DONE;
  }, () => one.connecting = null);
  // A connect that is given up goes on.
  return { poll: operation.poll, cancel: () => {} };
}

/** An address that a script gives; null for `...`. */
export function addressOf(value: Expression | undefined): InetAddress | null {
  const port = numberOf(fieldOf(value, "sin_port", "sin6_port"));
  const host = fieldOf(value, "sin_addr", "sin6_addr");
  const hostname = host?.kind === "call" ? textOf(host.items.at(-1)) : textOf(host);
  return port === null || hostname === null ? null : { hostname, port };
}
