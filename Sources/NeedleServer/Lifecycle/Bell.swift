import Glibc

/// Wakes one sleeping thread per ring, also one that only goes to sleep afterwards. Safe to use from any thread.
final class Bell: @unchecked Sendable {
    // SAFETY: a POSIX semaphore is made for use by several threads; it stays where it was initialized, and is
    // destroyed when the last one that could use it has let go.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        let result = sem_init(semaphore, 0, 0)
        precondition(result == 0, "a semaphore of value 0 can be made")
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func ring() {
        sem_post(semaphore)
    }

    func wait() {
        // A signal may end the wait early.
        while sem_wait(semaphore) != 0 {}
    }
}
