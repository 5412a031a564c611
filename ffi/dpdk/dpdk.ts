/**
 * DPDK by its runtime libraries: what they export, and where in their memory is what its headers do inline. Of ABI 23,
 * which is DPDK 22.11.
 *
 * @module
 */

/** The version of the ABI that the layouts below are of. */
const ABI = "23";

const EAL = {
  // int rte_eal_init(int argc, char **argv)
  rte_eal_init: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const ETHDEV = {
  // int rte_eth_dev_is_valid_port(uint16_t port)
  rte_eth_dev_is_valid_port: { parameters: ["u16"], result: "i32" },
  // int rte_eth_dev_get_name_by_port(uint16_t port, char *name)
  rte_eth_dev_get_name_by_port: { parameters: ["u16", "buffer"], result: "i32" },
  // int rte_eth_dev_configure(uint16_t port, uint16_t rx, uint16_t tx, const struct rte_eth_conf *configuration)
  rte_eth_dev_configure: { parameters: ["u16", "u16", "u16", "buffer"], result: "i32" },
  // int rte_eth_dev_adjust_nb_rx_tx_desc(uint16_t port, uint16_t *rx, uint16_t *tx)
  rte_eth_dev_adjust_nb_rx_tx_desc: { parameters: ["u16", "buffer", "buffer"], result: "i32" },
  // int rte_eth_rx_queue_setup(port, queue, descriptors, unsigned int socket, configuration, struct rte_mempool *pool)
  rte_eth_rx_queue_setup: {
    parameters: ["u16", "u16", "u16", "u32", "pointer", "u64"],
    result: "i32",
  },
  // int rte_eth_tx_queue_setup(port, queue, descriptors, unsigned int socket, configuration)
  rte_eth_tx_queue_setup: { parameters: ["u16", "u16", "u16", "u32", "pointer"], result: "i32" },
  // int rte_eth_dev_start(uint16_t port)
  rte_eth_dev_start: { parameters: ["u16"], result: "i32" },
  // int rte_eth_dev_stop(uint16_t port)
  rte_eth_dev_stop: { parameters: ["u16"], result: "i32" },
  // int rte_eth_allmulticast_enable(uint16_t port)
  rte_eth_allmulticast_enable: { parameters: ["u16"], result: "i32" },
  // int rte_eth_macaddr_get(uint16_t port, struct rte_ether_addr *mac)
  rte_eth_macaddr_get: { parameters: ["u16", "buffer"], result: "i32" },
  // struct rte_eth_fp_ops rte_eth_fp_ops[]
  rte_eth_fp_ops: { type: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

const MBUF = {
  // struct rte_mempool *rte_pktmbuf_pool_create(name, unsigned n, unsigned cache, u16 private, u16 room, int socket)
  rte_pktmbuf_pool_create: {
    parameters: ["buffer", "u32", "u32", "u16", "u16", "i32"],
    result: "pointer",
  },
  // void rte_pktmbuf_free_bulk(struct rte_mbuf **mbufs, unsigned int count)
  rte_pktmbuf_free_bulk: { parameters: ["u64", "u32"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

const MEMPOOL = {
  // unsigned int rte_mempool_avail_count(const struct rte_mempool *pool)
  rte_mempool_avail_count: { parameters: ["u64"], result: "u32" },
  // struct rte_mempool_ops_table rte_mempool_ops_table
  rte_mempool_ops_table: { type: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Offsets in `struct rte_eth_fp_ops`, one for each port, in bytes. */
const FP_OPS = { SIZE: 128, RX: 0, RX_QUEUES: 24, TX: 64, TX_QUEUES: 88 } as const;

/** Offsets in `struct rte_mempool`, and in the table of the functions of pools. */
const POOL = { OPS_INDEX: 88 } as const;
const OPS_TABLE = { FIRST: 64, SIZE: 128, DEQUEUE: 56 } as const;

/** Offsets in `struct rte_eth_conf`, with room for all of it. */
export const ETH_CONF = { MTU: 8, SIZE: 8192 } as const;

/** Offsets in `struct rte_mbuf`, in bytes. */
export const MBUF_LAYOUT = {
  BUFFER: 0,
  IOVA: 8,
  DATA_OFFSET: 16,
  SEGMENTS: 20,
  FLAGS: 24,
  PACKET_TYPE: 32,
  PACKET_LENGTH: 36,
  DATA_LENGTH: 40,
  BUFFER_LENGTH: 54,
  SIZE: 128,
  /** What is kept free before a frame: `RTE_PKTMBUF_HEADROOM`. */
  HEADROOM: 128,
  /** Flags of what was received: the checksum of TCP and UDP is right, or wrong. */
  L4_GOOD: 0x100,
  L4_BAD: 0x8,
} as const;

/** DPDK is not to be had here. */
export class DpdkUnavailableError extends Error {
  override readonly name = "DpdkUnavailableError";
}

/** All that is called. */
export type Dpdk = ReturnType<typeof load>;

let loaded: Dpdk | undefined;

/**
 * The libraries of DPDK, loaded once.
 *
 * @throws {DpdkUnavailableError} If one of them is not there, or is of another version; and says what to install.
 * @throws {Deno.errors.NotCapable} Without the permission to load them.
 */
export function dpdk(): Dpdk {
  return loaded ??= load();
}

function load() {
  return {
    ...openLibrary("eal", EAL),
    ...openLibrary("ethdev", ETHDEV),
    ...openLibrary("mbuf", MBUF),
    ...openLibrary("mempool", MEMPOOL),
  };
}

function openLibrary<S extends Deno.ForeignLibraryInterface>(name: string, symbols: S) {
  const file = `librte_${name}.so.${ABI}`;
  try {
    return Deno.dlopen(file, symbols).symbols;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new DpdkUnavailableError(
      `${file} cannot be loaded, which is of DPDK 22.11: apt install librte-mempool-ring${ABI} and a driver, ` +
        `such as librte-net-memif${ABI}`,
      { cause },
    );
  }
}

/** Where the functions of a port are that receive and send, and the queues that they take. */
export interface BurstFunctions {
  readonly rx: number;
  readonly rxQueue: number;
  readonly tx: number;
  readonly txQueue: number;
}

/** The functions of a port that was started, and its first queues. */
export function burstFunctions(port: number): BurstFunctions {
  const at = addressOfStatic(dpdk().rte_eth_fp_ops) + port * FP_OPS.SIZE;
  return {
    rx: readAddress(at + FP_OPS.RX),
    rxQueue: readAddress(readAddress(at + FP_OPS.RX_QUEUES)),
    tx: readAddress(at + FP_OPS.TX),
    txQueue: readAddress(readAddress(at + FP_OPS.TX_QUEUES)),
  };
}

/** The function of a pool that gives mbufs. */
export function dequeueFunction(pool: number): number {
  const index = view(pool + POOL.OPS_INDEX).getInt32();
  const table = addressOfStatic(dpdk().rte_mempool_ops_table);
  return readAddress(table + OPS_TABLE.FIRST + index * OPS_TABLE.SIZE + OPS_TABLE.DEQUEUE);
}

/** Memory of DPDK's, as JavaScript sees it. */
export function viewMemory(address: number, length: number): ArrayBuffer {
  const pointer = Deno.UnsafePointer.create(BigInt(address))!;
  return Deno.UnsafePointerView.getArrayBuffer(pointer, length);
}

function readAddress(address: number): number {
  return Number(view(address).getBigUint64());
}

function view(address: number): Deno.UnsafePointerView {
  return new Deno.UnsafePointerView(Deno.UnsafePointer.create(BigInt(address))!);
}

function addressOfStatic(pointer: Deno.PointerValue): number {
  return Number(Deno.UnsafePointer.value(pointer));
}
