/*
 * One process of a program that uses the file system under test: it makes the system calls that it reads, one a line, and
 * answers each before it reads the next. Node has no mmap, no record locks, no extended attributes, no lseek.
 *
 *   request  NAME ARGUMENT... [LENGTH]\n, and LENGTH bytes where the call takes data
 *   answer   RESULT LENGTH\n and LENGTH bytes, or the name of an error: ENOENT 0\n
 *
 * Arguments are numbers or paths without spaces. A mapping that cannot be accessed answers SIGBUS.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_WORDS 8
#define MAX_DATA (8 << 20)
#define MAX_MAPS 64
#define PAGE 4096

static char *words[MAX_WORDS];
static char *data;
static size_t data_length;
static struct {
	char *at;
	size_t length;
} maps[MAX_MAPS];
static sigjmp_buf unmappable;

static void on_bus_error(int signal)
{
	(void)signal;
	siglongjmp(unmappable, 1);
}

static long number(int word)
{
	return words[word] ? atol(words[word]) : 0;
}

static void take_data(long length)
{
	if (length < 0 || length > MAX_DATA || fread(data, 1, length, stdin) != (size_t)length)
		exit(2);
}

static void answer_text(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	data_length += vsnprintf(data + data_length, MAX_DATA - data_length, format, arguments);
	va_end(arguments);
}

static long answer_data(long length)
{
	if (length > 0)
		data_length = length;
	return length;
}

/* "SIZE LINKS TYPE MODE INODE MTIME", MTIME in nanoseconds. */
static long answer_stat(long result, const struct stat *st)
{
	const char *type = S_ISREG(st->st_mode) ? "file" : S_ISDIR(st->st_mode) ? "directory" : "symlink";
	if (result == 0)
		answer_text("%lld %lu %s %o %lu %lld", (long long)st->st_size, (unsigned long)st->st_nlink, type,
			    st->st_mode & 07777, (unsigned long)st->st_ino,
			    st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec);
	return result;
}

static long list_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	if (!directory)
		return -1;
	for (errno = 0; (entry = readdir(directory)) != NULL; errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			answer_text("%s\n", entry->d_name);
	int error = errno;
	closedir(directory);
	errno = error;
	return error ? -1 : 0;
}

static long map_file(int fd, long length)
{
	for (int id = 0; id < MAX_MAPS; id++) {
		if (maps[id].at)
			continue;
		char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			return -1;
		maps[id].at = at;
		maps[id].length = length;
		return id;
	}
	errno = EMFILE;
	return -1;
}

static long copy_mapped(long id, long offset, long length, int to_map)
{
	if (id < 0 || id >= MAX_MAPS || !maps[id].at || offset + length > (long)maps[id].length) {
		errno = EINVAL;
		return -1;
	}
	if (to_map)
		memcpy(maps[id].at + offset, data, length);
	else
		memcpy(data, maps[id].at + offset, length);
	return length;
}

static long unmap(long id)
{
	long result = munmap(maps[id].at, maps[id].length);
	maps[id].at = NULL;
	return result;
}

/* Tells of the lock that stands in the way, "r" or "w", or "u" when none does. */
static long test_lock(struct flock *lock)
{
	if (fcntl(number(1), F_GETLK, lock) != 0)
		return -1;
	answer_text("%s", lock->l_type == F_UNLCK ? "u" : lock->l_type == F_RDLCK ? "r" : "w");
	return 0;
}

static struct flock lock_of(void)
{
	short type = words[2][0] == 'r' ? F_RDLCK : words[2][0] == 'w' ? F_WRLCK : F_UNLCK;
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = number(3), .l_len = number(4) };
}

static long free_bytes(const char *path)
{
	struct statvfs room;
	return statvfs(path, &room) == 0 ? (long)(room.f_bavail * room.f_frsize) : -1;
}

static long set_mtime(const char *path, long nanoseconds)
{
	struct timespec time = { .tv_sec = nanoseconds / 1000000000L, .tv_nsec = nanoseconds % 1000000000L };
	return utimensat(AT_FDCWD, path, (struct timespec[2]){ time, time }, 0);
}

static long call(void)
{
	const char *name = words[0];
	struct stat st;
#define IS(text) (strcmp(name, text) == 0)
	if (IS("open"))
		return open(words[1], number(2) | O_CLOEXEC, 0644);
	if (IS("close"))
		return close(number(1));
	if (IS("pread"))
		return answer_data(pread(number(1), data, number(3), number(2)));
	if (IS("pwrite")) {
		take_data(number(3));
		return pwrite(number(1), data, number(3), number(2));
	}
	if (IS("write")) {
		take_data(number(2));
		return write(number(1), data, number(2));
	}
	if (IS("ftruncate"))
		return ftruncate(number(1), number(2));
	if (IS("truncate"))
		return truncate(words[1], number(2));
	if (IS("fsync"))
		return fsync(number(1));
	if (IS("fstat"))
		return answer_stat(fstat(number(1), &st), &st);
	if (IS("stat"))
		return answer_stat(stat(words[1], &st), &st);
	if (IS("lstat"))
		return answer_stat(lstat(words[1], &st), &st);
	if (IS("mmap"))
		return map_file(number(1), number(2));
	if (IS("mread"))
		return answer_data(copy_mapped(number(1), number(2), number(3), 0));
	if (IS("mwrite")) {
		take_data(number(3));
		return copy_mapped(number(1), number(2), number(3), 1);
	}
	if (IS("msync"))
		return msync(maps[number(1)].at, maps[number(1)].length, MS_SYNC);
	if (IS("munmap"))
		return unmap(number(1));
	if (IS("fallocate"))
		return fallocate(number(1), number(2), number(3), number(4));
	if (IS("lseek"))
		return lseek(number(1), number(2), words[3][0] == 'd' ? SEEK_DATA : SEEK_HOLE);
	if (IS("rename"))
		return rename(words[1], words[2]);
	if (IS("link"))
		return link(words[1], words[2]);
	if (IS("symlink"))
		return symlink(words[1], words[2]);
	if (IS("readlink"))
		return answer_data(readlink(words[1], data, MAX_DATA));
	if (IS("unlink"))
		return unlink(words[1]);
	if (IS("mkdir"))
		return mkdir(words[1], 0755);
	if (IS("rmdir"))
		return rmdir(words[1]);
	if (IS("readdir"))
		return list_directory(words[1]);
	if (IS("setxattr")) {
		take_data(number(3));
		return setxattr(words[1], words[2], data, number(3), 0);
	}
	if (IS("getxattr"))
		return answer_data(getxattr(words[1], words[2], data, MAX_DATA));
	if (IS("removexattr"))
		return removexattr(words[1], words[2]);
	if (IS("setmtime"))
		return set_mtime(words[1], number(2));
	if (IS("freebytes"))
		return free_bytes(words[1]);
	if (IS("setlk") || IS("setlkw") || IS("getlk")) {
		struct flock lock = lock_of();
		if (IS("getlk"))
			return test_lock(&lock);
		return fcntl(number(1), IS("setlk") ? F_SETLK : F_SETLKW, &lock);
	}
	errno = ENOSYS;
	return -1;
}

int main(void)
{
	char line[8192];
	struct sigaction action = { .sa_handler = on_bus_error };
	sigaction(SIGBUS, &action, NULL);
	/* Aligned, as O_DIRECT wants it. */
	if (posix_memalign((void **)&data, PAGE, MAX_DATA) != 0)
		return 1;
	while (fgets(line, sizeof line, stdin)) {
		int count = 0;
		memset(words, 0, sizeof words);
		for (char *word = strtok(line, " \n"); word && count < MAX_WORDS; word = strtok(NULL, " \n"))
			words[count++] = word;
		if (count == 0)
			continue;
		data_length = 0;
		if (sigsetjmp(unmappable, 1)) {
			printf("SIGBUS 0\n");
		} else {
			long result = call();
			if (result < 0)
				printf("%s 0\n", strerrorname_np(errno));
			else {
				printf("%ld %zu\n", result, data_length);
				fwrite(data, 1, data_length, stdout);
			}
		}
		fflush(stdout);
	}
	return 0;
}
