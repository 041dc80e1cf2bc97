import Glibc
import NeedleCore

/// Turns `errno` into the database's error: path, operation and the system's own words are always in it.
enum PosixError {
    static func make(_ operation: String, _ path: String, _ code: Int32) -> DatabaseError {
        DatabaseError(kind(of: code), "\(operation) \(path): \(text(of: code)) (errno \(code))", at: path)
    }

    private static func kind(of code: Int32) -> ErrorKind {
        switch code {
        case ENOENT: .notFound
        case EEXIST: .alreadyExists
        case ENOSPC, EDQUOT: .diskFull
        case EWOULDBLOCK: .conflict
        default: .storageFailed
        }
    }

    private static func text(of code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "unknown error" }
        // swift-format-ignore: NeverForceUnwrap
        return buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}

/// Calls `body` again as long as a signal interrupts it.
///
/// - Returns: its result, never negative.
func retryingInterrupts<Value: SignedInteger>(
    _ operation: String, _ path: String, _ body: () -> Value
) throws(DatabaseError) -> Value {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw PosixError.make(operation, path, code) }
    }
}
