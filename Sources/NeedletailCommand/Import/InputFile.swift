// Files and standard input, line by line. Reading waits in short steps, so that Ctrl-C is noticed also while
// a pipe is silent.

import Glibc

/// One source of lines.
final class InputFile {
    /// As the user named it; `-` is standard input.
    let name: String
    /// Bytes of a regular file, `nil` for pipes.
    let size: Int?
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    private(set) var lineNumber = 0
    private(set) var bytesRead = 0

    /// - Throws: a `Failure` that says why the file cannot be read.
    init(_ name: String) throws(Failure) {
        self.name = name == "-" ? "standard input" : name
        descriptor = name == "-" ? STDIN_FILENO : Glibc.open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.badInput, "cannot read \(name): \(String(cString: strerror(errno)))")
        }
        var status = stat()
        let isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        size = isRegular ? Int(status.st_size) : nil
    }

    deinit {
        if descriptor > STDERR_FILENO { close(descriptor) }
    }

    /// The next line without its end, `nil` after the last.
    ///
    /// - Parameter isInterrupted: asked now and then while there is nothing to read; true ends the lines.
    func nextLine(isInterrupted: () -> Bool) throws(Failure) -> [UInt8]? {
        var searched = start
        while true {
            if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                return take(upTo: newline, skipping: 1)
            }
            if isAtEnd { return start < buffer.count ? take(upTo: buffer.count, skipping: 0) : nil }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            guard try fill(isInterrupted) else { return nil }
        }
    }

    /// Some of the bytes that were not read as lines, `nil` at the end.
    ///
    /// - Parameter isInterrupted: as of `nextLine`.
    func nextBytes(isInterrupted: () -> Bool) throws(Failure) -> [UInt8]? {
        while start == buffer.count {
            if isAtEnd { return nil }
            buffer.removeAll(keepingCapacity: true)
            start = 0
            guard try fill(isInterrupted) else { return nil }
        }
        defer { start = buffer.count }
        return Array(buffer[start...])
    }

    private func take(upTo end: Int, skipping: Int) -> [UInt8] {
        var line = Array(buffer[start..<end])
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        start = end + skipping
        lineNumber += 1
        return line
    }

    /// Reads more; false when interrupted.
    private func fill(_ isInterrupted: () -> Bool) throws(Failure) -> Bool {
        while true {
            if isInterrupted() { return false }
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, 100) != 0 else { continue }
            let old = buffer.count
            buffer.append(contentsOf: repeatElement(0, count: 256 << 10))
            let count = buffer.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress?.advanced(by: old), $0.count - old)
            }
            let reason = errno
            buffer.removeLast(buffer.count - old - max(count, 0))
            if count < 0, reason == EINTR || reason == EAGAIN { continue }
            guard count >= 0 else {
                throw Failure(.badInput, "cannot read \(name): \(String(cString: strerror(reason)))")
            }
            bytesRead += count
            isAtEnd = count == 0
            return true
        }
    }

    /// The whole text of a file, `nil` when it cannot be read.
    static func contents(of name: String) -> String? {
        guard let file = try? InputFile(name) else { return nil }
        var text: [UInt8] = []
        do {
            while let line = try file.nextLine(isInterrupted: { false }) {
                text += line + [UInt8(ascii: "\n")]
            }
        } catch {
            return nil
        }
        return String(decoding: text, as: UTF8.self)
    }
}
