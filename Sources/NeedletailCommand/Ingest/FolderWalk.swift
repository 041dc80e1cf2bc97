// The files of a folder that an ingest is about: recursively, in the order of their paths, hidden ones and links to
// folders left out.

import Glibc

/// A file that becomes a document.
package struct FoundFile: Hashable, Sendable {
    package var path: String
    /// Below the folder, with `/` between the parts.
    package var relativePath: String
    package var bytes: Int

    package init(path: String, relativePath: String, bytes: Int) {
        self.path = path
        self.relativePath = relativePath
        self.bytes = bytes
    }
}

/// What a walk found, and what it could not look at.
package struct FolderWalk: Sendable {
    package private(set) var files: [FoundFile] = []
    /// Lines that say what and why.
    package private(set) var problems: [String] = []

    private let patterns: [String]
    private static let endings = [".md", ".markdown", ".txt"]
    /// Folders within each other.
    private static let depth = 200

    /// - Parameter patterns: as of a shell; one without `/` is compared with the names of files. None: the endings of
    ///   Markdown and of plain text.
    /// - Throws: when the folder itself cannot be read.
    package init(_ folder: String, patterns: [String] = []) throws(Failure) {
        self.patterns = patterns
        guard let names = Self.names(in: folder) else {
            throw Failure(.badInput, "cannot read \(folder): \(Self.reason)")
        }
        walk(folder, names, below: "", depth: Self.depth)
        files.sort { $0.relativePath.utf8.lexicographicallyPrecedes($1.relativePath.utf8) }
    }

    private mutating func walk(_ folder: String, _ names: [String], below prefix: String, depth: Int) {
        for name in names {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else {
                problems.append("cannot read \(path): \(Self.reason)")
                continue
            }
            let isLink = status.st_mode & S_IFMT == S_IFLNK
            if isLink, stat(path, &status) != 0 { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                guard !isLink else { continue }
                guard depth > 0, let inner = Self.names(in: path) else {
                    problems.append("cannot read \(path): \(depth > 0 ? Self.reason : "too deep")")
                    continue
                }
                walk(path, inner, below: prefix + name + "/", depth: depth - 1)
            case S_IFREG where isWanted(name, prefix + name):
                files.append(
                    FoundFile(path: path, relativePath: prefix + name, bytes: Int(status.st_size)))
            default: continue
            }
        }
    }

    private func isWanted(_ name: String, _ relativePath: String) -> Bool {
        guard !patterns.isEmpty else { return Self.endings.contains { name.lowercased().hasSuffix($0) } }
        return patterns.contains { pattern in
            pattern.contains("/")
                ? fnmatch(pattern, relativePath, FNM_PATHNAME) == 0 : fnmatch(pattern, name, 0) == 0
        }
    }

    /// Entries that are not hidden; `nil` when the folder cannot be read (`errno`).
    private static func names(in folder: String) -> [String]? {
        guard let directory = opendir(folder) else { return nil }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) { bytes in
                bytes.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            // A name that is not UTF-8 could not be a document's id.
            if let name, !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
