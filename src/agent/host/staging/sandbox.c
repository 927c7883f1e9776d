/*
 * Runs a program that sees only the directories it is given: sandbox AT PATH... -- PROGRAM ARGUMENT...
 *
 * The program runs in its own mount namespace. Its root is a read-only tmpfs with /usr (read-only), /dev/null, the
 * copier of ranges (/copyrange, from the folder of this program) and the directories PATH; a PATH that does not exist is left out. AT is an empty directory, where the new root is created. A
 * link that a user plants below a PATH, at any moment, leads to nothing else on this host.
 *
 * The program also sees later mounts below a PATH, if the host's mounts are shared, as with systemd. All other mounts of
 * the host are unmounted in the namespace, so that a program that runs for hours keeps none of them busy. pivot_root is
 * not used, because the default seccomp profiles of container engines forbid it.
 *
 * Needs CAP_SYS_ADMIN and CAP_SYS_CHROOT, and drops no rights itself: PROGRAM is setpriv. Exits with 125 and a reason
 * when it cannot create the namespace, with 126 or 127 when PROGRAM cannot be run, as env(1) does.
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

/* Creates the directory and its parents. Existing directories stay. Fails when a part of the path is a link. */
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
	if (make_directories(inside(from)) != 0) fail("cannot create a mount point for", from);
	if (mount(from, inside(from), NULL, MS_BIND | flags, NULL) != 0) fail("cannot mount", from);
}

static void bind_read_only(const char *from)
{
	bind_directory(from, 0);
	if (mount(NULL, inside(from), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0)
		fail("cannot make read-only", from);
}

/* Binds the file at a path in that folder, if the host has it. */
static void bind_file(const char *from, const char *at, const char *folder, unsigned long options)
{
	if (access(from, F_OK) != 0) return;
	if (make_directories(inside(folder)) != 0) fail("cannot create a mount point for", from);
	int file = open(inside(at), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (file < 0) fail("cannot create a mount point for", from);
	close(file);
	if (mount(from, inside(at), NULL, MS_BIND, NULL) != 0) fail("cannot mount", from);
	if (options && mount(NULL, inside(at), NULL, MS_REMOUNT | MS_BIND | options, NULL) != 0)
		fail("cannot make read-only", from);
}

/* The program of this name beside this one. */
static const char *beside(const char *program)
{
	static char path[2 * PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
	if (length <= 0 || length == PATH_MAX) fail("cannot find", "/proc/self/exe");
	path[length] = '\0';
	strcpy(strrchr(path, '/') + 1, program);
	return path;
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

/* Copies links in the root directory, such as /bin. If /bin is a directory, binds it read-only. */
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
			/* A part of the path is a link: it leads to the place of this link. */
			int is_made = make_directories(inside(links[i].at)) == 0;
			*end = '/';
			if (!is_made) continue;
		}
		if (symlink(links[i].to, inside(links[i].at)) != 0 && errno != EEXIST && errno != EROFS)
			fail("cannot link", links[i].at);
	}
}

/*
 * Binds each path with its links resolved, and creates the links, so that both names work. Links are created before a
 * user's directory is mounted: root must create nothing in one.
 */
static void bind_paths(char **paths, int count)
{
	char **bound = calloc((size_t)count + 1, sizeof *bound);
	if (!bound) fail("cannot use", root);
	/* Shorter paths first: a path within another is visible there, and is not bound again. */
	for (int i = 0; i < count; i++) {
		char *real = realpath(paths[i], NULL);
		if (!real && (errno == ENOENT || errno == ENOTDIR)) continue;
		if (!real) fail("cannot find", paths[i]);
		if (strcmp(real, "/") == 0) {
			errno = EINVAL;
			fail("cannot give a program the whole host:", paths[i]);
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

/* Decodes a path of /proc/self/mountinfo, where blanks, newlines and backslashes are octal. */
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

/* The paths of all mounts except the host's root and those below the new root. */
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

/* Mounts the new root over the old one, which no path reaches then. */
static void enter_root(void)
{
	size_t count;
	char **others = other_mounts(&count);
	int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) fail("cannot open", root);
	if (mount(root, "/", NULL, MS_MOVE, NULL) != 0) fail("cannot move", root);
	/* A mount that disappeared with another mount is not found: the error is ignored. */
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
	/* With the agent's umask only the user could read the files that the program creates. */
	umask(022);
	if (unshare(CLONE_NEWNS) != 0) fail("cannot create a mount namespace for", argv[dashes + 1]);
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) fail("cannot make slaves of the mounts below", "/");
	if (mount("sandbox", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") != 0) fail("cannot mount", root);
	bind_read_only("/usr");
	look_at_top();
	bind_file("/dev/null", "/dev/null", "/dev", 0);
	bind_file(beside("copyrange"), "/copyrange", "", MS_RDONLY | MS_NOSUID | MS_NODEV);
	bind_file("/etc/ld.so.cache", "/etc/ld.so.cache", "/etc", MS_RDONLY | MS_NOSUID | MS_NODEV);
	bind_paths(argv + 2, dashes - 2);
	enter_root();
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0)
		fail("cannot make read-only", "/");
	execvp(argv[dashes + 1], argv + dashes + 1);
	fprintf(stderr, "sandbox: %s: %s\n", argv[dashes + 1], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
