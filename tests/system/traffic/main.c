/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

static const struct command commands[] = {
    {"tcp-serve", "ADDRESS PORT [BYTES-TO-SEND [CONNECTIONS]]", tcp_serve},
    {"tcp-send", "ADDRESS PORT BYTES", tcp_send},
    {"tcp-receive", "ADDRESS PORT", tcp_receive},
    {"prefork-serve", "ADDRESS PORT [BYTES-TO-SEND]", prefork_serve},
    {"udp-send", "ADDRESS PORT COUNT SIZE", udp_send},
    {"udp-receive", "ADDRESS PORT COUNT", udp_receive},
    {"udp-spread", "FIRST-ADDRESS PORT ADDRESSES ROUNDS SIZE [USER]", udp_spread},
    {"raw-send", "ADDRESS PROTOCOL COUNT SIZE", raw_send},
    {"raw-receive", "ADDRESS PROTOCOL COUNT", raw_receive},
    {"echo", "ping|raw ADDRESS COUNT SIZE", echo},
    {"packet-send", "COUNT SIZE", packet_send},
    {"spawn", "fork|double-fork|exec|thread|lone-thread COMMAND...", spawn},
    {"pass-descriptor", "UNIX-PATH ADDRESS PORT", pass_descriptor},
    {"take-descriptor", "UNIX-PATH BYTES", take_descriptor},
    {"use-descriptor", "NUMBER BYTES", use_descriptor},
    {"lend", "to|at|listening ADDRESS PORT|PROTOCOL PROGRAM [ARGUMENT]...", lend},
    {"accept-descriptor", "NUMBER", accept_descriptor},
    {"write-descriptor", "NUMBER BYTES", write_descriptor},
    {"read-descriptor", "NUMBER BYTES", read_descriptor},
    {"without-bpf", "PROGRAM [ARGUMENT]...", without_bpf},
};

volatile bool stop_sending;

static void on_stop(int number_of_signal)
{
	(void)number_of_signal;
	stop_sending = true;
}

struct settings settings = {.socket = "tcp", .method = "write", .parallel = 1};

static int usage(void)
{
	fprintf(stderr,
		"usage: traffic [--gate FIFO] [--connected-gate FIFO] [--socket KIND]\n"
		"       [--method NAME] [--interface NAME] [--parallel N] [--rate N] [--loop]\n"
		"       [--abandon] COMMAND\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "  %s %s\n", commands[i].name, commands[i].arguments);
	return 2;
}

int dispatch(int argc, char **argv)
{
	for (size_t i = 0; argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return usage();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"gate", required_argument, NULL, 'g'},
	    {"connected-gate", required_argument, NULL, 'c'},
	    {"socket", required_argument, NULL, 's'},
	    {"method", required_argument, NULL, 'm'},
	    {"interface", required_argument, NULL, 'i'},
	    {"parallel", required_argument, NULL, 'p'},
	    {"rate", required_argument, NULL, 'r'},
	    {"loop", no_argument, NULL, 'l'},
	    {"abandon", no_argument, NULL, 'a'},
	    {},
	};
	int option;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, on_stop);
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'g':
			settings.gate = optarg;
			break;
		case 'c':
			settings.connected_gate = optarg;
			break;
		case 's':
			settings.socket = optarg;
			break;
		case 'm':
			settings.method = optarg;
			break;
		case 'i':
			settings.interface = optarg;
			break;
		case 'p':
			settings.parallel = number(optarg);
			break;
		case 'r':
			settings.rate = number(optarg);
			break;
		case 'a':
			settings.abandon = true;
			break;
		case 'l':
			settings.loop = true;
			break;
		default:
			return usage();
		}
	}
	wait_gate(settings.gate);
	return dispatch(argc - optind, argv + optind);
}
