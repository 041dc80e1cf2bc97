package import NeedleCore

/// Writes replies as JSON text. A value without state: use one from any number of threads.
package struct ReplyEncoder: Sendable {
    package let limits: Limits

    package init(limits: Limits) {
        self.limits = limits
    }

    /// One reply object, without newline; `limit_exceeded` with that id if it would be longer than `line_bytes`.
    package func encode(_ outcome: Result<Reply, DatabaseError>, id: RequestID?) -> [UInt8] { [] }

    /// The answer to a batch from the answers of its members, in their order: one array, without newline.
    /// Members that no longer fit into `line_bytes` become `limit_exceeded`.
    package func encodeBatch(_ replies: [(id: RequestID?, reply: [UInt8])]) -> [UInt8] { [] }

    package func encode(_ greeting: Greeting) -> [UInt8] { [] }

    package func encode(_ progress: Progress) -> [UInt8] { [] }
}
