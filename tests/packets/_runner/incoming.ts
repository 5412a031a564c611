/**
 * Packets of the peer, as frames.
 *
 * @module
 */

import { Flow, patternOf, PEER_FIRST, PEER_PORT, SERVER_PORT } from "./flow.ts";
import { isRefusal } from "./icmp_names.ts";
import { IpAddress } from "../../../libos/inetstack/ip_address.ts";
import {
  type IpHeader,
  layOutDatagram,
  layOutFrame,
  layOutIcmp,
  layOutPacket,
  layOutSegment,
  PROTOCOL,
} from "./wire.ts";
import { layOutOptions } from "./options.ts";
import type { IcmpSpec, PacketEvent, PacketSpec, TcpOption, TcpSpec } from "./syntax.ts";
import { STATE } from "../../../libos/inetstack/tcp/state.ts";
import type { System } from "./system.ts";

/** What a router quotes of a packet of IPv4 beyond its header, at least (RFC 792), and most of today's (RFC 1812). */
const QUOTED = 64;

/** Lays out what an event lets arrive. */
export function layOutEvent(event: PacketEvent, system: System): Uint8Array<ArrayBuffer>[] {
  const spec = event.packet;
  const flow = flowOf(spec, system);
  const protocol = spec.kind === "icmp"
    ? (isV6(system) ? PROTOCOL.icmpv6 : PROTOCOL.icmp)
    : PROTOCOL[spec.kind];
  const header = headerOf(system, protocol, spec);
  switch (spec.kind) {
    case "tcp":
      return [layOutFrame(header, layOutTcp(spec, flow, header, system))];
    case "udp": {
      const ports = [flow.remotePort, flow.localPort] as const;
      return [
        layOutFrame(
          header,
          layOutDatagram(header, ports, patternOf(0, spec.length), spec.ip.badChecksum),
        ),
      ];
    }
    case "icmp":
      return [layOutFrame(header, layOutMessage(spec, flow, header, system))];
  }
}

function isV6({ settings }: System): boolean {
  return settings.version === "ipv6";
}

function headerOf(system: System, protocol: number, spec: PacketSpec): IpHeader {
  const { ecn = 0, ttl = 64, tos = 0 } = spec.ip;
  return {
    source: IpAddress.parse(system.remote)!,
    destination: IpAddress.parse(system.local)!,
    protocol,
    tos: tos | ecn,
    ttl,
  };
}

/** The flow that a packet is of: the last one, or that of another port of the peer's. */
function flowOf(spec: PacketSpec, system: System): Flow {
  const { flows } = system;
  const last = flows.at(-1) ?? new Flow(SERVER_PORT, PEER_PORT);
  const { peer } = spec.ip;
  if (peer === undefined || peer === last.remotePort) return last;
  const known = flows.find((one) => one.remotePort === peer && one.localPort === last.localPort);
  if (known !== undefined) return known;
  const flow = new Flow(last.localPort, peer);
  // The last one stays the one that is spoken of by default.
  flows.splice(flows.length - 1, 0, flow);
  return flow;
}

function layOutTcp(
  spec: TcpSpec,
  flow: Flow,
  header: IpHeader,
  system: System,
): Uint8Array<ArrayBuffer> {
  const { flags, seq, length } = spec;
  const isSyn = flags.includes("S");
  if (isSyn) {
    flow.peerScales = spec.options?.some(({ kind }) => kind === "wscale") ?? false;
    flow.peerMss = spec.options?.find((option) => option.kind === "mss")?.value ?? null;
  }
  if (isSyn && !flags.includes(".")) {
    const connection = system.host.connectionOf(flow.localPort, flow.remotePort);
    flow.mayRestart = connection === undefined || connection.state === STATE.TIME_WAIT;
  }
  const options = (spec.options ?? []).map((option): TcpOption => {
    switch (option.kind) {
      case "sack": {
        const blocks = option.blocks.map(([from, to]) =>
          [flow.absolute(from), flow.absolute(to)] as const
        );
        return { kind: "sack", blocks };
      }
      case "TS":
        return { ...option, echo: flow.echo(option.echo ?? 0) };
      default:
        return option;
    }
  });
  return layOutSegment(header, {
    sourcePort: flow.remotePort,
    destinationPort: flow.localPort,
    seq: Flow.peerAbsolute(seq),
    ack: flags.includes(".") ? flow.absolute(spec.ack ?? 0) : spec.ack ?? 0,
    flags,
    window: spec.window ?? 0,
    urgent: spec.urgent ?? 0,
    options: layOutOptions(options),
    text: patternOf(seq + (isSyn ? 1 : 0) - 1, length),
  }, spec.ip.badChecksum);
}

/** An error about a packet of the host; anything else has nothing to quote. */
function layOutMessage(
  spec: IcmpSpec,
  flow: Flow,
  header: IpHeader,
  system: System,
): Uint8Array<ArrayBuffer> {
  const { type, code, quoted } = spec;
  const isError = isV6(system) ? type < 128 : [3, 4, 5, 11, 12].includes(type);
  if (!isError) return layOutIcmp(header, type, code, 0, patternOf(0, 8));
  system.refused = isRefusal(type, code, isV6(system) ? 6 : 4);
  const back: IpHeader = {
    source: header.destination,
    destination: header.source,
    protocol: PROTOCOL[quoted.protocol],
    tos: 0,
    ttl: 63,
  };
  const about = quoted.protocol === "udp"
    ? layOutDatagram(back, [flow.localPort, flow.remotePort], patternOf(0, quoted.length))
    : layOutSegment(back, {
      sourcePort: flow.localPort,
      destinationPort: flow.remotePort,
      seq: flow.absolute(quoted.seq),
      ack: PEER_FIRST,
      flags: ".",
      window: 0,
      urgent: 0,
      options: new Uint8Array(),
      text: patternOf(quoted.seq - 1, quoted.length),
    });
  const packet = layOutPacket(back, about);
  return layOutIcmp(
    header,
    type,
    code,
    spec.mtu ?? 0,
    packet.subarray(0, (isV6(system) ? 40 : 20) + QUOTED),
  );
}
