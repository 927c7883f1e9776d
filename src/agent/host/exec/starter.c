/*
 * Starts programs for another process, the agent, which talks to it over its standard input and output.
 *
 * A process of 90 MB that starts a program is stopped for milliseconds, because its memory is mapped anew for the child.
 * This one is small, and starts a program with vfork.
 *
 * Messages in both directions: length of what follows (4 bytes, little endian, as all numbers), number of the program
 * (4), kind (1), and the rest. `which`: 1 stdout, 2 stderr. From the agent:
 *
 *   s  start      flags (1), bytes that are given of each output (4, 0: all), window (4), number of arguments (4), then
 *                 arguments and environment, each ended by a zero. Flags: 1 it gets a standard input, otherwise /dev/null;
 *                 2 its outputs are given until nobody has them open, otherwise until it has ended
 *   i  input      bytes for its standard input
 *   e  end of the input
 *   k  kill       signal (1), for its process group
 *   t  taken      which (1), bytes (4): as many more may be given
 *   f  forget     nothing more is given of it; its pipes are closed, and it runs on
 *
 * To the agent:
 *
 *   p  it runs    pid (4)
 *   n  it could not be started   errno (4); the last message of it
 *   o  stdout, r  stderr: bytes, not more than the window before they are taken; what is above the limit is dropped
 *   x  it has ended   exit code (4), signal (4); the last message of it, behind all that it wrote
 *
 * Each program has a session of its own, no signal that is blocked or ignored, and no other open file. When the agent ends,
 * however that happens, this process reads the end of its input and ends too; what it has started runs on, as if the agent
 * had started it itself, and its pipes are closed.
 *
 * What it starts leaves no memory in a core dump: programs lift every limit of their size, but keep coredump_filter.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { failed = 1, has_input = 1, until_closed = 2, header_bytes = 9, max_message = 16 << 20, piece_bytes = 64 << 10 };

struct output {
	/* -1 when it is closed. */
	int fd;
	uint32_t window;
	/* As many bytes are still given; the others are dropped. */
	uint64_t left;
};

struct program {
	struct program *next;
	uint32_t id;
	pid_t pid;
	int flags, has_ended, status, is_forgotten;
	/* -1 when it is closed. */
	int input;
	int is_input_complete;
	char *bytes;
	size_t length, written;
	struct output outputs[2];
};

static struct program *programs;
static int nothing;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "starter: %s: %s\n", what, strerror(errno));
	exit(failed);
}

static void *needed(void *memory)
{
	if (!memory) fail("no memory");
	return memory;
}

static uint32_t number_in(const unsigned char *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put_number(unsigned char *bytes, uint32_t number)
{
	for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(number >> 8 * i);
}

/* Ends this process when the agent does not listen any more. */
static void tell(uint32_t id, char kind, const void *bytes, size_t length)
{
	unsigned char header[header_bytes];
	put_number(header, (uint32_t)(header_bytes - 4 + length));
	put_number(header + 4, id);
	header[8] = (unsigned char)kind;
	struct iovec parts[] = {{header, sizeof header}, {(void *)bytes, length}};
	for (int at = 0; at < 2;) {
		ssize_t written = writev(1, parts + at, 2 - at);
		if (written < 0 && errno == EAGAIN) {
			struct pollfd agent = {1, POLLOUT, 0};
			poll(&agent, 1, -1);
			continue;
		}
		if (written < 0 && errno == EINTR) continue;
		if (written < 0) exit(0);
		for (; at < 2 && (size_t)written >= parts[at].iov_len; at++) written -= (ssize_t)parts[at].iov_len;
		if (at == 2) return;
		parts[at].iov_base = (char *)parts[at].iov_base + written;
		parts[at].iov_len -= (size_t)written;
	}
}

static void tell_number(uint32_t id, char kind, uint32_t number)
{
	unsigned char bytes[4];
	put_number(bytes, number);
	tell(id, kind, bytes, sizeof bytes);
}

static void close_file(int *fd)
{
	if (*fd >= 0) close(*fd);
	*fd = -1;
}

static void close_input(struct program *program)
{
	close_file(&program->input);
	free(program->bytes);
	program->bytes = NULL;
	program->length = program->written = 0;
}

static void tell_end(const struct program *program)
{
	int status = program->status;
	unsigned char end[8];
	put_number(end, WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0);
	put_number(end + 4, WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0);
	tell(program->id, 'x', end, sizeof end);
}

/* Removes those that have ended, and of which nothing is to be given any more. */
static void remove_done(void)
{
	for (struct program **at = &programs; *at;) {
		struct program *program = *at;
		int is_open = program->outputs[0].fd >= 0 || program->outputs[1].fd >= 0;
		if (!program->has_ended || (is_open && (program->flags & until_closed))) {
			at = &program->next;
			continue;
		}
		*at = program->next;
		if (!program->is_forgotten) tell_end(program);
		close_input(program);
		for (int which = 0; which < 2; which++) close_file(&program->outputs[which].fd);
		free(program);
	}
}

/* Gives at most so many bytes of an output. False when there is nothing to be read now. */
static int give(struct program *program, int which, size_t most)
{
	static char piece[piece_bytes];
	struct output *output = &program->outputs[which];
	ssize_t count = read(output->fd, piece, most < sizeof piece ? most : sizeof piece);
	if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
	if (count <= 0) {
		close_file(&output->fd);
		return 0;
	}
	size_t given = (uint64_t)count < output->left ? (size_t)count : (size_t)output->left;
	output->left -= given;
	output->window -= given < output->window ? (uint32_t)given : output->window;
	if (given > 0) tell(program->id, which ? 'r' : 'o', piece, given);
	return 1;
}

/* What the program wrote before it ended is in its pipes. A process that it left behind may write for ever. */
static void give_rest(struct program *program)
{
	for (int which = 0; which < 2; which++) {
		int rest = 0;
		if (program->outputs[which].fd < 0 || ioctl(program->outputs[which].fd, FIONREAD, &rest) != 0) continue;
		for (int before; rest > 0 && program->outputs[which].fd >= 0; rest -= before) {
			before = rest < piece_bytes ? rest : piece_bytes;
			if (!give(program, which, (size_t)before)) break;
		}
	}
}

static void note_ends(void)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		struct program *program = programs;
		while (program && (program->pid != pid || program->has_ended)) program = program->next;
		if (!program) continue;
		close_input(program);
		if (!(program->flags & until_closed)) give_rest(program);
		program->has_ended = 1;
		program->status = status;
	}
}

static void write_input(struct program *program)
{
	while (program->written < program->length) {
		ssize_t count = write(program->input, program->bytes + program->written, program->length - program->written);
		if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
		/* It does not read any more. */
		if (count < 0) return close_input(program);
		program->written += (size_t)count;
	}
	free(program->bytes);
	program->bytes = NULL;
	program->length = program->written = 0;
	if (program->is_input_complete) close_input(program);
}

static void add_input(struct program *program, const unsigned char *bytes, size_t length)
{
	if (program->input < 0 || length == 0) return;
	program->bytes = needed(realloc(program->bytes, program->length + length));
	memcpy(program->bytes + program->length, bytes, length);
	program->length += length;
	write_input(program);
}

/* A pipe whose end `ours` is used by this process, without waiting. */
static int open_pipe(int ends[2], int ours)
{
	if (pipe2(ends, O_CLOEXEC) != 0) return -1;
	return fcntl(ends[ours], F_SETFL, O_NONBLOCK);
}

/* The errno of what went wrong, or 0. `files`: what it has as standard input and outputs. */
static int spawn(struct program *program, char **arguments, char **environment, const int files[3])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, ignored;
	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	int error = posix_spawn_file_actions_init(&actions);
	if (error) return error;
	error = posix_spawnattr_init(&attributes);
	if (!error) error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
	if (!error) error = posix_spawnattr_setsigdefault(&attributes, &ignored);
	for (int fd = 0; fd < 3 && !error; fd++) error = posix_spawn_file_actions_adddup2(&actions, files[fd], fd);
	/* It is looked for in the PATH of its own environment. */
	environ = environment;
	if (!error) error = posix_spawnp(&program->pid, arguments[0], &actions, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int start_with_pipes(struct program *program, char **arguments, char **environment)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, error = 0;
	if (((program->flags & has_input) && open_pipe(in, 1) != 0) || open_pipe(out, 0) != 0 || open_pipe(err, 0) != 0)
		error = errno;
	if (!error) {
		const int files[] = {in[0] < 0 ? nothing : in[0], out[1], err[1]};
		error = spawn(program, arguments, environment, files);
	}
	close_file(&in[0]);
	close_file(&out[1]);
	close_file(&err[1]);
	program->input = in[1];
	program->outputs[0].fd = out[0];
	program->outputs[1].fd = err[0];
	return error;
}

static _Noreturn void refuse_message(void)
{
	errno = EPROTO;
	fail("the agent's message is not understood");
}

/* The strings from `at` on, ended by NULL. */
static char **strings_in(char *at, char *end, uint32_t *count)
{
	*count = 0;
	for (char *each = at; each < end; each++) *count += *each == '\0';
	char **strings = needed(calloc((size_t)*count + 1, sizeof *strings));
	for (uint32_t index = 0; index < *count; at += strlen(at) + 1) strings[index++] = at;
	return strings;
}

static void start(uint32_t id, const unsigned char *bytes, size_t length)
{
	const size_t numbers = 13;
	uint32_t count, limit = number_in(bytes + 1), window = number_in(bytes + 5), argument_count = number_in(bytes + 9);
	if (length <= numbers || bytes[length - 1] != '\0') refuse_message();
	char **strings = strings_in((char *)bytes + numbers, (char *)bytes + length, &count);
	if (argument_count == 0 || argument_count > count) refuse_message();
	char **arguments = needed(calloc((size_t)argument_count + 1, sizeof *arguments));
	memcpy(arguments, strings, argument_count * sizeof *arguments);
	struct program *program = needed(calloc(1, sizeof *program));
	program->id = id;
	program->flags = bytes[0];
	for (int which = 0; which < 2; which++) {
		program->outputs[which].window = window;
		program->outputs[which].left = limit ? limit : UINT64_MAX;
	}
	int error = start_with_pipes(program, arguments, strings + argument_count);
	free(arguments);
	if (error) {
		for (int which = 0; which < 2; which++) close_file(&program->outputs[which].fd);
		close_input(program);
		free(program);
		tell_number(id, 'n', (uint32_t)error);
	} else {
		program->next = programs;
		programs = program;
		tell_number(id, 'p', (uint32_t)program->pid);
	}
	/* Its environment was ours for the search. */
	environ = NULL;
	free(strings);
}

static void forget(struct program *program)
{
	program->is_forgotten = 1;
	program->flags &= ~until_closed;
	close_input(program);
	for (int which = 0; which < 2; which++) close_file(&program->outputs[which].fd);
}

static void obey(uint32_t id, int kind, unsigned char *bytes, size_t length)
{
	const size_t shortest = kind == 's' ? 14 : kind == 't' ? 5 : kind == 'k' ? 1 : 0;
	if (length < shortest) refuse_message();
	if (kind == 's') return start(id, bytes, length);
	struct program *program = programs;
	while (program && program->id != id) program = program->next;
	/* It has ended meanwhile. */
	if (!program) return;
	switch (kind) {
	case 'i':
		return add_input(program, bytes, length);
	case 'e':
		program->is_input_complete = 1;
		if (program->input >= 0) write_input(program);
		return;
	case 'k':
		kill(-program->pid, bytes[0]);
		return;
	case 't':
		program->outputs[bytes[0] == 2].window += number_in(bytes + 1);
		return;
	case 'f':
		return forget(program);
	default:
		refuse_message();
	}
}

static void obey_all(void)
{
	static unsigned char *received;
	static size_t length, room;
	if (room - length < piece_bytes) received = needed(realloc(received, room = length + 2 * piece_bytes));
	ssize_t count = read(0, received + length, room - length);
	if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (count <= 0) exit(0);
	length += (size_t)count;
	size_t at = 0;
	while (length - at >= header_bytes) {
		unsigned char *message = received + at;
		uint32_t rest = number_in(message);
		if (rest < header_bytes - 4 || rest > max_message) refuse_message();
		if (length - at - 4 < rest) break;
		obey(number_in(message + 4), message[8], message + header_bytes, rest - (header_bytes - 4));
		at += 4 + rest;
	}
	memmove(received, received + at, length - at);
	length -= at;
}

static int open_ends(void)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) != 0) fail("cannot block SIGCHLD");
	int ends = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ends < 0) fail("cannot hear of ends");
	return ends;
}

/* What this process has inherited from its own parent is nobody's here. */
static void close_inherited(void)
{
	DIR *open_files = opendir("/proc/self/fd");
	if (!open_files) fail("cannot list /proc/self/fd");
	for (struct dirent *each; (each = readdir(open_files));) {
		int fd = atoi(each->d_name);
		if (fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) fail("cannot keep a file to itself");
	}
	closedir(open_files);
}

static void keep_memory_from_dumps(void)
{
	int filter = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	/* A kernel without it writes no core dumps. */
	if (filter < 0 && errno == ENOENT) return;
	if (filter < 0 || write(filter, "0", 1) != 1) fail("cannot write /proc/self/coredump_filter");
	close(filter);
}

static void watch(struct pollfd *polled, size_t *count, int fd, short events)
{
	polled[(*count)++] = (struct pollfd){fd, events, 0};
}

/* What happened to the next file of those that are polled, if it is that one. They are asked in the order of `watch`. */
static short happened(const struct pollfd *polled, size_t count, size_t *at, int fd)
{
	return *at < count && polled[*at].fd == fd ? polled[(*at)++].revents : 0;
}

/* Waits until something can be done. */
static void work(int ends)
{
	static struct pollfd *polled;
	static size_t room;
	size_t needed_room = 2, count = 0;
	for (struct program *each = programs; each; each = each->next) needed_room += 3;
	if (needed_room > room) polled = needed(realloc(polled, (room = 2 * needed_room) * sizeof *polled));
	watch(polled, &count, 0, POLLIN);
	watch(polled, &count, ends, POLLIN);
	for (struct program *each = programs; each; each = each->next) {
		if (each->input >= 0 && each->length > 0) watch(polled, &count, each->input, POLLOUT);
		for (int which = 0; which < 2; which++) {
			const struct output *output = &each->outputs[which];
			if (output->fd >= 0 && (output->window > 0 || output->left == 0)) watch(polled, &count, output->fd, POLLIN);
		}
	}
	if (poll(polled, count, -1) < 0) {
		if (errno == EINTR) return;
		fail("cannot wait");
	}
	size_t at = 2;
	for (struct program *each = programs; each; each = each->next) {
		if (happened(polled, count, &at, each->input)) write_input(each);
		for (int which = 0; which < 2; which++) {
			const struct output *output = &each->outputs[which];
			if (happened(polled, count, &at, output->fd)) give(each, which, output->left == 0 ? piece_bytes : output->window);
		}
	}
	if (polled[1].revents) {
		struct signalfd_siginfo info;
		while (read(ends, &info, sizeof info) > 0);
		note_ends();
	}
	remove_done();
	if (polled[0].revents) obey_all();
	remove_done();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	close_inherited();
	keep_memory_from_dumps();
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0) fail("cannot open /dev/null");
	int ends = open_ends();
	for (;;) work(ends);
}
