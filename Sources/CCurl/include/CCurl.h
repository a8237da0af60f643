#ifndef CCURL_H
#define CCURL_H

#include <stdint.h>

/// HTTP requests by the system's libcurl, which is loaded when the first session is opened; nothing is linked.
///
/// A session makes one request at a time and keeps its connections. Redirects are not followed. The answer is pulled: the
/// status and headers first, then the body piece by piece. Proxies are those of the environment.
typedef struct ccurl_session ccurl_session;

/// A session; NULL where the system has no libcurl.
ccurl_session *ccurl_open(void);

/// Ends a session.
void ccurl_close(ccurl_session *session);

/// Begins a request, which forgets the one before. The method is GET, HEAD, POST or PUT.
void ccurl_begin(ccurl_session *session, const char *method, const char *url);

/// Adds a header, such as `Accept: text/plain`.
void ccurl_add_header(ccurl_session *session, const char *line);

/// Sets the body of a POST; the bytes are copied.
void ccurl_set_body(ccurl_session *session, const uint8_t *bytes, int64_t count);

/// Sets the body of a PUT: a range of an open file, which stays open.
void ccurl_set_file(ccurl_session *session, int descriptor, int64_t offset, int64_t count);

/// Sets the seconds that connecting may take, and those without a byte after which a request ends.
void ccurl_set_timeouts(ccurl_session *session, long connecting, long stalled);

/// Sets the file of trusted certificates.
void ccurl_set_certificates(ccurl_session *session, const char *path);

/// Makes progress with a request for at most a fifth of a second: 0 while its headers are not there, 1 once they are, a
/// negative number when it has failed.
int ccurl_wait(ccurl_session *session);

/// Bytes of the body, which it waits for: their number, 0 at the end, a negative number when the request has failed.
int64_t ccurl_read(ccurl_session *session, uint8_t *bytes, int64_t count);

/// The status of the answer, such as 200.
int ccurl_status(const ccurl_session *session);

/// The lines of the answer's headers.
const char *ccurl_headers(const ccurl_session *session);

/// The number of bytes of the file that have been sent.
int64_t ccurl_sent(const ccurl_session *session);

/// The number of libcurl's error; 0 where there was none.
int ccurl_error_code(const ccurl_session *session);

/// The words of libcurl for the error.
const char *ccurl_error_text(const ccurl_session *session);

#endif
