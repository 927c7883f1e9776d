/*
 * Runs a program that sees only what it is given: sandbox AT PATH... -- PROGRAM ARGUMENT...
 *
 * In a mount namespace of its own the program has a root of memory, which nobody can write to, with /usr (read-only), /dev/null and the
 * directories PATH; a PATH that is not there is left out. AT is an empty directory that the new root is made at. Whatever link a user
 * plants below a PATH, and at whatever moment, leads to nothing else of this host.
 *
 * What is mounted below a PATH later is seen too, where the host's mounts are shared, as systemd has them. Every other mount of
 * the host is taken off in the namespace: none is kept busy by a program that runs for hours. Not by pivot_root, which the default
 * seccomp profiles of container engines forbid.
 *
 * Needs CAP_SYS_ADMIN and CAP_SYS_CHROOT, and gives up no right by itself: PROGRAM is setpriv. Exits with 125 and a reason when
 * it cannot make the namespace, 126 or 127 when PROGRAM cannot be run, as env(1) does.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { cannot = 125 };

static _Noreturn void fail(const char *what, const char *path)
{
	fprintf(stderr, "sandbox: %s %s: %s\n", what, path, strerror(errno));
	exit(cannot);
}

static const char *root;

/* The path below the new root. Valid until the next call. */
static const char *inside(const char *path)
{
	static char joined[2 * PATH_MAX];
	int length = snprintf(joined, sizeof joined, "%s%s", root, path);
	if (length < 0 || (size_t)length >= sizeof joined) {
		errno = ENAMETOOLONG;
		fail("cannot use", path);
	}
	return joined;
}

/* With its parents. What is there already stays; a link on the way is no directory of ours, and ends it. */
static int make_directories(const char *path)
{
	char part[2 * PATH_MAX];
	struct stat found;
	if (strlen(path) >= sizeof part) return -1;
	strcpy(part, path);
	for (char *end = part + 1;; end++) {
		if (*end != '/' && *end != '\0') continue;
		char kept = *end;
		*end = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST) return -1;
		if (lstat(part, &found) != 0) return -1;
		if (!S_ISDIR(found.st_mode)) {
			errno = ENOTDIR;
			return -1;
		}
		if (kept == '\0') return 0;
		*end = kept;
	}
}

static int is_within(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void bind_directory(const char *from, unsigned long flags)
{
	if (make_directories(inside(from)) != 0) fail("cannot make a place for", from);
	if (mount(from, inside(from), NULL, MS_BIND | flags, NULL) != 0) fail("cannot mount", from);
}

static void bind_read_only(const char *from)
{
	bind_directory(from, 0);
	if (mount(NULL, inside(from), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0)
		fail("cannot make read-only", from);
}

/* One that the host has not is left out. */
static void bind_file(const char *from, const char *folder, unsigned long options)
{
	if (access(from, F_OK) != 0) return;
	if (make_directories(inside(folder)) != 0) fail("cannot make a place for", from);
	int file = open(inside(from), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (file < 0) fail("cannot make a place for", from);
	close(file);
	if (mount(from, inside(from), NULL, MS_BIND, NULL) != 0) fail("cannot mount", from);
	if (options && mount(NULL, inside(from), NULL, MS_REMOUNT | MS_BIND | options, NULL) != 0)
		fail("cannot make read-only", from);
}

struct link {
	char *at, *to;
};
static struct link *links;
static size_t link_count;

static void remember_link(const char *at, const char *to)
{
	links = realloc(links, (link_count + 1) * sizeof *links);
	if (!links || !(links[link_count].at = strdup(at)) || !(links[link_count].to = strdup(to))) fail("cannot use", at);
	link_count++;
}

static int is_of_system(const char *path)
{
	static const char *const names[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(path, names[i]) == 0) return 1;
	return 0;
}

/* Links at the top of the host, such as /bin, lead to where they lead there. A system whose /bin is a directory gets that. */
static void look_at_top(void)
{
	DIR *top = opendir("/");
	if (!top) fail("cannot list", "/");
	for (struct dirent *entry; (entry = readdir(top));) {
		char path[NAME_MAX + 2], to[PATH_MAX];
		snprintf(path, sizeof path, "/%.*s", NAME_MAX, entry->d_name);
		ssize_t length = readlink(path, to, sizeof to - 1);
		if (length > 0) {
			to[length] = '\0';
			remember_link(path, to);
		} else if (is_of_system(path)) {
			bind_read_only(path);
		}
	}
	closedir(top);
}

static void make_links(void)
{
	for (size_t i = 0; i < link_count; i++) {
		char *end = strrchr(links[i].at, '/');
		if (end != links[i].at) {
			*end = '\0';
			/* A link on the way leads where this one would be. */
			int is_made = make_directories(inside(links[i].at)) == 0;
			*end = '/';
			if (!is_made) continue;
		}
		if (symlink(links[i].to, inside(links[i].at)) != 0 && errno != EEXIST && errno != EROFS)
			fail("cannot link", links[i].at);
	}
}

/*
 * At its place without links; one that was named by a link is found by that too. Links are made before anything of a user's is
 * mounted: root makes nothing in there.
 */
static void bind_paths(char **paths, int count)
{
	char **bound = calloc((size_t)count + 1, sizeof *bound);
	if (!bound) fail("cannot use", root);
	/* Shorter ones first: what lies within another is seen there. */
	for (int i = 0; i < count; i++) {
		char *real = realpath(paths[i], NULL);
		if (!real && (errno == ENOENT || errno == ENOTDIR)) continue;
		if (!real) fail("cannot find", paths[i]);
		if (strcmp(real, "/") == 0) {
			errno = EINVAL;
			fail("the whole host cannot be given:", paths[i]);
		}
		if (strcmp(real, paths[i]) != 0) remember_link(paths[i], real);
		int at = 0;
		while (bound[at] && strlen(bound[at]) <= strlen(real)) at++;
		memmove(bound + at + 1, bound + at, (size_t)(count - 1 - at) * sizeof *bound);
		bound[at] = real;
	}
	make_links();
	for (int i = 0; bound[i]; i++) {
		int is_seen = 0;
		for (int j = 0; j < i; j++) is_seen |= is_within(bound[i], bound[j]);
		if (!is_seen) bind_directory(bound[i], MS_REC);
	}
}

/* As it stands in /proc/self/mountinfo: blanks, newlines and backslashes in octal. */
static void unescape(char *text)
{
	char *to = text;
	for (char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else
			*to = *from++;
	}
	*to = '\0';
}

/* The paths of all mounts but the host's root and what lies at the new one. */
static char **other_mounts(size_t *count)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	if (!table) fail("cannot read", "/proc/self/mountinfo");
	char **found = NULL, *line = NULL;
	size_t room = 0;
	*count = 0;
	while (getline(&line, &room, table) > 0) {
		char *path = line;
		for (int field = 0; field < 4 && path; field++) path = (path = strchr(path, ' ')) ? path + 1 : NULL;
		char *end = path ? strchr(path, ' ') : NULL;
		if (!end) continue;
		*end = '\0';
		unescape(path);
		if (strcmp(path, "/") == 0 || is_within(path, root)) continue;
		found = realloc(found, (*count + 1) * sizeof *found);
		if (!found || !(found[(*count)++] = strdup(path))) fail("cannot read", "/proc/self/mountinfo");
	}
	free(line);
	fclose(table);
	return found;
}

/* The new root is laid over the old one, which no path leads to from then on. */
static void enter_root(void)
{
	size_t count;
	char **others = other_mounts(&count);
	int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) fail("cannot open", root);
	if (mount(root, "/", NULL, MS_MOVE, NULL) != 0) fail("cannot move", root);
	/* Those that went with another, or with the place that they were mounted at, are not found any more. */
	for (size_t i = 0; i < count; i++) umount2(others[i], MNT_DETACH | UMOUNT_NOFOLLOW);
	if (fchdir(folder) != 0 || chroot(".") != 0 || chdir("/") != 0) fail("cannot enter", root);
}

int main(int argc, char **argv)
{
	int dashes = 1;
	while (dashes < argc && strcmp(argv[dashes], "--") != 0) dashes++;
	if (dashes < 2 || dashes + 1 >= argc) {
		fprintf(stderr, "usage: sandbox AT PATH... -- PROGRAM ARGUMENT...\n");
		return cannot;
	}
	root = argv[1];
	/* The agent's own would close what a user makes from everybody else. */
	umask(022);
	if (unshare(CLONE_NEWNS) != 0) fail("cannot make a mount namespace for", argv[dashes + 1]);
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) fail("cannot part from the mounts of", "/");
	if (mount("sandbox", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") != 0) fail("cannot mount", root);
	bind_read_only("/usr");
	look_at_top();
	bind_file("/dev/null", "/dev", 0);
	bind_file("/etc/ld.so.cache", "/etc", MS_RDONLY | MS_NOSUID | MS_NODEV);
	bind_paths(argv + 2, dashes - 2);
	enter_root();
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0)
		fail("cannot make read-only", "/");
	execvp(argv[dashes + 1], argv + dashes + 1);
	fprintf(stderr, "sandbox: %s: %s\n", argv[dashes + 1], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
