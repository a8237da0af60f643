#define _GNU_SOURCE
#include "CCurl.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// The part of libcurl's stable binary interface that is used here.
enum {
  OPTION_INFILESIZE = 30115,
  OPTION_POST_SIZE = 30120,
  OPTION_URL = 10002,
  OPTION_WRITE_DATA = 10001,
  OPTION_READ_DATA = 10009,
  OPTION_ERROR_BUFFER = 10010,
  OPTION_HEADERS = 10023,
  OPTION_HEADER_DATA = 10029,
  OPTION_CERTIFICATES = 10065,
  OPTION_COPIED_POST = 10165,
  OPTION_SEEK_DATA = 10168,
  OPTION_WRITE = 20011,
  OPTION_READ = 20012,
  OPTION_HEADER = 20079,
  OPTION_SEEK = 20167,
  OPTION_STALL_BYTES = 19,
  OPTION_STALL_SECONDS = 20,
  OPTION_NO_PROGRESS = 43,
  OPTION_NO_BODY = 44,
  OPTION_UPLOAD = 46,
  OPTION_POST = 47,
  OPTION_FOLLOW = 52,
  OPTION_CONNECT_SECONDS = 78,
  OPTION_GET = 80,
  OPTION_NO_SIGNAL = 99,
  OPTION_PROTOCOLS = 181,
  OPTION_NO_PROXY_HEADERS = 265,
  INFO_STATUS = 0x200002,
  PROTOCOLS_HTTP_AND_HTTPS = 3,
  MESSAGE_DONE = 1,
  GLOBAL_ALL = 3,
  ABORT_READING = 0x10000000,
  OUT_OF_MEMORY = 27,
};

typedef struct {
  int kind;
  void *easy;
  union {
    void *pointer;
    int code;
  } data;
} message;

static struct {
  int (*global_init)(long);
  void *(*easy_init)(void);
  void (*easy_cleanup)(void *);
  void (*easy_reset)(void *);
  int (*easy_setopt)(void *, int, ...);
  int (*easy_getinfo)(void *, int, ...);
  const char *(*easy_strerror)(int);
  void *(*multi_init)(void);
  int (*multi_cleanup)(void *);
  int (*multi_add_handle)(void *, void *);
  int (*multi_remove_handle)(void *, void *);
  int (*multi_perform)(void *, int *);
  int (*multi_wait)(void *, void *, unsigned, int, int *);
  message *(*multi_info_read)(void *, int *);
  void *(*slist_append)(void *, const char *);
  void (*slist_free_all)(void *);
} curl;

static int is_loaded;

static void load(void) {
  static const char *const names[] = {
    "libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib", "/usr/lib/libcurl.4.dylib",
  };
  void *library = NULL;
  for (size_t i = 0; !library && i < sizeof names / sizeof *names; i++) {
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  }
  if (!library) return;
  struct {
    void **place;
    const char *name;
  } symbols[] = {
    {(void **)&curl.global_init, "curl_global_init"},
    {(void **)&curl.easy_init, "curl_easy_init"},
    {(void **)&curl.easy_cleanup, "curl_easy_cleanup"},
    {(void **)&curl.easy_reset, "curl_easy_reset"},
    {(void **)&curl.easy_setopt, "curl_easy_setopt"},
    {(void **)&curl.easy_getinfo, "curl_easy_getinfo"},
    {(void **)&curl.easy_strerror, "curl_easy_strerror"},
    {(void **)&curl.multi_init, "curl_multi_init"},
    {(void **)&curl.multi_cleanup, "curl_multi_cleanup"},
    {(void **)&curl.multi_add_handle, "curl_multi_add_handle"},
    {(void **)&curl.multi_remove_handle, "curl_multi_remove_handle"},
    {(void **)&curl.multi_perform, "curl_multi_perform"},
    {(void **)&curl.multi_wait, "curl_multi_wait"},
    {(void **)&curl.multi_info_read, "curl_multi_info_read"},
    {(void **)&curl.slist_append, "curl_slist_append"},
    {(void **)&curl.slist_free_all, "curl_slist_free_all"},
  };
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    *symbols[i].place = dlsym(library, symbols[i].name);
    if (!*symbols[i].place) return;
  }
  is_loaded = curl.global_init(GLOBAL_ALL) == 0;
}

// Text or bytes that grow.
typedef struct {
  char *bytes;
  size_t count, capacity;
} buffer;

static int append(buffer *buffer, const char *bytes, size_t count) {
  if (buffer->count + count + 1 > buffer->capacity) {
    size_t capacity = 2 * (buffer->count + count + 1);
    char *larger = realloc(buffer->bytes, capacity);
    if (!larger) return 0;
    buffer->bytes = larger;
    buffer->capacity = capacity;
  }
  memcpy(buffer->bytes + buffer->count, bytes, count);
  buffer->count += count;
  buffer->bytes[buffer->count] = 0;
  return 1;
}

struct ccurl_session {
  void *multi, *easy, *headers;
  int is_running, is_done, code, status, has_headers;
  char error[256];
  buffer head, body;
  size_t taken;
  int descriptor;
  int64_t offset, size, sent;
};

// MARK: What libcurl calls

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
  ccurl_session *session = context;
  return append(&session->body, bytes, size * count) ? size * count : 0;
}

static size_t receive_header(char *bytes, size_t size, size_t count, void *context) {
  ccurl_session *session = context;
  size_t length = size * count;
  // Each answer begins with its status; those before the last are no answers to the request.
  if (length > 5 && !memcmp(bytes, "HTTP/", 5)) {
    session->head.count = 0;
    long status = 0;
    curl.easy_getinfo(session->easy, INFO_STATUS, &status);
    session->status = (int)status;
  }
  if (length <= 2 && session->status >= 200) session->has_headers = 1;
  return append(&session->head, bytes, length) ? length : 0;
}

static size_t send_bytes(char *bytes, size_t size, size_t count, void *context) {
  ccurl_session *session = context;
  size_t capacity = size * count;
  int64_t left = session->size - session->sent;
  if ((int64_t)capacity > left) capacity = (size_t)left;
  if (capacity == 0) return 0;
  ssize_t got;
  do {
    got = pread(session->descriptor, bytes, capacity, session->offset + session->sent);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return ABORT_READING;
  session->sent += got;
  return (size_t)got;
}

static int seek(void *context, int64_t offset, int origin) {
  ccurl_session *session = context;
  if (origin != 0 || offset < 0 || offset > session->size) return 1;
  session->sent = offset;
  return 0;
}

// MARK: Sessions and requests

ccurl_session *ccurl_open(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (!is_loaded) return NULL;
  ccurl_session *session = calloc(1, sizeof *session);
  if (!session) return NULL;
  session->multi = curl.multi_init();
  session->easy = curl.easy_init();
  if (!session->multi || !session->easy) {
    ccurl_close(session);
    return NULL;
  }
  return session;
}

static void stop(ccurl_session *session) {
  if (session->is_running) curl.multi_remove_handle(session->multi, session->easy);
  session->is_running = 0;
  if (session->headers) curl.slist_free_all(session->headers);
  session->headers = NULL;
}

void ccurl_close(ccurl_session *session) {
  stop(session);
  if (session->easy) curl.easy_cleanup(session->easy);
  if (session->multi) curl.multi_cleanup(session->multi);
  free(session->head.bytes);
  free(session->body.bytes);
  free(session);
}

void ccurl_begin(ccurl_session *session, const char *method, const char *url) {
  stop(session);
  session->is_done = session->code = session->status = session->has_headers = 0;
  session->head.count = session->body.count = session->taken = 0;
  session->sent = session->size = 0;
  session->error[0] = 0;
  void *easy = session->easy;
  curl.easy_reset(easy);
  curl.easy_setopt(easy, OPTION_URL, url);
  curl.easy_setopt(easy, OPTION_NO_PROGRESS, 1L);
  curl.easy_setopt(easy, OPTION_NO_SIGNAL, 1L);
  curl.easy_setopt(easy, OPTION_FOLLOW, 0L);
  curl.easy_setopt(easy, OPTION_PROTOCOLS, (long)PROTOCOLS_HTTP_AND_HTTPS);
  curl.easy_setopt(easy, OPTION_NO_PROXY_HEADERS, 1L);
  curl.easy_setopt(easy, OPTION_ERROR_BUFFER, session->error);
  curl.easy_setopt(easy, OPTION_WRITE, receive);
  curl.easy_setopt(easy, OPTION_WRITE_DATA, session);
  curl.easy_setopt(easy, OPTION_HEADER, receive_header);
  curl.easy_setopt(easy, OPTION_HEADER_DATA, session);
  if (!strcmp(method, "HEAD")) curl.easy_setopt(easy, OPTION_NO_BODY, 1L);
  if (!strcmp(method, "POST")) {
    curl.easy_setopt(easy, OPTION_POST, 1L);
    ccurl_set_body(session, (const uint8_t *)"", 0);
  }
  if (!strcmp(method, "PUT")) curl.easy_setopt(easy, OPTION_UPLOAD, 1L);
}

void ccurl_add_header(ccurl_session *session, const char *line) {
  void *longer = curl.slist_append(session->headers, line);
  if (longer) session->headers = longer;
}

void ccurl_set_body(ccurl_session *session, const uint8_t *bytes, int64_t count) {
  curl.easy_setopt(session->easy, OPTION_POST_SIZE, count);
  curl.easy_setopt(session->easy, OPTION_COPIED_POST, bytes);
}

void ccurl_set_file(ccurl_session *session, int descriptor, int64_t offset, int64_t count) {
  session->descriptor = descriptor;
  session->offset = offset;
  session->size = count;
  curl.easy_setopt(session->easy, OPTION_INFILESIZE, count);
  curl.easy_setopt(session->easy, OPTION_READ, send_bytes);
  curl.easy_setopt(session->easy, OPTION_READ_DATA, session);
  curl.easy_setopt(session->easy, OPTION_SEEK, seek);
  curl.easy_setopt(session->easy, OPTION_SEEK_DATA, session);
}

void ccurl_set_timeouts(ccurl_session *session, long connecting, long stalled) {
  curl.easy_setopt(session->easy, OPTION_CONNECT_SECONDS, connecting);
  curl.easy_setopt(session->easy, OPTION_STALL_BYTES, 1L);
  curl.easy_setopt(session->easy, OPTION_STALL_SECONDS, stalled);
}

void ccurl_set_certificates(ccurl_session *session, const char *path) {
  curl.easy_setopt(session->easy, OPTION_CERTIFICATES, path);
}

// MARK: Progress

/// Lets libcurl work. A connection that the other side has closed must not end the process.
static void perform(ccurl_session *session) {
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  int running = 0;
  if (!session->is_running) {
    curl.easy_setopt(session->easy, OPTION_HEADERS, session->headers);
    session->code = curl.multi_add_handle(session->multi, session->easy) ? OUT_OF_MEMORY : 0;
    session->is_running = !session->code;
    session->is_done = !!session->code;
  }
  if (!session->is_done) curl.multi_perform(session->multi, &running);
  message *found;
  int left;
  while ((found = curl.multi_info_read(session->multi, &left))) {
    if (found->kind != MESSAGE_DONE) continue;
    session->is_done = 1;
    session->code = found->data.code;
  }
  if (!sigismember(&before, SIGPIPE)) {
    sigset_t pending;
    int signal;
    if (!sigpending(&pending) && sigismember(&pending, SIGPIPE)) sigwait(&pipe, &signal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
}

/// Waits until there may be something to do.
static void pause_briefly(ccurl_session *session) {
  int count = 0;
  curl.multi_wait(session->multi, NULL, 0, 200, &count);
  // Without a connection, as while a name is looked up, it does not wait.
  if (count == 0) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

int ccurl_wait(ccurl_session *session) {
  perform(session);
  if (session->has_headers) return 1;
  if (session->is_done) return session->code ? -session->code : 1;
  pause_briefly(session);
  return 0;
}

int64_t ccurl_read(ccurl_session *session, uint8_t *bytes, int64_t count) {
  while (session->taken == session->body.count) {
    session->taken = session->body.count = 0;
    if (session->is_done) return -session->code;
    perform(session);
    if (session->body.count == 0 && !session->is_done) pause_briefly(session);
  }
  size_t part = session->body.count - session->taken;
  if ((int64_t)part > count) part = (size_t)count;
  memcpy(bytes, session->body.bytes + session->taken, part);
  session->taken += part;
  return (int64_t)part;
}

int ccurl_status(const ccurl_session *session) { return session->status; }

const char *ccurl_headers(const ccurl_session *session) {
  return session->head.bytes ? session->head.bytes : "";
}

int64_t ccurl_sent(const ccurl_session *session) { return session->sent; }

int ccurl_error_code(const ccurl_session *session) { return session->code; }

const char *ccurl_error_text(const ccurl_session *session) {
  if (session->error[0] || !session->code) return session->error;
  return curl.easy_strerror(session->code);
}
