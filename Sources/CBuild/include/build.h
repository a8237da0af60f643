#pragma once

/// The commit that was built, in short; empty where nobody said it.
const char *potstill_commit(void);
