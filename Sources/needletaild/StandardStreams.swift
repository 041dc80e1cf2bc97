import Glibc

/// Lines for people and scripts; log lines go through the logger.
enum StandardStreams {
    /// One line to standard output, at once: a script may be waiting for it.
    static func output(_ line: String) {
        put(line, STDOUT_FILENO)
    }

    static func error(_ line: String) {
        put(line, STDERR_FILENO)
    }

    private static func put(_ line: String, _ descriptor: Int32) {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

enum EnvironmentVariables {
    static func all() -> [String: String] {
        var result: [String: String] = [:]
        // SAFETY: read once, at the start, while there is only this thread; the array ends with a null
        // pointer.
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return result
    }
}
