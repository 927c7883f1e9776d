/*
 * dw_wlm_cli, fakewarp and dwstat: hands its arguments to the scheduler's unix socket and prints the reply.
 *
 * slurmctld runs it inline, about nine times a job: it starts in a millisecond and holds no logic. It speaks HTTP/1.0:
 *
 *     POST /shim/<own name> HTTP/1.0        body: each argument with a NUL behind it
 *     X-Exit-Code: N                        in the answer: what to exit with; the answer's body goes to stdout
 *
 * The socket is $BURSTBUFFER_SOCKET, or the one below. Only the reply is printed: slurmctld reads stdout and stderr as
 * one, so that what goes wrong here is said in one line on stdout, with exit code 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/burstbuffer/scheduler.sock"

static _Noreturn void fail(const char *format, ...)
{
	va_list words;

	va_start(words, format);
	vprintf(format, words);
	va_end(words);
	printf("\n");
	exit(1);
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		fail("burst buffer: the socket's path %s is longer than %zu bytes", path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("burst buffer: no socket can be opened: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("burst buffer: the scheduler does not answer on %s (%s): is bb-scheduler running?", path, strerror(errno));
	return fd;
}

static void send_all(int fd, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		/* The scheduler may answer and close before it has read all: its answer tells. */
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

/* The whole answer, with a NUL behind it. */
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
		got = read(fd, answer + have, room - have - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail("burst buffer: the scheduler's answer broke off: %s", strerror(errno));
		if (got == 0) {
			answer[have] = '\0';
			*length = have;
			return answer;
		}
		have += (size_t)got;
	}
	fail("burst buffer: out of memory for the scheduler's answer");
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

/* The number behind `name: ` in the head, or -1. */
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

int main(int argc, char **argv)
{
	const char *path = getenv("BURSTBUFFER_SOCKET");
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = argc > 0 ? (slash ? slash + 1 : argv[0]) : "dw_wlm_cli";
	size_t length;
	char *answer, *end;
	long code, announced;
	int fd;

	fd = open_socket(path && *path ? path : DEFAULT_SOCKET);
	send_request(fd, name, argc, argv);
	answer = read_answer(fd, &length);
	end = strstr(answer, "\r\n\r\n");
	if (!end)
		fail("burst buffer: the scheduler ended without an answer: try again");
	end += 4;
	length -= (size_t)(end - answer);
	announced = header(answer, end, "Content-Length");
	if (announced >= 0 && length < (size_t)announced)
		fail("burst buffer: the scheduler's answer broke off: try again");
	code = header(answer, end, "X-Exit-Code");
	print_all(end, length);
	/* An answer without it, 404 say, is a failure whose text is the body. */
	return code < 0 || code > 255 ? 1 : (int)code;
}
