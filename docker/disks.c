/*
 * Sparse files as the disks of a container: disks FOLDER NAME:BYTES...
 *
 * Each file FOLDER/NAME.img is created if it is missing, and shown as /dev/NAME on a loop device that detaches itself: the
 * call that attaches it also asks the kernel to detach it at its last close, and this program, which holds it open, dies
 * with the container. Nothing has to be cleaned up after a container, at whatever moment it was killed. The program prints
 * "ready" and keeps running.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { loop_major = 7 };

static void fail(const char *what)
{
	fprintf(stderr, "disks: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_file(const char *folder, const char *name, off_t bytes)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s.img", folder, name);
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, bytes) != 0) fail(path);
	return file;
}

/* Another container may take the free device first: then this tries the next one. The open loop device is never closed. */
static void attach(int control, int file, const char *name)
{
	char node[256];
	snprintf(node, sizeof node, "/dev/%s", name);
	for (;;) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0) fail("no free loop device");
		if (unlink(node) != 0 && errno != ENOENT) fail(node);
		if (mknod(node, S_IFBLK | 0660, makedev(loop_major, number)) != 0) fail(node);
		int device = open(node, O_RDWR | O_CLOEXEC);
		if (device < 0) fail(node);
		struct loop_config config = {.fd = (unsigned)file, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0) return;
		if (errno != EBUSY) fail(node);
		close(device);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: disks FOLDER NAME:BYTES...\n");
		return 2;
	}
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0) fail("/dev/loop-control");
	for (int i = 2; i < argc; i++) {
		char *name = argv[i];
		char *bytes = strchr(name, ':');
		if (!bytes) {
			fprintf(stderr, "disks: no size in %s\n", name);
			return 2;
		}
		*bytes++ = '\0';
		int file = open_file(argv[1], name, (off_t)strtoll(bytes, NULL, 10));
		attach(control, file, name);
		close(file);
	}
	puts("ready");
	fclose(stdout);
	for (;;) pause();
}
