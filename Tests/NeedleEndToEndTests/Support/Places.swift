// Where the tests find the programs, and where they put files. No path of this machine is written down
// anywhere.

import Foundation
import Glibc

enum Places {
    /// Where SwiftPM put the programs: beside the running test bundle.
    static let products: URL = {
        if let given = ProcessInfo.processInfo.environment["NEEDLETAIL_PRODUCTS"] {
            return URL(filePath: given)
        }
        let running = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let candidates = [running, URL(filePath: CommandLine.arguments[0]), Bundle.main.bundleURL]
        let folders = candidates.map { $0.deletingLastPathComponent() } + [Bundle.main.bundleURL]
        let found = folders.first {
            FileManager.default.isExecutableFile(atPath: $0.appending(path: "needletaild").path)
        }
        return found ?? folders[0]
    }()

    static var server: String { products.appending(path: "needletaild").path }
    static var commandLine: String { products.appending(path: "needletail").path }

    /// Whether the heavier versions were asked for.
    static let isLong = ProcessInfo.processInfo.environment["NEEDLETAIL_LONG"] == "1"

    /// The embedding model, where `scripts/test` has found one.
    static let model: String? = {
        guard let folder = ProcessInfo.processInfo.environment["NEEDLETAIL_MODEL"] else { return nil }
        return FileManager.default.fileExists(atPath: folder + "/model.safetensors") ? folder : nil
    }()
}

/// A new folder under the system's temporary one; goes away with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "needletail-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String, _ text: String) throws -> String {
        let path = self.path + "/" + name
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path + "/" + name) ?? Data(), as: UTF8.self)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// Polls until `condition` holds.
///
/// - Returns: whether it did in time.
func eventually(within limit: Duration, _ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        usleep(1_000)
    }
    return true
}
