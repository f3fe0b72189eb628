/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * traffic: moves an exact number of bytes in one of many ways, for the tests.
 *
 * Every stream ends alike on both sides, so that no packet of it falls outside
 * its sockets' lives (TIME_WAIT packets reach no cgroup hook): shut down for
 * writing when all is sent, read to the end, close only then. Whoever closes
 * first has by then seen and acknowledged the other side's FIN; whoever closes
 * last stays a full socket until its own FIN is acknowledged.
 *
 * The last line of stdout is "sent=N received=N error=NAME": payload bytes, and
 * "none" or an errno's name. Exit status 0 if all went through, 1 if not, 2 usage.
 */

struct command {
	const char *name;
	const char *arguments;
	int (*run)(int argc, char **argv); /* argv[0] is the first argument */
};

int tcp_serve(int argc, char **argv);
int tcp_send(int argc, char **argv);
int tcp_receive(int argc, char **argv);
int prefork_serve(int argc, char **argv);
int udp_send(int argc, char **argv);
int udp_receive(int argc, char **argv);
int udp_spread(int argc, char **argv);
int raw_send(int argc, char **argv);
int raw_receive(int argc, char **argv);
int echo(int argc, char **argv);
int packet_send(int argc, char **argv);
int spawn(int argc, char **argv);
int pass_descriptor(int argc, char **argv);
int take_descriptor(int argc, char **argv);
int use_descriptor(int argc, char **argv);
int lend(int argc, char **argv);
int accept_descriptor(int argc, char **argv);
int write_descriptor(int argc, char **argv);
int read_descriptor(int argc, char **argv);
int without_bpf(int argc, char **argv);
int dispatch(int argc, char **argv);

/* Options in front of the command. */
struct settings {
	const char *gate;           /* FIFO to wait on before anything else */
	const char *connected_gate; /* … when the socket stands, before it sends */
	const char *socket;         /* tcp, mptcp, dual, fastopen; to lend: udp, raw */
	const char *method;         /* write, sendfile, splice, zerocopy, uring; for
				       UDP: connected, sendto, sendmmsg, gso */
	const char *interface;      /* multicast, AF_PACKET */
	unsigned int parallel;
	uint32_t rate; /* of each stream, bytes a second; 0: all it can */
	bool loop;     /* multicast: own members hear it too */
	bool abandon;  /* ends when all is handed to the kernel, whatever it does with it */
};

extern struct settings settings;

struct endpoint {
	struct sockaddr_storage address;
	socklen_t length;
};

/* What one side of a stream, or a datagram socket, moved. error: an errno or 0. */
struct result {
	uint64_t sent;
	uint64_t received;
	int error;
};

/* net.c. What fails for good ends the program with a message and status 1. */
uint64_t number(const char *text);
struct endpoint endpoint_parse(const char *address, const char *port);
int open_socket(const struct endpoint *endpoint, int type, int protocol);
int open_stream(const struct endpoint *endpoint); /* connected, by settings.socket; -errno */
int open_listener(const struct endpoint *endpoint);
void wait_gate(const char *fifo); /* NULL: does not wait */
void say_ready(void);             /* to the FIFO in $TRAFFIC_READY */
int report(struct result result); /* prints it; returns the exit status */
int failure(const char *what);    /* a failed call: reports errno, returns 1 */

/* stream.c: both directions of a connected socket until both have ended. */
struct result stream_exchange(int fd, uint64_t bytes);
struct result stream_collect(int fd); /* reads to the end, sends nothing */

/* send.c: sends with settings.method; 0 or -errno, and *sent either way. */
int send_bytes(int fd, uint64_t bytes, uint64_t *sent);

extern volatile bool stop_sending; /* SIGUSR1: end well, with what is sent so far */
