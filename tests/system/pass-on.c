// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lets go what netfilter queues: as a firewall in user space does, so that packets of others leave
 * while this process runs. Says so once it listens. */
#include <arpa/inet.h>
#include <err.h>
#include <linux/netfilter.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static int let_go(struct nfq_q_handle *queue, struct nfgenmsg *message, struct nfq_data *packet,
		  void *data)
{
	struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(packet);

	(void)message;
	(void)data;
	return nfq_set_verdict(queue, ntohl(header->packet_id), NF_ACCEPT, 0, NULL);
}

int main(int argc, char **argv)
{
	static char buffer[65536] __attribute__((aligned(8)));
	struct nfq_handle *netfilter = nfq_open();
	struct nfq_q_handle *queue;
	ssize_t length;

	if (argc != 2)
		errx(2, "usage: pass-on QUEUE");
	if (!netfilter)
		err(1, "nfq_open");
	queue = nfq_create_queue(netfilter, (uint16_t)atoi(argv[1]), let_go, NULL);
	if (!queue || nfq_set_mode(queue, NFQNL_COPY_META, 0))
		err(1, "queue %s", argv[1]);
	puts("ready");
	fflush(stdout);
	while ((length = recv(nfq_fd(netfilter), buffer, sizeof(buffer), 0)) > 0)
		nfq_handle_packet(netfilter, buffer, (int)length);
	err(1, "recv");
}
