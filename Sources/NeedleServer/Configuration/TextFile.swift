import Glibc

/// A small file of text: one that people write, as the configuration and the keys, or one of the kernel's.
enum TextFile {
    struct Unreadable: Error {
        var reason: String
    }

    static func contents(of path: String) throws(Unreadable) -> String {
        guard let stream = fopen(path, "r") else {
            throw Unreadable(reason: "cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = fread(&piece, 1, piece.count, stream)
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        guard ferror(stream) == 0 else {
            throw Unreadable(reason: "cannot be read: \(String(cString: strerror(errno)))")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
