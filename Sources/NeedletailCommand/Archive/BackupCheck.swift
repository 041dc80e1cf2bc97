import Crypto
import NeedleClient
import NeedleOffline

/// A directory made by `needletail backup`, checked: its list, and each archive against the list and itself.
struct BackupCheck {
    let path: String
    private let list: BackupList?
    private let problem: String?

    private var listPath: String { "\(path)/\(BackupList.fileName)" }

    /// `nil` when the path is no backup.
    init?(path: String) {
        self.path = path
        guard let text = InputFile.contents(of: "\(path)/\(BackupList.fileName)") else { return nil }
        do {
            list = try BackupList(parsing: text, file: "\(path)/\(BackupList.fileName)")
            problem = nil
        } catch {
            list = nil
            problem = error.message
        }
    }

    /// One report for the list and one for each archive that it names.
    func run() throws -> [OfflineTools.Report] {
        var report = OfflineTools.Report(kind: "backup")
        guard let list else {
            report.add(file: listPath, problem ?? "it cannot be read")
            return [report]
        }
        report.contents = [
            "\(Numbers.count(list.collections.count, "collection")), \(list.aliases.count) aliases"
        ]
        var archives: [OfflineTools.Report] = []
        for entry in list.collections {
            let file = "\(path)/\(entry.file)"
            guard let found = try sum(of: file) else {
                report.add(file: file, "the archive of collection \(entry.name) is missing")
                continue
            }
            if found.bytes != entry.bytes {
                report.add(file: file, "\(found.bytes) bytes, \(BackupList.fileName) says \(entry.bytes)")
            } else if found.sha256 != entry.sha256 {
                report.add(file: file, "its SHA-256 is not the one in \(BackupList.fileName)")
            }
            do {
                archives.append(try OfflineTools.check(file))
            } catch {
                report.add(file: file, error.message)
            }
        }
        return [report] + archives
    }

    /// `nil` when it cannot be opened.
    private func sum(of path: String) throws -> (bytes: Int, sha256: String)? {
        guard let file = try? InputFile(path) else { return nil }
        var sum = SHA256()
        var count = 0
        while let bytes = try file.nextBytes(isInterrupted: { false }) {
            sum.update(data: bytes)
            count += bytes.count
        }
        return (count, Hexadecimal.text(sum.finalize()))
    }
}
