/* Makes calls that write fail, or kills the process at one of them: for tests of what a program does on a failing disk.
 *
 * Preloaded (LD_PRELOAD). Only files below one folder count. It does nothing until `disk_faults_set` is called, which
 * happens in the process that is to meet the fault; what it starts by exec meets none.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE, WRITE, SYNC, RENAME, UNLINK, MKDIR, LOCK, LINK, TRUNCATE, KINDS };

static char prefix[PATH_MAX];
static size_t prefix_length;
static int faulty = -1, error, armed;
static long first, times;
static atomic_long counts[KINDS];
static atomic_long met;

/* From the call number `from` of `kind` on, `many` calls fail with `number`; -1 kills the process. Kind -1 only counts. */
void disk_faults_set(const char *folder, int kind, int number, long from, long many) {
    prefix_length = strlen(folder);
    memcpy(prefix, folder, prefix_length + 1);
    faulty = kind, error = number, first = from, times = many;
    for (int one = 0; one < KINDS; one++) counts[one] = 0;
    met = 0;
    armed = 1;
}

long disk_faults_count(int kind) { return counts[kind]; }
long disk_faults_met(void) { return met; }

static int below(const char *path) {
    return !strncmp(path, prefix, prefix_length) && (path[prefix_length] == '/' || !path[prefix_length]);
}

static int of_descriptor(int descriptor, char *into) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, into, PATH_MAX - 1);
    if (length < 0) return 0;
    into[length] = 0;
    return 1;
}

/* Count one call; tell whether it is to fail. */
static int fails(int kind) {
    long number = atomic_fetch_add(&counts[kind], 1) + 1;
    if (kind != faulty || number < first || number >= first + times) return 0;
    atomic_fetch_add(&met, 1);
    if (error < 0) kill(getpid(), SIGKILL), pause();
    errno = error;
    return 1;
}

static int path_fails(int kind, int folder, const char *path) {
    if (!armed || !path) return 0;
    char whole[PATH_MAX * 2];
    int before = errno;
    if (path[0] == '/') {
        if (!below(path)) return 0;
    } else {
        if (folder == AT_FDCWD ? !getcwd(whole, PATH_MAX) : !of_descriptor(folder, whole)) { errno = before; return 0; }
        errno = before;
        if (!below(whole)) return 0;
    }
    return fails(kind);
}

static int descriptor_fails(int kind, int descriptor) {
    if (!armed) return 0;
    char whole[PATH_MAX];
    int before = errno, there = of_descriptor(descriptor, whole);
    errno = before;
    return there && below(whole) && fails(kind);
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = dlsym(RTLD_NEXT, #name)
#define BY_DESCRIPTOR(kind, result, name, given, passed, descriptor) \
    result name given { REAL(name); return descriptor_fails(kind, descriptor) ? (result)-1 : real passed; }
#define BY_PATH(kind, result, name, given, passed, folder, path) \
    result name given { REAL(name); return path_fails(kind, folder, path) ? (result)-1 : real passed; }

BY_DESCRIPTOR(WRITE, ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size), fd)
BY_DESCRIPTOR(WRITE, ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), fd)
BY_DESCRIPTOR(WRITE, ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), fd)
BY_DESCRIPTOR(WRITE, ssize_t, writev, (int fd, const struct iovec *data, int count), (fd, data, count), fd)
BY_DESCRIPTOR(WRITE, ssize_t, sendfile, (int to, int from, off_t *at, size_t size), (to, from, at, size), to)
BY_DESCRIPTOR(WRITE, ssize_t, sendfile64, (int to, int from, off64_t *at, size_t size), (to, from, at, size), to)
BY_DESCRIPTOR(SYNC, int, fsync, (int fd), (fd), fd)
BY_DESCRIPTOR(SYNC, int, fdatasync, (int fd), (fd), fd)
BY_DESCRIPTOR(LOCK, int, flock, (int fd, int how), (fd, how), fd)
BY_DESCRIPTOR(TRUNCATE, int, ftruncate, (int fd, off_t size), (fd, size), fd)
BY_DESCRIPTOR(TRUNCATE, int, ftruncate64, (int fd, off64_t size), (fd, size), fd)
BY_PATH(RENAME, int, rename, (const char *from, const char *to), (from, to), AT_FDCWD, to)
BY_PATH(RENAME, int, renameat, (int one, const char *from, int other, const char *to), (one, from, other, to), other, to)
BY_PATH(UNLINK, int, unlink, (const char *path), (path), AT_FDCWD, path)
BY_PATH(UNLINK, int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), folder, path)
BY_PATH(UNLINK, int, rmdir, (const char *path), (path), AT_FDCWD, path)
BY_PATH(MKDIR, int, mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
BY_PATH(MKDIR, int, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode), folder, path)
BY_PATH(LINK, int, link, (const char *from, const char *to), (from, to), AT_FDCWD, to)
BY_PATH(LINK, int, linkat, (int one, const char *from, int other, const char *to, int flags), (one, from, other, to, flags), other, to)
BY_PATH(LINK, int, symlink, (const char *says, const char *path), (says, path), AT_FDCWD, path)

#define OPEN(name, folder, given, passed) \
    int name given { \
        static int (*real)(); \
        if (!real) real = (int (*)())dlsym(RTLD_NEXT, #name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
        if (flags & O_CREAT && path_fails(CREATE, folder, path)) return -1; \
        return real passed; \
    }

OPEN(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPEN(openat64, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
