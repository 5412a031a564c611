/*
 * Preloaded into a program on Microsoft's catnip, so that it runs on DPDK's memif: that device refuses what catnip asks
 * of every one, which is receive-side scaling and an MTU, and its link comes up with its client alone, for which catnip
 * would wait before it is ready for one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <rte_ethdev.h>

int rte_eth_dev_configure(uint16_t port, uint16_t receive, uint16_t send, const struct rte_eth_conf *wanted)
{
    int (*configure)(uint16_t, uint16_t, uint16_t, const struct rte_eth_conf *);
    struct rte_eth_conf plain = *wanted;
    *(void **)&configure = dlsym(RTLD_NEXT, "rte_eth_dev_configure");
    plain.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
    plain.rx_adv_conf.rss_conf.rss_hf = 0;
    return configure(port, receive, send, &plain);
}

int rte_eth_dev_set_mtu(uint16_t port, uint16_t mtu)
{
    (void)port, (void)mtu;
    return 0;
}

int rte_eth_link_get_nowait(uint16_t port, struct rte_eth_link *link)
{
    (void)port;
    *link = (struct rte_eth_link){ .link_speed = RTE_ETH_SPEED_NUM_10G, .link_status = RTE_ETH_LINK_UP };
    return 0;
}
