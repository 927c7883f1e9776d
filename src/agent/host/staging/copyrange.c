/*
 * Copies one large file in ranges, which several hosts copy at once. It runs as the user, in the sandbox, where it is
 * /copyrange (sandbox.c). The name is read from standard input, because it need not be UTF-8, and is relative to FROM and to
 * PLACE; without a name they are the files themselves. Nothing follows a link in the place of the file.
 *
 * prepare FROM PLACE DRAFT BYTES TIMES    Before any range is copied: creates an empty file of that size. Prints the time of FROM.
 * copy FROM PLACE DRAFT BYTES TIME AT LENGTH RATE HOLES
 *                                         One range; may be repeated. Prints the bytes that it has copied so far.
 * finish FROM PLACE DRAFT BYTES TIME TIMES
 *                                         When all ranges are copied: gives the file the time of FROM and its place.
 *
 * DRAFT is the file that is written until all is copied; when it is empty, the file is written in its place. It gets the time of
 * FROM only when it is complete: until then its time is that of the last write, or 0. TIMES is "nanoseconds", "seconds" where the
 * file system keeps no more, or "never" when a file with the same size and time may differ. RATE is in bytes a second, 0 for no
 * limit. HOLES is "holes" when FROM has some: zeros are then not written, also where the file system does not say where holes are.
 *
 * Exits with 0, with 2 when FROM has changed, with 3 when a complete file is there (prepare) or DRAFT is in another file system
 * (finish), else with 1 and a reason.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { failed = 1, changed = 2, other = 3 };
enum { block = 1 << 20, piece = 4096, told_every = 32 << 20 };

static _Noreturn void fail(const char *what, const char *path)
{
	fprintf(stderr, "copyrange: %s \"%s\": %s\n", what, path, strerror(errno));
	exit(failed);
}

static long long number(const char *text)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || *end || end == text || value < 0) {
		errno = EINVAL;
		fail("not a number:", text);
	}
	return value;
}

static char name[PATH_MAX];

static void read_name(void)
{
	size_t length = fread(name, 1, sizeof name, stdin);
	if (ferror(stdin) || length == sizeof name || memchr(name, '\0', length)) {
		errno = EINVAL;
		fail("cannot read a name:", "standard input");
	}
}

/* The path of the file below this folder. */
static const char *below(const char *folder)
{
	char *path;
	if (!*name) return folder;
	if (asprintf(&path, "%s/%s", folder, name) < 0) fail("cannot use", folder);
	return path;
}

static int open_source(const char *path, struct stat *found)
{
	int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0 || fstat(file, found) != 0) fail("cannot open", path);
	if (!S_ISREG(found->st_mode)) exit(changed);
	return file;
}

static long long nanoseconds(const struct stat *found)
{
	return found->st_mtim.tv_sec * 1000000000LL + found->st_mtim.tv_nsec;
}

static void require_unchanged(int source, long long bytes, long long time)
{
	struct stat now;
	if (fstat(source, &now) != 0) fail("cannot read", "the source");
	if (now.st_size != bytes || nanoseconds(&now) != time) exit(changed);
}

static int is_complete(const char *path, const struct stat *source, const char *times)
{
	struct stat there;
	if (strcmp(times, "never") == 0) return 0;
	if (lstat(path, &there) != 0 || !S_ISREG(there.st_mode) || there.st_size != source->st_size) return 0;
	if (strcmp(times, "nanoseconds") == 0) return nanoseconds(&there) == nanoseconds(source);
	return there.st_mtim.tv_sec == source->st_mtim.tv_sec;
}

/* In the year 2255: later times have more nanoseconds than a number holds. */
static const long long latest = 9000000000;
static const struct timespec no_time[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 0}};

/* Empties what is there, so that holes need not be punched later. */
static void prepare(char **words)
{
	const char *from = below(words[0]), *place = below(words[1]), *to = *words[2] ? words[2] : place;
	long long bytes = number(words[3]);
	struct stat source, there;
	open_source(from, &source);
	if (source.st_size != bytes) exit(changed);
	/* A draft has the time 0: no complete file may be taken for one, nor a draft for a complete file. */
	if (source.st_mtim.tv_sec <= 0 || source.st_mtim.tv_sec > latest) exit(other);
	printf("%lld\n", nanoseconds(&source));
	if (fflush(stdout) != 0) fail("cannot write to", "standard output");
	if (is_complete(place, &source, words[4])) exit(other);
	if (lstat(place, &there) == 0 && (!S_ISREG(there.st_mode) || there.st_nlink != 1)) {
		errno = EEXIST;
		fail("cannot replace", place);
	}
	int file = open(to, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (file < 0 || fstat(file, &there) != 0) fail("cannot create", to);
	if (!S_ISREG(there.st_mode) || there.st_nlink != 1) {
		errno = EEXIST;
		fail("cannot write in place to", to);
	}
	if (ftruncate(file, 0) != 0 || ftruncate(file, bytes) != 0 || futimens(file, no_time) != 0 || close(file) != 0)
		fail("cannot write", to);
}

/* The file that prepare has made, unless something else is in its place. */
static int open_draft(const char *path, long long bytes)
{
	struct stat found;
	int file = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0 || fstat(file, &found) != 0) fail("cannot open", path);
	if (!S_ISREG(found.st_mode) || found.st_size != bytes || found.st_nlink != 1) {
		errno = EEXIST;
		fail("another file is in the place of", path);
	}
	return file;
}

static void write_all(int file, const char *bytes, size_t length, off_t at, const char *path)
{
	while (length > 0) {
		ssize_t wrote = pwrite(file, bytes, length, at);
		if (wrote < 0 && errno == EINTR) continue;
		if (wrote <= 0) fail("cannot write", path);
		bytes += wrote;
		length -= (size_t)wrote;
		at += wrote;
	}
}

/* Writes what is not zero. Pieces begin at multiples of their size in the file, unless the range does not. */
static void write_data(int file, const char *bytes, size_t length, off_t at, const char *path)
{
	static const char zeros[piece];
	size_t from = 0;
	for (size_t end = 0; from < length; from = end) {
		size_t next = end = from;
		while (next < length) {
			size_t part = length - next < piece ? length - next : piece;
			if (memcmp(bytes + next, zeros, part) == 0) {
				end = next + part;
				break;
			}
			end = next += part;
		}
		if (next > from) write_all(file, bytes + from, next - from, at + (off_t)from, path);
	}
}

/* Waits until so many bytes may have been copied. */
static void keep_rate(long long copied, long long rate, const struct timespec *begun)
{
	struct timespec now;
	if (rate == 0) return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	double wait = (double)copied / (double)rate - (double)(now.tv_sec - begun->tv_sec) -
		      (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
	if (wait > 0) nanosleep(&(struct timespec){(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)}, NULL);
}

static void tell(long long copied)
{
	printf("%lld\n", copied);
	if (fflush(stdout) != 0) fail("cannot write to", "standard output");
}

static void copy(char **words)
{
	const char *from = below(words[0]), *to = *words[2] ? words[2] : below(words[1]);
	long long bytes = number(words[3]), time = number(words[4]), at = number(words[5]), length = number(words[6]);
	long long rate = number(words[7]), told = 0, end = at + length;
	int has_holes = strcmp(words[8], "holes") == 0;
	struct stat found;
	struct timespec begun;
	int source = open_source(from, &found);
	require_unchanged(source, bytes, time);
	int file = open_draft(to, bytes);
	char *buffer = aligned_alloc(piece, block);
	if (!buffer) fail("cannot use", from);
	posix_fadvise(source, at, length, POSIX_FADV_SEQUENTIAL);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (off_t now = at; now < end;) {
		off_t hole = end;
		if (has_holes) {
			off_t data = lseek(source, now, SEEK_DATA);
			if (data < 0 && errno == ENXIO) break;
			if (data >= end) break;
			if (data > now) now = data;
			if (data >= 0 && (hole = lseek(source, now, SEEK_HOLE)) < 0) hole = end;
			if (hole > end) hole = end;
		}
		while (now < hole) {
			size_t most = hole - now < block ? (size_t)(hole - now) : block;
			ssize_t got = pread(source, buffer, most, now);
			if (got < 0 && errno == EINTR) continue;
			if (got < 0) fail("cannot read", from);
			if (got == 0) exit(changed);
			if (has_holes)
				write_data(file, buffer, (size_t)got, now, to);
			else
				write_all(file, buffer, (size_t)got, now, to);
			/* Begin to write to the disk now: who waits for that at the end waits less. */
			sync_file_range(file, now, got, SYNC_FILE_RANGE_WRITE);
			now += got;
			keep_rate(now - at, rate, &begun);
			if (now - at - told >= told_every) tell(told = now - at);
		}
	}
	require_unchanged(source, bytes, time);
	if (futimens(file, no_time) != 0) fail("cannot set the time of", to);
	/* It is noted as copied next. Some file systems tell only now that they could not write. */
	if (fsync(file) != 0 || close(file) != 0) fail("cannot write", to);
	tell(length);
}

static void finish(char **words)
{
	const char *from = below(words[0]), *place = below(words[1]), *to = *words[2] ? words[2] : place;
	long long bytes = number(words[3]), time = number(words[4]);
	struct stat source;
	int read = open_source(from, &source);
	require_unchanged(read, bytes, time);
	/* An agent has died after it had finished the file, which may be read-only by now. */
	int is_moved = to == place || (access(to, F_OK) != 0 && errno == ENOENT);
	if (is_moved && is_complete(place, &source, words[5])) return;
	int file = open_draft(to, bytes);
	if (futimens(file, (struct timespec[2]){{.tv_nsec = UTIME_OMIT}, source.st_mtim}) != 0 || close(file) != 0)
		fail("cannot set the time of", to);
	if (to == place || rename(to, place) == 0) return;
	if (errno == EXDEV) exit(other);
	fail("cannot move a complete file to", place);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		void (*act)(char **);
	} acts[] = {{"prepare", 5, prepare}, {"copy", 9, copy}, {"finish", 6, finish}};
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		if (argc != acts[i].words + 2 || strcmp(argv[1], acts[i].name) != 0) continue;
		read_name();
		acts[i].act(argv + 2);
		return 0;
	}
	fprintf(stderr, "usage: copyrange prepare|copy|finish ...\n");
	return failed;
}
