/**
 * What a script takes for granted: the profile of whose it is, its options, and its commands, as settings of the stack.
 *
 * @module
 */

import { BOUNDS } from "../../../libos/inetstack/bounds.ts";
import type { KeepAlive } from "../../../libos/pdpix.ts";
import type { Place } from "./syntax.ts";
import { ScriptError } from "./syntax.ts";

/** Whose scripts they are: what those take for granted, and what of a segment is its sender's own choice. */
export type Profile = "linux" | "freebsd" | "demikernel";

/** What Linux counts the memory of TCP in. */
const PAGE = 4096;

/** See the module's description. Times are in milliseconds. */
export interface Settings {
  profile: Profile;
  /** What a socket of `...` is of, and what goes over the wire. */
  version: "ipv4" | "ipv6" | "ipv4-mapped-ipv6";
  localIp: string | null;
  remoteIp: string | null;
  mtu: number;
  /** How far times may be off. */
  tolerance: number;
  /** A tick of the host's timestamps; 0 if the script does not look at how they grow. */
  timestampTick: number;
  /** Whether a segment that is expected stands for one, and not for a run of them. */
  strictSegments: boolean;
  receiveBuffer: number;
  sendBuffer: number;
  timestamps: boolean;
  sack: boolean;
  windowScale: boolean;
  /** Linux's numbers: 0 off, 1 on, 2 for who asks. */
  ecn: number;
  congestion: string;
  /** Whether what RFC 5961 wants to be asked about is. */
  challengesResets: boolean;
  challengesSyns: boolean;
  /** Whether a SYN that is a FIN, too, does not get to TCP. */
  dropsSynFin: boolean;
  /** How much later than ours acknowledgments of text may be sent. */
  acknowledgmentDelay: number;
  /** How much later than the RTO says segments are sent again, at most. */
  retransmissionSlop: number;
  /** How long a connect is tried; Infinity for as often as the stack does. */
  connectTimeout: number;
  /** What keepalive is by default, in seconds. */
  readonly keepalive: { -readonly [Name in keyof KeepAlive]-?: number };
  /** How many connections may be in TIME-WAIT, and how many bytes of all connections may wait to be taken. */
  timeWaitLimit: number;
  memory: number;
  /** What was ignored, each once. */
  readonly notes: Set<string>;
}

/** The settings of a profile. */
export function settingsOf(profile: Profile): Settings {
  return {
    profile,
    version: "ipv4",
    localIp: null,
    remoteIp: null,
    mtu: 1500,
    // The kernel's own suite is run with 14 ms.
    tolerance: profile === "linux" ? 14 : 4,
    timestampTick: profile === "demikernel" ? 1 : 0,
    strictSegments: profile === "demikernel",
    // What tells a scale of 7 in Linux's way of counting; 6 in FreeBSD's; none in upstream's.
    receiveBuffer: { linux: 6_291_456, freebsd: 65_536, demikernel: 65_535 }[profile],
    sendBuffer: profile === "demikernel" ? 262_144 : 4_194_304,
    timestamps: true,
    sack: true,
    windowScale: true,
    ecn: 2,
    congestion: "cubic",
    challengesResets: true,
    challengesSyns: true,
    dropsSynFin: false,
    // What a receiver may wait at most (RFC 9293, section 3.8.6.3).
    acknowledgmentDelay: profile === "demikernel" ? 0 : 500,
    retransmissionSlop: profile === "freebsd" ? 200 : 0,
    connectTimeout: profile === "freebsd" ? 75_000 : Infinity,
    keepalive: { idle: 7200, interval: 75, count: profile === "freebsd" ? 8 : 9 },
    timeWaitLimit: BOUNDS.TIME_WAIT,
    memory: BOUNDS.TCP_MEMORY,
    notes: new Set(),
  };
}

/** Takes an option of a script, or of the command line. Throws {@linkcode ScriptError} for one that is not understood. */
export function applyOption(settings: Settings, name: string, value: string, place: Place): void {
  const number = Number(value);
  switch (name) {
    case "ip_version":
      if (value !== "ipv4" && value !== "ipv6" && value !== "ipv4-mapped-ipv6") {
        throw new ScriptError(place, `${value} is no version of IP`);
      }
      settings.version = value;
      return;
    case "tolerance_usecs":
      settings.tolerance = number / 1000;
      return;
    case "mtu":
      settings.mtu = number;
      return;
    case "tcp_ts_tick_usecs":
      settings.timestampTick = number / 1000;
      return;
    case "local_ip":
      settings.localIp = value;
      return;
    case "remote_ip":
      settings.remoteIp = value;
      return;
    case "strict_segments":
      settings.strictSegments = true;
      return;
    case "gateway_ip":
    case "netmask_ip":
    case "mss":
    case "speed":
    case "init_scripts":
    case "bind_port":
    case "connect_port":
    case "non_fatal":
    case "send_omit_free":
    case "verbose":
    case "dry_run":
    case "wire_client":
    case "so_filename":
    case "tolerance_percent":
      // Nothing of the stack: the peer is always next door, and what it sends is given to the stack as it is.
      return;
    default:
      throw new ScriptError(place, `the option --${name} is not understood`);
  }
}

/** Takes a command of a shell: what it sets is set, everything else is said once, and nothing is run. */
export function applyCommand(settings: Settings, command: string): void {
  for (const line of command.replaceAll("\\\n", " ").split(/\n|&&|;/)) {
    const text = line.replace(/^\s*#.*/, "").trim();
    if (text === "") continue;
    const [program] = text.split(/\s/);
    if (program === "sysctl" || /set_sysctls\.py$/.test(program!)) applySysctls(settings, text);
    else if (/defaults\.sh$/.test(program!)) applyDefaults(settings);
    else if (!/sysctl_restore/.test(text)) settings.notes.add(`ignored: ${program}`);
  }
}

/** What the `defaults.sh` of Google's suite and of the kernel's sets. */
function applyDefaults(settings: Settings): void {
  applySysctls(settings, 'sysctl net.ipv4.tcp_rmem="4096 540000 15728640"');
  Object.assign(settings, { timestamps: true, sack: true, ecn: 0, congestion: "cubic" });
}

function applySysctls(settings: Settings, text: string): void {
  const pairs = text.matchAll(/([a-z_0-9./]+)=(?:"([^"]*)"|'([^']*)'|([^\s]*))/g);
  for (const [, path, ...values] of pairs) {
    const name = path!.replace(/^\/proc\/sys\//, "").replaceAll("/", ".");
    setSysctl(settings, name, values.find((value) => value !== undefined) ?? "");
  }
}

function setSysctl(settings: Settings, name: string, value: string): void {
  const number = Number(value);
  switch (name) {
    case "net.ipv4.tcp_timestamps":
      settings.timestamps = number !== 0;
      return;
    case "net.ipv4.tcp_sack":
    case "net.inet.tcp.sack.enable":
      settings.sack = number !== 0;
      return;
    case "net.ipv4.tcp_window_scaling":
      settings.windowScale = number !== 0;
      return;
    case "net.inet.tcp.rfc1323":
      settings.timestamps = settings.windowScale = number !== 0;
      return;
    case "net.ipv4.tcp_ecn":
    case "net.inet.tcp.ecn.enable":
      settings.ecn = number;
      return;
    case "net.ipv4.tcp_congestion_control":
    case "net.inet.tcp.cc.algorithm":
      settings.congestion = value;
      return;
    case "net.ipv4.tcp_rmem":
      settings.receiveBuffer = lastNumber(value) ?? settings.receiveBuffer;
      return;
    case "net.ipv4.tcp_wmem":
      settings.sendBuffer = lastNumber(value) ?? settings.sendBuffer;
      return;
    case "net.inet.tcp.insecure_rst":
      settings.challengesResets = number === 0;
      return;
    case "net.inet.tcp.insecure_syn":
      settings.challengesSyns = number === 0;
      return;
    case "net.inet.tcp.drop_synfin":
      settings.dropsSynFin = number !== 0;
      return;
    case "net.inet.tcp.rexmit_slop":
      settings.retransmissionSlop = number;
      return;
    case "net.inet.tcp.keepinit":
      settings.connectTimeout = number;
      return;
    case "net.inet.tcp.keepidle":
      settings.keepalive.idle = number / 1000;
      return;
    case "net.inet.tcp.keepintvl":
      settings.keepalive.interval = number / 1000;
      return;
    case "net.inet.tcp.keepcnt":
      settings.keepalive.count = number;
      return;
    case "net.ipv4.tcp_max_tw_buckets":
      settings.timeWaitLimit = number;
      return;
    case "net.ipv4.tcp_mem":
      settings.memory = (lastNumber(value) ?? 0) * PAGE;
      return;
    case "net.inet.tcp.sendspace":
      settings.sendBuffer = number;
      return;
    case "net.inet.tcp.recvspace":
      settings.receiveBuffer = number;
      return;
    default:
      settings.notes.add(`ignored: ${name}`);
  }
}

/** The last of several numbers: the most that a buffer grows to. The shell's products are understood: `$((32*1024*1024))`. */
function lastNumber(value: string): number | null {
  const last = value.trim().split(/\s+/).at(-1)!;
  const factors = last.replace(/^\$\(\(|\)\)$/g, "").split("*").map(Number);
  const product = factors.reduce((one, other) => one * other, 1);
  return product > 0 ? product : null;
}
