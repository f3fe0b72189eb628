// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bench-poller [--immediate] [--out] INTERFACE LIMIT [COMMAND...]
 *
 * A cap as user space keeps it: frames on an interface are captured, their lengths added
 * up, and a command's process group is killed once LIMIT bytes have gone by. It captures as
 * such programs do, with a buffer that is read when it is full or a second has passed;
 * --immediate reads each packet as it comes. Both directions count, or, with --out, what
 * is sent; bytes are those of the IP packet. Without a command (LIMIT is of no account then)
 * it counts until SIGTERM or SIGINT. Prints what it has counted, as JSON.
 */
#include <err.h>
#include <getopt.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SNAPSHOT 96 /* lengths are in the record */
#define ETHERNET 14
#define INTERVAL 1000 /* ms */

static pcap_t *capture;
static uint64_t counted, limit;
static pid_t command;

static void on_stop(int number)
{
	(void)number;
	pcap_breakloop(capture); // NOLINT(bugprone-signal-handler): it is made for them
}

static void on_packet(u_char *unused, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)unused, (void)data;
	counted += header->len - ETHERNET;
	if (command && counted >= limit) {
		kill(-command, SIGKILL);
		pcap_breakloop(capture);
	}
}

static pcap_t *open_capture(const char *interface, bool immediate, bool out)
{
	char message[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_create(interface, message);

	if (!pcap)
		errx(1, "%s: %s", interface, message);
	pcap_set_snaplen(pcap, SNAPSHOT);
	pcap_set_timeout(pcap, INTERVAL);
	pcap_set_immediate_mode(pcap, immediate);
	if (pcap_activate(pcap) < 0 || (out && pcap_setdirection(pcap, PCAP_D_OUT)))
		errx(1, "%s: %s", interface, pcap_geterr(pcap));
	if (pcap_datalink(pcap) != DLT_EN10MB)
		errx(1, "%s: not an Ethernet device", interface);
	return pcap;
}

/* In a process group of its own, whatever it starts. */
static pid_t run(char **argv)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		setpgid(0, 0);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	setpgid(pid, pid);
	return pid;
}

/* To whoever waits for the capture to stand, as the tests' tools do. */
static void say_ready(void)
{
	const char *path = getenv("TRAFFIC_READY");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%d\n", getpid());
	fclose(file);
}

static int usage(void)
{
	fprintf(stderr, "usage: bench-poller [--immediate] [--out] INTERFACE LIMIT [COMMAND...]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"immediate", no_argument, NULL, 'i'}, {"out", no_argument, NULL, 'o'}, {}};
	bool immediate = false, out = false;
	int option, status = 0;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == '?')
			return usage();
		immediate |= option == 'i';
		out |= option == 'o';
	}
	if (argc - optind < 2)
		return usage();
	limit = strtoull(argv[optind + 1], NULL, 10);
	capture = open_capture(argv[optind], immediate, out);
	signal(SIGTERM, on_stop);
	signal(SIGINT, on_stop);
	signal(SIGCHLD, on_stop); /* the command may end before its cap is reached */
	if (argc - optind > 2)
		command = run(argv + optind + 2);
	say_ready();
	while (status >= 0)
		status = pcap_dispatch(capture, -1, on_packet, NULL);
	if (status == PCAP_ERROR)
		errx(1, "%s: %s", argv[optind], pcap_geterr(capture));
	printf("{\"counted\": %llu}\n", (unsigned long long)counted);
	pcap_close(capture);
	return 0;
}
