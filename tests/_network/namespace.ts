/**
 * Network namespaces without a name: hosts of their own, that vanish with the last process that has them open. So
 * nothing is left behind, however a test ends.
 *
 * @module
 */

const SYMBOLS = {
  unshare: { parameters: ["i32" /* int flags */], result: "i32" },
  setns: { parameters: ["i32", /* int fd */ "i32" /* int nstype */], result: "i32" },
  open: { parameters: ["buffer", /* const char* path */ "i32" /* int flags */], result: "i32" },
  close: { parameters: ["i32" /* int fd */], result: "i32" },
  mount: {
    parameters: [
      "buffer", // const char* source
      "buffer", // const char* target
      "buffer", // const char* filesystemtype
      "u64", // unsigned long mountflags
      "pointer", // const void* data
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const CLONE_NEWNS = 0x20000;
const CLONE_NEWNET = 0x40000000;
const O_CLOEXEC = 0o2000000;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x40000;

/** What the kernel, or who may use it, does not let be done. */
export class NetworkUnavailableError extends Error {
  override readonly name = "NetworkUnavailableError";
}

/** Opens libc for a moment, so that no test has it open at its end. Gives what failed. */
function withLibc<T>(
  use: (libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]) => T,
): T {
  const library = Deno.dlopen("libc.so.6", SYMBOLS);
  try {
    return use(library.symbols);
  } finally {
    library.close();
  }
}

function check(what: string, result: number): number {
  if (result >= 0) return result;
  throw new NetworkUnavailableError(`${what} failed: that needs root, or CAP_SYS_ADMIN`);
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/** A host of its own: interfaces, addresses and sockets that no other has. */
export class Namespace implements Disposable {
  readonly #fd: number;

  /** Makes an empty one, and brings its loopback up. Throws {@linkcode NetworkUnavailableError}. */
  constructor() {
    this.#fd = withLibc(({ open, unshare, setns, close }) => {
      const current = cString("/proc/thread-self/ns/net");
      const home = check("open", open(current, O_CLOEXEC));
      try {
        // Namespaces belong to threads, and this thread comes back before it does anything else.
        check("unshare", unshare(CLONE_NEWNET));
        const made = open(current, O_CLOEXEC);
        check("setns", setns(home, CLONE_NEWNET));
        return check("open", made);
      } finally {
        close(home);
      }
    });
    try {
      this.ip("link set lo up");
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Where other processes find it, as long as this one has it open. */
  get path(): string {
    return `/proc/${Deno.pid}/fd/${this.#fd}`;
  }

  /** This thread goes there for good: sockets that it makes from now on are there. */
  enter(): void {
    withLibc(({ setns }) => check("setns", setns(this.#fd, CLONE_NEWNET)));
  }

  /** Calls a function there, and comes back: what it opens stays there. */
  call<T>(use: () => T): T {
    return withLibc(({ open, setns, close }) => {
      const home = check("open", open(cString("/proc/thread-self/ns/net"), O_CLOEXEC));
      try {
        check("setns", setns(this.#fd, CLONE_NEWNET));
        return use();
      } finally {
        setns(home, CLONE_NEWNET);
        close(home);
      }
    });
  }

  /** As {@linkcode Namespace.enter}, and what is below `/sys` tells of the interfaces there, also later. */
  enterWithSysfs(): void {
    this.enter();
    withLibc(({ unshare, mount }) => {
      check("unshare", unshare(CLONE_NEWNS));
      const none = cString("none");
      check("mount", mount(none, cString("/"), none, BigInt(MS_REC | MS_PRIVATE), null));
      check("mount", mount(none, cString("/sys"), cString("sysfs"), 0n, null));
    });
  }

  /**
   * What to put before a command line for it to run there, with a `/sys` that tells of the interfaces there. The
   * process stays the same, and becomes what the command line says.
   */
  get prefix(): readonly string[] {
    const shell = 'mount -t sysfs none /sys && exec "$@"';
    return ["nsenter", `--net=${this.path}`, "unshare", "--mount", "sh", "-c", shell, "sh"];
  }

  /** A program that runs there, as {@linkcode Namespace.prefix} has it. */
  command(program: string, options: Deno.CommandOptions = {}): Deno.Command {
    const [nsenter, ...there] = this.prefix;
    const args = [...there, program, ...options.args ?? []];
    return new Deno.Command(nsenter!, { ...options, args });
  }

  /** Runs `ip` there. Throws {@linkcode NetworkUnavailableError} with what that says. */
  ip(line: string): void {
    run("nsenter", [`--net=${this.path}`, "ip", ...line.split(" ")]);
  }

  /** Runs `ethtool` there, as {@linkcode Namespace.ip}. */
  ethtool(line: string): void {
    run("nsenter", [`--net=${this.path}`, "ethtool", ...line.split(" ")]);
  }

  /** Lets go of it. It ends when no process is there any more. */
  [Symbol.dispose](): void {
    withLibc(({ close }) => close(this.#fd));
  }
}

function run(program: string, args: string[]): void {
  const what = args.slice(1).join(" ");
  let output: Deno.CommandOutput;
  try {
    output = new Deno.Command(program, { args, stdin: "null" }).outputSync();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new NetworkUnavailableError(`needs ${program}: apt install util-linux`);
  }
  if (output.success) return;
  const said = new TextDecoder().decode(output.stderr).trim().split("\n")[0]!;
  throw new NetworkUnavailableError(
    said.startsWith("nsenter: failed to execute")
      ? `needs ${args[1]}: apt install iproute2 ethtool`
      : `"${what}" failed: ${said}`,
  );
}
