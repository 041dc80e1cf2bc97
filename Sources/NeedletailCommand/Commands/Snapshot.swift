import ArgumentParser

struct SnapshotCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Snapshots of collections.",
        discussion: """
            A snapshot is the state of a collection at one moment. It shares its files with
            the live collection, so it costs little, and lies on the same disk.

            EXAMPLES
              needletail snapshot create docs
              needletail snapshot list
              needletail snapshot verify docs-42
              needletail snapshot restore docs-42 --as docs-copy
              needletail snapshot export docs-42 docs.archive
              needletail snapshot import docs.archive
            """,
        subcommands: [
            CreateSnapshot.self, ListSnapshots.self, DeleteSnapshot.self, VerifySnapshot.self,
            RestoreSnapshot.self, ExportSnapshot.self, ImportSnapshot.self,
        ])
}
