/*
 * dw_wlm_cli, fakewarp and dwstat: sends its arguments to the scheduler's unix socket and prints the reply.
 *
 * slurmctld runs it inline, about nine times a job: it starts in a millisecond and contains no logic. It speaks HTTP/1.0:
 *
 *     POST /shim/<own name> HTTP/1.0        body: each argument, followed by a NUL
 *     X-Exit-Code: N                        in the answer: the exit code; the body of the answer goes to stdout
 *
 * The socket is $BURSTBUFFER_SOCKET, or the default below. slurmctld reads stdout and stderr as one: an error of this
 * program is one line on stdout, with exit code 1.
 *
 * No job may fail because the scheduler is restarted or dies during a call: Slurm holds a job whose setup fails. A call
 * therefore waits a bounded time for the scheduler and is repeated; every function is safe to repeat.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/burstbuffer/scheduler.sock"
#define PAUSE_MS 50

/* How long to wait for a scheduler that does not answer, and how long to repeat a call. Both are below slurmctld's timeouts. */
struct patience {
	const char *function;
	long away_ms, total_ms;
};

static const struct patience of_dwstat = { "dwstat", 1500, 1500 };
static const struct patience of_functions[] = {
	{ "job_process", 4000, 4000 },
	{ "paths", 4000, 4000 },
	{ "pools", 10000, 10000 },
	{ "show_instances", 10000, 10000 },
	{ "show_sessions", 10000, 10000 },
	{ "show_configurations", 10000, 10000 },
	{ "create_persistent", 60000, 240000 },
	{ "setup", 60000, 240000 },
	{ "data_in", 60000, 86000000 },
	{ "real_size", 60000, 240000 },
	{ "pre_run", 60000, 86000000 },
	{ "post_run", 60000, 240000 },
	{ "data_out", 60000, 86000000 },
	{ "teardown", 60000, 240000 },
};
static const struct patience none = { "", 0, 0 };

/* Why there is no answer yet: the line that is printed when the time is over. */
static char why[512];

static _Noreturn void fail(const char *format, ...)
{
	va_list words;

	va_start(words, format);
	vprintf(format, words);
	va_end(words);
	/* slurmctld puts the text into the job's reason, which squeue shows on one line. */
	if (isatty(STDOUT_FILENO))
		printf("\n");
	exit(1);
}

/* Records why there is no answer yet. Returns false. */
static bool not_yet(const char *format, ...)
{
	va_list words;

	va_start(words, format);
	vsnprintf(why, sizeof(why), format, words);
	va_end(words);
	return false;
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		fail("burst buffer: the path of the socket, %s, is longer than %zu bytes", path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("burst buffer: cannot create a socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	not_yet("burst buffer: the scheduler does not answer on %s (%s): is bb-scheduler running?", path, strerror(errno));
	if (errno != ENOENT && errno != ECONNREFUSED)
		fail("%s", why);
	close(fd);
	return -1;
}

static void send_all(int fd, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		/* The scheduler may answer and close before it has read everything: the answer says why. */
		if (sent < 0)
			return;
		bytes += sent;
		count -= (size_t)sent;
	}
}

static void send_request(int fd, const char *name, int argc, char **argv)
{
	char head[256];
	size_t length = 0;
	int i;

	for (i = 1; i < argc; i++)
		length += strlen(argv[i]) + 1;
	snprintf(head, sizeof(head), "POST /shim/%.64s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n", name, length);
	send_all(fd, head, strlen(head));
	for (i = 1; i < argc; i++)
		send_all(fd, argv[i], strlen(argv[i]) + 1);
}

/* Whether nobody reads the output: slurmctld has ended, or no longer waits for this call. */
static bool nobody_reads(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP));
}

/*
 * Waits until there is something to read. A call for which nobody waits must end: it would be repeated, and could reach the
 * scheduler after later calls of slurmctld.
 */
static void await_answer(int fd)
{
	struct pollfd both[] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };

	while (poll(both, 2, -1) < 0 && errno == EINTR)
		;
	if (nobody_reads())
		exit(1);
}

/* The whole answer, followed by a NUL; NULL if the connection was lost. */
static char *read_answer(int fd, size_t *length)
{
	size_t room = 65536, have = 0;
	char *answer = malloc(room);

	while (answer) {
		ssize_t got;

		if (room - have < 2) {
			room *= 2;
			answer = realloc(answer, room);
			continue;
		}
		await_answer(fd);
		got = read(fd, answer + have, room - have - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			not_yet("burst buffer: the connection to the scheduler was lost: %s", strerror(errno));
			free(answer);
			return NULL;
		}
		if (got == 0) {
			answer[have] = '\0';
			*length = have;
			return answer;
		}
		have += (size_t)got;
	}
	fail("burst buffer: out of memory");
}

static void print_all(const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t written = write(STDOUT_FILENO, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			exit(1);
		bytes += written;
		count -= (size_t)written;
	}
}

/* The number after `name: ` in the head, or -1. */
static long header(const char *head, const char *end, const char *name)
{
	const char *line = head;

	while (line && line < end) {
		if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			return strtol(line + strlen(name) + 1, NULL, 10);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return -1;
}

struct reply {
	const char *text;
	size_t length;
	long code;
};

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct patience patience_of(const char *name, int argc, char **argv)
{
	static const char option[] = "--function";
	const size_t length = sizeof(option) - 1;
	size_t f;
	int i;

	if (strcmp(name, "dwstat") == 0)
		return of_dwstat;
	for (i = 1; i < argc; i++) {
		const char *function = NULL;

		if (strcmp(argv[i], option) == 0 && i + 1 < argc)
			function = argv[i + 1];
		else if (strncmp(argv[i], option, length) == 0 && argv[i][length] == '=')
			function = argv[i] + length + 1;
		for (f = 0; function && f < sizeof(of_functions) / sizeof(of_functions[0]); f++)
			if (strcmp(function, of_functions[f].function) == 0)
				return of_functions[f];
	}
	return none;
}

/* Makes one call. Returns false, and sets `why`, if there is no complete answer. */
static bool call(int fd, const char *name, int argc, char **argv, struct reply *reply)
{
	char *answer, *end;
	size_t length;
	long announced;

	send_request(fd, name, argc, argv);
	answer = read_answer(fd, &length);
	if (!answer)
		return false;
	end = strstr(answer, "\r\n\r\n");
	if (!end)
		return not_yet("burst buffer: the scheduler closed the connection without an answer: try again");
	end += 4;
	length -= (size_t)(end - answer);
	announced = header(answer, end, "Content-Length");
	if (announced >= 0 && length < (size_t)announced)
		return not_yet("burst buffer: the scheduler closed the connection before the end of its answer: try again");
	/* The scheduler has just started and has not read etcd yet: it has done nothing. */
	if (strncmp(answer, "HTTP/1.1 503 ", 13) == 0)
		return not_yet("%.*s", (int)strcspn(end, "\n"), end);
	/* An answer without an exit code, such as 404, is a failure; its body says why. */
	*reply = (struct reply){ end, length, header(answer, end, "X-Exit-Code") };
	return true;
}

int main(int argc, char **argv)
{
	const char *variable = getenv("BURSTBUFFER_SOCKET");
	const char *path = variable && *variable ? variable : DEFAULT_SOCKET;
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = argc > 0 ? (slash ? slash + 1 : argv[0]) : "dw_wlm_cli";
	const struct patience patience = patience_of(name, argc, argv);
	const long start = now_ms();
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	struct reply reply = { 0 };
	long last_seen = start;

	for (;;) {
		int fd = open_socket(path);

		if (fd >= 0) {
			bool answered = call(fd, name, argc, argv, &reply);

			close(fd);
			if (answered)
				break;
			last_seen = now_ms();
		}
		if (now_ms() - last_seen >= patience.away_ms || now_ms() - start >= patience.total_ms)
			fail("%s", why);
		nanosleep(&pause, NULL);
		if (nobody_reads())
			exit(1);
	}
	if (reply.code != 0 && !isatty(STDOUT_FILENO))
		while (reply.length > 0 && reply.text[reply.length - 1] == '\n')
			reply.length--;
	print_all(reply.text, reply.length);
	return reply.code < 0 || reply.code > 255 ? 1 : (int)reply.code;
}
