// A file that is being written, or standard output. Under its name a file is whole or not there: it is written
// beside it, synced, and renamed.

import Crypto
import Glibc

/// Where an archive goes. Used by one task.
final class OutputFile {
    /// As the user named it.
    let name: String
    private let isStandardOutput: Bool
    private let temporary: String
    private var descriptor: Int32
    private var sum = SHA256()
    private(set) var byteCount = 0

    /// - Parameter name: `-` is standard output.
    /// - Throws: a `Failure` that says why it cannot be written; also for a file that is there already.
    init(_ name: String) throws(Failure) {
        isStandardOutput = name == "-"
        self.name = isStandardOutput ? "standard output" : name
        temporary = name + ".part"
        guard !isStandardOutput else {
            guard isatty(STDOUT_FILENO) == 0 else {
                throw Failure(
                    .usage, "an archive is nothing to look at",
                    advice: ["name a file, or send standard output into one: … - > FILE"])
            }
            descriptor = STDOUT_FILENO
            return
        }
        guard access(name, F_OK) != 0 else {
            throw Failure(.usage, "\(name) is there already", advice: ["remove it, or name another file"])
        }
        descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(.refused, "cannot write \(name): \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        // Not finished: nothing is left.
        guard !isStandardOutput, descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporary)
    }

    func write(_ bytes: [UInt8]) throws(Failure) {
        sum.update(data: bytes)
        byteCount += bytes.count
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if count >= 0 {
                done += count
            } else if errno == EPIPE, isStandardOutput {
                throw Failure(.brokenPipe, "nobody reads standard output any more")
            } else if errno != EINTR && errno != EAGAIN {
                throw failure("write")
            }
        }
    }

    /// Makes the file durable and gives it its name.
    ///
    /// - Returns: its SHA-256, 64 hex digits.
    @discardableResult
    func finish() throws(Failure) -> String {
        defer { descriptor = isStandardOutput ? descriptor : -1 }
        guard !isStandardOutput else { return Hexadecimal.text(sum.finalize()) }
        let isSynced = fsync(descriptor) == 0
        let reason = errno
        close(descriptor)
        guard isSynced, rename(temporary, name) == 0 else {
            if isSynced == false { errno = reason }
            let failure = failure("finish")
            unlink(temporary)
            throw failure
        }
        Folder.sync(Folder.parent(of: name))
        return Hexadecimal.text(sum.finalize())
    }

    private func failure(_ operation: String) -> Failure {
        Failure(.refused, "cannot \(operation) \(name): \(String(cString: strerror(errno)))")
    }
}

enum Hexadecimal {
    static func text(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// Directories of the user's machine.
enum Folder {
    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes the names in a directory durable. Best effort: some file systems refuse it.
    static func sync(_ path: String) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// The names in a directory, `nil` when there is no such directory.
    static func names(in path: String) -> [String]? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                // SAFETY: readdir ends names with a zero byte within the field.
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
