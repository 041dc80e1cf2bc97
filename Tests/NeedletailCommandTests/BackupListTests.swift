import Glibc
import NeedletailCommand
import Testing

/// BACKUP, the list of a backup: what is written is read, and nothing else is.
@Suite("The list of a backup")
struct BackupListTests {
    private func sample() -> BackupList {
        var list = BackupList(serverVersion: "0.1.0", createdMS: 1_795_249_700_000)
        list.collections = [
            BackupList.Collection(
                name: "docs", file: "0001-docs.archive", bytes: 7, sha256: String(repeating: "0f", count: 32),
                points: 3, lsn: 9),
            BackupList.Collection(
                name: "pages", file: "0002-pages.archive", bytes: 8,
                sha256: String(repeating: "a0", count: 32),
                points: 0, lsn: 0),
        ]
        list.aliases = [("live", "docs")]
        return list
    }

    @Test("What is written is read")
    func roundTrip() throws {
        for list in [sample(), BackupList(serverVersion: "x", createdMS: 0)] {
            #expect(try BackupList(parsing: list.text, file: "BACKUP") == list)
        }
        #expect(sample().text.split(separator: "\n").count == 5, "a line per collection")
    }

    @Test(
        "Anything else is refused",
        arguments: [
            ("needletail_backup\":1", "needletail_backup\":2"), ("needletail_backup", "other"),
            ("\"created_ms\"", "\"created\""), ("\"collections\"", "\"c\""), ("\"aliases\"", "\"a\""),
            ("0001-docs.archive", "../docs.archive"), ("0001-docs.archive", ".hidden"),
            ("0001-docs.archive", ""),
            ("\"bytes\":7", "\"bytes\":\"7\""), ("\"lsn\":9", "\"lsn\":-1.5"), ("\"pages\"", "\"docs\""),
            ("}", ""),
        ])
    func refused(what: String, by: String) {
        let text = sample().text.replacing(what, with: by)
        #expect(text != sample().text)
        #expect(throws: Failure.self) { try BackupList(parsing: text, file: "BACKUP") }
    }
}
