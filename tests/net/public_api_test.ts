import { assertEquals } from "@std/assert";
import * as mod from "../../mod.ts";

/** What `mod.ts` exports, by kind as `deno doc` has it. */
const EXPORTS: Record<string, string[]> = {
  class: [
    "Connection",
    "Datagram",
    "DemikernelError",
    "DenoConn",
    "DenoListener",
    "Listener",
    "Messages",
    "Reader",
    "Server",
    "SimulatedNetwork",
    "Socket",
  ],
  function: ["connect", "datagram", "listen", "open", "resolve", "serve", "simulate"],
  interface: [
    "AcceptCompletion",
    "AddressOptions",
    "BurstLoss",
    "ByteSource",
    "ByteStream",
    "Capabilities",
    "CompletionBase",
    "ConnectCompletion",
    "ConnectionStatistics",
    "DatagramOptions",
    "DemikernelErrorOptions",
    "DeviceLibOSOptions",
    "DeviceStatistics",
    "DpdkOptions",
    "ExitReport",
    "FailedCompletion",
    "HostOptions",
    "InetAddress",
    "InetEndpoint",
    "KeepAlive",
    "LibOS",
    "LibOSOption",
    "Link",
    "LinkOptions",
    "MemifOptions",
    "MessageCodec",
    "MessageHeader",
    "MessagesOptions",
    "MulticastGroup",
    "NativeConfiguration",
    "NetworkOptions",
    "OpenOptions",
    "Operation",
    "OperationOptions",
    "Operations",
    "Outcome",
    "PacketOptions",
    "PopCompletion",
    "PopOptions",
    "PushCompletion",
    "QueueStatistics",
    "ReaderOptions",
    "ResolveOptions",
    "ResolverOption",
    "RouteOptions",
    "RunOptions",
    "ServerOptions",
    "Sga",
    "ShutdownOptions",
    "SimulatedHost",
    "SocketOptions",
    "Statistics",
    "StorageOptions",
    "Suspension",
    "TapOptions",
    "TcpOptions",
    "UnixAddress",
    "UnixEndpoint",
    "XdpOptions",
  ],
  typeAlias: [
    "AddressOf",
    "Completion",
    "ConnectOptions",
    "Coroutine",
    "DenoAddr",
    "DeviceKind",
    "DeviceOptions",
    "Domain",
    "Endpoint",
    "ErrnoName",
    "Family",
    "Handler",
    "IdlePolicy",
    "LibOSName",
    "ListenOptions",
    "MessageHeaderKind",
    "NativeLibOS",
    "Provider",
    "QToken",
    "QueueDescriptor",
    "Resolver",
    "ServeOptions",
    "SocketAddress",
    "SocketType",
    "XdpMode",
  ],
  variable: ["Errno", "LIBOS_NAMES"],
};

Deno.test("mod.ts exports the values that it should, and no others", () => {
  const values = [...EXPORTS.class!, ...EXPORTS.function!, ...EXPORTS.variable!];
  assertEquals(Object.keys(mod).sort(), values.sort());
});

Deno.test("mod.ts exports the names that it should, each documented, and no others", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", new URL("../../mod.ts", import.meta.url).pathname],
  }).output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const { symbols } = Object.values(nodes)[0] as { symbols: DocumentedSymbol[] };
  const found: Record<string, string[]> = {};
  for (const { name, declarations } of symbols) {
    for (const kind of new Set(declarations.map(({ kind }) => kind))) {
      (found[kind] ??= []).push(name);
    }
    const documented = declarations.some(({ jsDoc }) => jsDoc?.doc);
    assertEquals(documented, true, `${name} has no documentation`);
  }
  for (const names of Object.values(found)) names.sort();
  assertEquals(found, EXPORTS);
});

/** What `deno doc --json` tells of a symbol. */
interface DocumentedSymbol {
  name: string;
  declarations: { kind: string; jsDoc?: { doc?: string } }[];
}
