// The bytes of an archive on their way to the server, hashed as they go by.

import Crypto

/// A file or standard input as pieces of bytes. Used by one task.
struct ArchiveBytes: AsyncSequence {
    let file: InputFile
    let interrupt: Interrupt
    /// What the whole file's SHA-256 has to be, if that is known: then the end is only reached when it is.
    var sha256: String?

    struct AsyncIterator: AsyncIteratorProtocol {
        let archive: ArchiveBytes
        private var sum = SHA256()

        init(_ archive: ArchiveBytes) {
            self.archive = archive
        }

        mutating func next() async throws -> [UInt8]? {
            let bytes = try archive.file.nextBytes(isInterrupted: { archive.interrupt.isRaised })
            if archive.interrupt.isRaised { throw CancellationError() }
            if let bytes {
                sum.update(data: bytes)
            } else if let expected = archive.sha256, Hexadecimal.text(sum.finalize()) != expected {
                throw NeedletailCommand.Failure(
                    .badInput,
                    "\(archive.file.name) is damaged: its SHA-256 is not the one in \(BackupList.fileName)")
            }
            return bytes
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
