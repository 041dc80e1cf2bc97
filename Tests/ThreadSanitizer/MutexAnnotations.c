// Tells the thread sanitizer what Synchronization.Mutex does when two threads meet.
//
// An uncontended lock is a compare-and-swap that the compiler puts into our own code, where the sanitizer sees it. A
// contended one ends in a function of the standard library, which is not instrumented: what a thread did before it
// unlocked then seems to have no order with what the next one does, and everything that a Mutex protects is reported
// as a race. Suppressing such reports would suppress real ones of the same places, so here the three functions are
// wrapped instead: preloaded before the library (scripts/test, NEEDLETAIL_SANITIZE=thread), each calls the one it hides
// and says what it did. Without the sanitizer's runtime they do only that.
//
// They belong to the library's ABI (stdlib/public/Synchronization/Mutex/LinuxImpl.swift). The lock's address is the
// method's `self`, which swiftcall passes as its context.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

SWIFT void annotated_lock(uint32_t thread, SELF void *lock) __asm__(LOCK);
SWIFT bool annotated_try_lock(SELF void *lock) __asm__(TRY_LOCK);
SWIFT void annotated_unlock(SELF void *lock) __asm__(UNLOCK);

static void *hidden(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) {
        fprintf(stderr, "MutexAnnotations: the standard library has no %s any more\n", name);
        abort();
    }
    return function;
}

SWIFT void annotated_lock(uint32_t thread, SELF void *lock) {
    static _Atomic(void *) known;
    if (!known) known = hidden(LOCK);
    ((SWIFT void (*)(uint32_t, SELF void *))known)(thread, lock);
    if (__tsan_acquire) __tsan_acquire(lock);
}

SWIFT bool annotated_try_lock(SELF void *lock) {
    static _Atomic(void *) known;
    if (!known) known = hidden(TRY_LOCK);
    bool isLocked = ((SWIFT bool (*)(SELF void *))known)(lock);
    if (isLocked && __tsan_acquire) __tsan_acquire(lock);
    return isLocked;
}

SWIFT void annotated_unlock(SELF void *lock) {
    static _Atomic(void *) known;
    if (!known) known = hidden(UNLOCK);
    if (__tsan_release) __tsan_release(lock);
    ((SWIFT void (*)(SELF void *))known)(lock);
}
