// A request before it has an id and a deadline: both change from one attempt to the next.

package import NeedleCore

/// A method with its parameters, ready to be sent any number of times.
package struct OutgoingRequest: Sendable {
    package let method: StaticString
    /// The JSON text of the `params` object.
    package let params: [UInt8]
    package let repeatability: Repeatability

    package init(
        _ method: StaticString, repeatability: Repeatability = .safe,
        _ write: (inout JSONWriter) throws -> Void = { _ in }
    ) rethrows {
        var writer = JSONWriter()
        writer.beginObject()
        try write(&writer)
        writer.endObject()
        self.method = method
        params = writer.take()
        self.repeatability = repeatability
    }

    /// The request as one line, newline included.
    package func line(id: Int64, timeout: Duration?) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(params.count + 128)
        line += "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"\(method)\",\"params\":".utf8
        line += params.dropLast()
        if let timeout {
            if params.count > 2 { line.append(UInt8(ascii: ",")) }
            line += "\"deadline_ms\":\(Self.deadlineMilliseconds(for: timeout))".utf8
        }
        line += "}}\n".utf8
        return line
    }

    /// What the server is told: a tenth less than the client waits (at most half a second), so that its own
    /// answer about a deadline, which says more than a silence, usually comes in time.
    package static func deadlineMilliseconds(for timeout: Duration) -> Int64 {
        let (seconds, attoseconds) = timeout.components
        guard seconds < 1 << 40 else { return 1 << 50 }
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        return max(0, milliseconds - min(milliseconds / 10, 500))
    }
}
