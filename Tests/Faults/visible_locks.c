// The slow path of Swift's `Mutex` on Linux, compiled with the thread sanitizer (Tests/Faults/sanitize thread).
//
// `Mutex` takes a free lock in the caller, where the sanitizer sees it, and a held one in the standard library, by a system call that
// it does not see: what the lock guards would be reported as a race. Linked ahead of the library, this waits where it is seen. A lock
// is the number of the thread that holds it, or 0. Nobody ever sleeps on it then, so that it is always given back in the caller.
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

// Synchronization._MutexHandle._lockSlow(_: UInt32), whose own value is passed as a method's.
__attribute__((swiftcall)) void wait_for_lock(uint32_t thread, __attribute__((swift_context)) _Atomic(uint32_t) *lock) __asm__(
    "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");

__attribute__((swiftcall)) void wait_for_lock(uint32_t thread, __attribute__((swift_context)) _Atomic(uint32_t) *lock) {
  uint32_t free = 0;
  while (!atomic_compare_exchange_weak_explicit(lock, &free, thread, memory_order_acquire, memory_order_relaxed)) {
    free = 0;
    sched_yield();
  }
}
