import Foundation

/// A folder with these files; goes away with the value.
final class Folder {
    let path = FileManager.default.temporaryDirectory.appending(path: "needle-\(UUID().uuidString)").path

    init(_ files: [String: String]) throws {
        for (name, text) in files {
            let url = URL(filePath: path + "/" + name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
