/**
 * The layouts of UCX's structs and the values in them, from its headers (`ucp/api/ucp.h`, `ucs/type/status.h`).
 *
 * Each struct begins with a mask of the fields that are given; later versions add fields behind the others. So these
 * offsets hold for every version 1.x, and each struct is laid out in more memory than any of them needs. Offsets are in
 * bytes.
 *
 * @module
 */

/** Memory for one struct: the largest, that of a worker, has 200 bytes. */
export const STRUCT_SIZE = 512;

/** `ucp_params_t`. */
export const PARAMS = { MASK: 0, FEATURES: 8, FIELD_FEATURES: 1n } as const;

/** `UCP_FEATURE_*`: matching by tags, and a descriptor to sleep on. */
export const FEATURE = { TAG: 1n, WAKEUP: 1n << 4n } as const;

/** `ucp_worker_params_t`: the thread mode that is the default, one thread, is 0. */
export const WORKER_PARAMS = { MASK: 0, FIELD_THREAD_MODE: 1n } as const;

/** `ucp_ep_params_t`. */
export const ENDPOINT_PARAMS = {
  MASK: 0,
  ADDRESS: 8,
  ERROR_MODE: 16,
  FIELD_ADDRESS: 1n,
  FIELD_ERROR_MODE: 2n,
  /** `UCP_ERR_HANDLING_MODE_PEER`: what fails, fails alone. */
  ERROR_MODE_PEER: 1,
} as const;

/** `ucp_request_param_t`. */
export const REQUEST_PARAMS = {
  MASK: 0,
  FLAGS: 4,
  MEMORY: 64,
  FIELD_FLAGS: 1 << 4,
  FIELD_MEMORY: 1 << 8,
  /** `UCP_EP_CLOSE_FLAG_FORCE`: does not wait for the peer. */
  FLAG_FORCE: 1,
} as const;

/** `ucp_mem_map_params_t`. */
export const MEMORY_PARAMS = {
  MASK: 0,
  ADDRESS: 8,
  LENGTH: 16,
  FIELD_ADDRESS: 1n,
  FIELD_LENGTH: 2n,
} as const;

/** `ucp_tag_recv_info_t`, in words of 32 bits: the tag of the sender, and the length of the message. */
export const MESSAGE_INFO = {
  SIZE: 16,
  TAG_LOW: 0,
  TAG_HIGH: 1,
  LENGTH_LOW: 2,
  LENGTH_HIGH: 3,
} as const;

/** `ucs_status_t`. Errors are negative, down to `LAST`. */
export const STATUS = {
  OK: 0,
  IN_PROGRESS: 1,
  NO_MEMORY: -4,
  UNREACHABLE: -6,
  BUSY: -15,
  CANCELED: -16,
  LAST: -100,
} as const;
