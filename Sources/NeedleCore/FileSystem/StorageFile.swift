/// An open file.
///
/// Reads and writes name their offset, so there is no shared position and several threads may use one
/// handle; writes to the same bytes are the caller's to order. Nothing written is durable before `sync`
/// returned, and after a *failed* `sync` nothing may be trusted to become durable by a later one: Linux may
/// have marked the failed pages clean (invariant 7). Closed by `close` or by the last reference going away.
package protocol StorageFile: AnyObject, Sendable {
    /// The path it was opened under; for messages.
    var path: String { get }

    /// Reads at `offset` until the buffer is full or the file ends.
    ///
    /// - Returns: bytes read; fewer than asked only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DatabaseError) -> Int

    /// Writes all bytes at `offset`, growing the file if needed. When it throws, any part may have been
    /// written.
    func write(_ bytes: RawSpan, at offset: Int) throws(DatabaseError)

    /// Makes all bytes written so far, and the size, durable (fdatasync). Not the file's name.
    func sync() throws(DatabaseError)

    /// Bytes in the file.
    func size() throws(DatabaseError) -> Int

    /// Takes space for the first `byteCount` bytes, so that writing them later cannot meet a full disk;
    /// bytes that were not there read as zero and count in the size. `disk_full` when there is no space.
    func preallocate(_ byteCount: Int) throws(DatabaseError)

    /// Cuts or grows the file. Never call it on a file that is or may be mapped: touching the lost pages
    /// would kill the process.
    func truncate(to byteCount: Int) throws(DatabaseError)

    /// Maps the whole file for reading. The mapping outlives the handle. An empty file gives an empty region.
    func map() throws(DatabaseError) -> MappedRegion

    /// Closes the handle; later calls on it throw. Calling it again does nothing.
    func close()
}

extension StorageFile {
    /// Exactly `count` bytes at `offset`.
    ///
    /// - Throws: `corruption` when the file ends before.
    package func readExactly(_ count: Int, at offset: Int) throws(DatabaseError) -> [UInt8] {
        precondition(count >= 0 && offset >= 0, "a range inside a file")
        var bytes = [UInt8](repeating: 0, count: count)
        guard count > 0 else { return bytes }
        var outcome: Result<Int, DatabaseError> = .success(0)
        bytes.withUnsafeMutableBytes { buffer in
            outcome = Result { () throws(DatabaseError) in try read(into: buffer, at: offset) }
        }
        let got = try outcome.get()
        guard got == count else {
            throw .corruption(
                file: path, offset: offset + got, what: "the file ends \(count - got) bytes too early")
        }
        return bytes
    }

    /// Writes an array; see `write(_:at:)` for spans.
    package func write(_ bytes: [UInt8], at offset: Int) throws(DatabaseError) {
        try write(bytes.span.bytes, at: offset)
    }
}
