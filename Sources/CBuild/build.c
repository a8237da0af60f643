#include "build.h"

const char *potstill_commit(void) { return POTSTILL_COMMIT; }
