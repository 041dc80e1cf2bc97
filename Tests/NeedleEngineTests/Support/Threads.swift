import Glibc

/// Runs `body` on a thread of its own; end it with `pthread_join`.
func thread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var handle = pthread_t()
    // SAFETY: the thread takes over the reference that passRetained made.
    let status = pthread_create(
        &handle, nil,
        { raw in
            if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
            return nil
        }, Unmanaged.passRetained(Box(body)).toOpaque())
    precondition(status == 0)
    return handle
}
