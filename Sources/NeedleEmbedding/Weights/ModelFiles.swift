// Reading a model's directory. Model files are the user's, not the database's, so they do not go through the
// database's file-system seam; they are read whole, once, and never written.

import Glibc
import NeedleCore

/// The files of one sentence encoder, as Hugging Face lays them out.
struct ModelFiles {
    static let weights = "model.safetensors"
    static let vocabulary = "vocab.txt"
    static let configuration = "config.json"
    static let length = "sentence_bert_config.json"
    static let pooling = "1_Pooling/config.json"
    static let prompts = "config_sentence_transformers.json"
    static let tokenizer = "tokenizer_config.json"

    let directory: String

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// A file's bytes.
    ///
    /// - Throws: `notFound` that says how to get the model, `storageFailed`, `limitExceeded`.
    func require(_ name: String, limit: Int) throws(DatabaseError) -> [UInt8] {
        if let bytes = try read(name, limit: limit) { return bytes }
        throw DatabaseError(
            .notFound,
            """
            the embedding model is not there: \(path(name)) is missing. Run scripts/fetch-model, or name a \
            directory with \(Self.weights), \(Self.vocabulary) and \(Self.configuration)
            """)
    }

    /// A file's bytes, or `nil` when there is no such file.
    func read(_ name: String, limit: Int) throws(DatabaseError) -> [UInt8]? {
        let path = path(name)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure(path, "open")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, "stat") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw DatabaseError(.storageFailed, "\(path) is not a regular file")
        }
        guard status.st_size <= limit else {
            throw DatabaseError(
                .limitExceeded, "\(path) has \(status.st_size) bytes, at most \(limit) are read")
        }
        let size = Int(status.st_size)
        var problem: DatabaseError?
        // SAFETY: `initialized` is what read(2) has filled, never more than `size`.
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            while initialized < size {
                // swift-format-ignore: NeverForceUnwrap
                let count = Glibc.read(descriptor, buffer.baseAddress! + initialized, size - initialized)
                if count > 0 {
                    initialized += count
                } else if count == 0 {
                    break
                } else if errno != EINTR {
                    problem = failure(path, "read")
                    break
                }
            }
        }
        if let problem { throw problem }
        return bytes
    }

    private func failure(_ path: String, _ operation: String) -> DatabaseError {
        DatabaseError(.storageFailed, "\(path): \(operation): \(String(cString: strerror(errno)))")
    }
}
