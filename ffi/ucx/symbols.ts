/**
 * The symbols of `libucp.so.0` that catmint calls.
 *
 * Handles, addresses and sizes are 64-bit, and cross as bigints that are loaded from a `BigUint64Array`; what a call gives
 * of that size is stored into one. So none is made on the heap.
 *
 * @module
 */

/** The symbol table. */
export const SYMBOLS = {
  // void ucp_get_version(unsigned *major, unsigned *minor, unsigned *release)
  ucp_get_version: { parameters: ["buffer", "buffer", "buffer"], result: "void" },
  // ucs_status_t ucp_init_version(unsigned major, unsigned minor, const ucp_params_t *params, const ucp_config_t *config, ucp_context_h *context)
  ucp_init_version: { parameters: ["u32", "u32", "buffer", "u64", "buffer"], result: "i32" },
  // void ucp_cleanup(ucp_context_h context)
  ucp_cleanup: { parameters: ["u64"], result: "void" },
  // ucs_status_t ucp_mem_map(ucp_context_h context, const ucp_mem_map_params_t *params, ucp_mem_h *memory)
  ucp_mem_map: { parameters: ["u64", "buffer", "buffer"], result: "i32" },
  // ucs_status_t ucp_mem_unmap(ucp_context_h context, ucp_mem_h memory)
  ucp_mem_unmap: { parameters: ["u64", "u64"], result: "i32" },

  // ucs_status_t ucp_worker_create(ucp_context_h context, const ucp_worker_params_t *params, ucp_worker_h *worker)
  ucp_worker_create: { parameters: ["u64", "buffer", "buffer"], result: "i32" },
  // void ucp_worker_destroy(ucp_worker_h worker)
  ucp_worker_destroy: { parameters: ["u64"], result: "void" },
  // ucs_status_t ucp_worker_get_address(ucp_worker_h worker, ucp_address_t **address, size_t *length)
  ucp_worker_get_address: { parameters: ["u64", "buffer", "buffer"], result: "i32" },
  // void ucp_worker_release_address(ucp_worker_h worker, ucp_address_t *address)
  ucp_worker_release_address: { parameters: ["u64", "u64"], result: "void" },
  // ucs_status_t ucp_worker_get_efd(ucp_worker_h worker, int *fd)
  ucp_worker_get_efd: { parameters: ["u64", "buffer"], result: "i32" },
  // ucs_status_t ucp_worker_arm(ucp_worker_h worker)
  ucp_worker_arm: { parameters: ["u64"], result: "i32" },
  // unsigned ucp_worker_progress(ucp_worker_h worker)
  ucp_worker_progress: { parameters: ["u64"], result: "u32" },

  // ucs_status_t ucp_ep_create(ucp_worker_h worker, const ucp_ep_params_t *params, ucp_ep_h *endpoint)
  ucp_ep_create: { parameters: ["u64", "buffer", "buffer"], result: "i32" },
  // ucs_status_ptr_t ucp_ep_close_nbx(ucp_ep_h endpoint, const ucp_request_param_t *param)
  ucp_ep_close_nbx: { parameters: ["u64", "u64"], result: "u64" },
  // ucs_status_ptr_t ucp_ep_flush_nbx(ucp_ep_h endpoint, const ucp_request_param_t *param)
  ucp_ep_flush_nbx: { parameters: ["u64", "u64"], result: "u64" },

  // ucs_status_ptr_t ucp_tag_send_nbx(ucp_ep_h endpoint, const void *buffer, size_t count, ucp_tag_t tag, const ucp_request_param_t *param)
  ucp_tag_send_nbx: { parameters: ["u64", "u64", "u64", "u64", "u64"], result: "u64" },
  // ucp_tag_message_h ucp_tag_probe_nb(ucp_worker_h worker, ucp_tag_t tag, ucp_tag_t mask, int remove, ucp_tag_recv_info_t *info)
  ucp_tag_probe_nb: { parameters: ["u64", "u64", "u64", "i32", "u64"], result: "u64" },
  // ucs_status_ptr_t ucp_tag_msg_recv_nbx(ucp_worker_h worker, void *buffer, size_t count, ucp_tag_message_h message, const ucp_request_param_t *param)
  ucp_tag_msg_recv_nbx: { parameters: ["u64", "u64", "u64", "u64", "u64"], result: "u64" },
  // ucs_status_t ucp_request_check_status(void *request)
  ucp_request_check_status: { parameters: ["u64"], result: "i32" },
  // void ucp_request_free(void *request)
  ucp_request_free: { parameters: ["u64"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;
