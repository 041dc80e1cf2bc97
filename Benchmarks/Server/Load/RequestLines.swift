// All requests of a phase, encoded once, lying one behind the other: any run of them goes out with one system call.

import NeedleCore

/// Request lines; line i has the id i.
struct RequestLines {
    private let bytes: [UInt8]
    private let starts: [Int]

    var count: Int { starts.count - 1 }

    /// - Parameter write: writes the `params` of request i.
    init(_ method: StaticString, count: Int, params write: (Int, inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        var starts = [0]
        for id in 0..<count {
            writer.beginObject()
            writer.key("id")
            writer.write(id)
            writer.key("method")
            writer.write(literal: method)
            writer.key("params")
            write(id, &writer)
            writer.endObject()
            writer.endLine()
            starts.append(writer.bytes.count)
        }
        bytes = writer.take()
        self.starts = starts
    }

    /// Sends `number` lines from line `first` on; behind the last one comes the first again.
    func send(_ number: Int, from first: Int, on connection: Connection) throws {
        var first = first
        var number = number
        while number > 0 {
            let run = min(number, count - first)
            try bytes.withUnsafeBytes { raw in
                try connection.send(
                    UnsafeRawBufferPointer(rebasing: raw[starts[first]..<starts[first + run]]))
            }
            number -= run
            first = 0
        }
    }
}
