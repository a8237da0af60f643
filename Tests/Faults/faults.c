// A library for LD_PRELOAD that makes a program's writes fail, or its clock go back, at a chosen moment.
//
//   FAULT_FOLDER  the folder whose files count
//   FAULT_AT      the number of the call that fails, from 1; calls are counted that make, write, sync, rename or remove
//   FAULT_ERROR   its errno (default 28, no space left on device)
//   FAULT_MODE    "from" (default): that call and all later ones, as on a full disk, but for removals; "once": that call alone;
//                 "short": that write is cut in half, and all later ones fail
//   FAULT_COUNT   a file that gets the number of calls when the program ends
//   FAULT_CLOCK   seconds by which the clock of the day goes back after FAULT_AT calls (writes then never fail)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;
static long failing_call = LONG_MAX;
static int failing_error = ENOSPC;
static enum { from, once, half } mode = from;
static long seconds_back;
static char folder[PATH_MAX];
static size_t folder_length;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void read_settings(void) {
  const char *text;
  if ((text = getenv("FAULT_FOLDER")) && realpath(text, folder)) folder_length = strlen(folder);
  if ((text = getenv("FAULT_AT"))) failing_call = atol(text);
  if ((text = getenv("FAULT_ERROR"))) failing_error = atoi(text);
  if ((text = getenv("FAULT_CLOCK"))) seconds_back = atol(text);
  if ((text = getenv("FAULT_MODE"))) mode = !strcmp(text, "once") ? once : !strcmp(text, "short") ? half : from;
}

__attribute__((destructor)) static void write_count(void) {
  const char *file = getenv("FAULT_COUNT");
  if (!file) return;
  char text[32];
  int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls));
  int descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (descriptor < 0) return;
  syscall(SYS_write, descriptor, text, length);
  syscall(SYS_close, descriptor);
}

static int is_inside(const char *path) {
  return folder_length && !strncmp(path, folder, folder_length) && (path[folder_length] == '/' || !path[folder_length]);
}

// A path counts by its text, which may begin at the working directory.
static int path_counts(const char *path) {
  if (!path) return 0;
  if (path[0] == '/') return is_inside(path);
  char here[PATH_MAX];
  return getcwd(here, sizeof here) && is_inside(here);
}

static int descriptor_counts(int descriptor) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_inside(path);
}

// Whether this call is to fail; `errno` is then set. A removal only counts: a full disk does not keep it from working.
static int fails(int counts, int removes) {
  if (!counts) return 0;
  long number = atomic_fetch_add(&calls, 1) + 1;
  if (seconds_back || removes) return 0;
  if (mode == once ? number != failing_call : number < failing_call) return 0;
  errno = failing_error;
  return 1;
}

static int at_half(int descriptor) {
  return mode == half && !seconds_back && descriptor_counts(descriptor) && atomic_load(&calls) + 1 == failing_call;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (count > 1 && at_half(descriptor)) {
    atomic_fetch_add(&calls, 1);
    return REAL(write)(descriptor, bytes, count / 2);
  }
  return fails(descriptor_counts(descriptor), 0) ? -1 : REAL(write)(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  if (count > 1 && at_half(descriptor)) {
    atomic_fetch_add(&calls, 1);
    return REAL(pwrite)(descriptor, bytes, count / 2, offset);
  }
  return fails(descriptor_counts(descriptor), 0) ? -1 : REAL(pwrite)(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  return fails(descriptor_counts(descriptor), 0) ? -1 : REAL(writev)(descriptor, parts, count);
}

int fsync(int descriptor) { return fails(descriptor_counts(descriptor), 0) ? -1 : REAL(fsync)(descriptor); }

int ftruncate(int descriptor, off_t length) {
  return fails(descriptor_counts(descriptor), 0) ? -1 : REAL(ftruncate)(descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

static int opened(int directory, const char *path, int flags, va_list rest) {
  mode_t permissions = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  if (flags & O_CREAT && fails(path_counts(path), 0)) return -1;
  return (int)syscall(SYS_openat, directory, path, flags, permissions);
}

#define OPENED(directory)                           \
  va_list rest;                                     \
  va_start(rest, flags);                            \
  int descriptor = opened(directory, path, flags, rest); \
  va_end(rest);                                     \
  return descriptor

int open(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int openat(int directory, const char *path, int flags, ...) { OPENED(directory); }
int openat64(int directory, const char *path, int flags, ...) { OPENED(directory); }

int mkdir(const char *path, mode_t permissions) {
  return fails(path_counts(path), 0) ? -1 : REAL(mkdir)(path, permissions);
}

int rename(const char *path, const char *target) {
  return fails(path_counts(target), 0) ? -1 : REAL(rename)(path, target);
}

int symlink(const char *target, const char *path) {
  return fails(path_counts(path), 0) ? -1 : REAL(symlink)(target, path);
}

int link(const char *path, const char *target) { return fails(path_counts(target), 0) ? -1 : REAL(link)(path, target); }

int unlink(const char *path) {
  fails(path_counts(path), 1);
  return REAL(unlink)(path);
}

int rmdir(const char *path) {
  fails(path_counts(path), 1);
  return REAL(rmdir)(path);
}

static time_t gone_back(void) { return seconds_back && atomic_load(&calls) >= failing_call ? seconds_back : 0; }

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec -= gone_back();
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}
