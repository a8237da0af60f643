#include "COffline.h"

#include <stdlib.h>

__attribute__((constructor)) static void set_offline(void) {
  setenv("HF_HUB_OFFLINE", "1", 1);
  // Servers of tests are on this machine.
  setenv("no_proxy", "localhost,127.0.0.1", 1);
}
