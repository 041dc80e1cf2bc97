import NeedleCore
import NeedleEmbedding
import Testing

/// Invariant: no file, however damaged, does anything but parse or throw a typed error.
@Suite struct SafetensorsTests {
    static let header = """
        {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},\
        "half":{"dtype":"F16","shape":[4],"data_offsets":[16,24]},\
        "brain":{"dtype":"BF16","shape":[2],"data_offsets":[24,28]},\
        "ids":{"dtype":"I64","shape":[1],"data_offsets":[28,36]},"none":{"dtype":"F32","shape":[0],\
        "data_offsets":[36,36]}}
        """
    static let sound = Container(
        header: header,
        data: [
            0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 128, 191, 0, 0, 0, 0,  // 1, 2, -1, 0
            0x00, 0x3C, 0x01, 0x00, 0x00, 0xC0, 0xFF, 0x7B,  // 1, 2^-24, -2, 65504
            0x80, 0x3F, 0x49, 0xC0,  // 1, -3.140625
            1, 2, 3, 4, 5, 6, 7, 8,
        ])

    private static let whole = #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#

    private func kind(_ container: Container) -> ErrorKind? {
        errorKind { _ = try Safetensors(container.bytes, file: "f") }
    }

    @Test func readsEveryAcceptedType() throws {
        let file = try Safetensors(Self.sound.bytes, file: "f")
        #expect(file.names == ["a", "brain", "half", "ids", "none"])
        #expect(try file.floats("a", shape: [2, 2]) == [1, 2, -1, 0])
        #expect(try file.floats("half", shape: [4]) == [1, 0x1p-24, -2, 65504])
        #expect(try file.floats("brain", shape: [2]) == [1, -3.140625])
        #expect(try file.floats("none", shape: [0]).isEmpty)
    }

    @Test func wrongRequestsAreTyped() throws {
        let file = try Safetensors(Self.sound.bytes, file: "f")
        #expect(errorKind { _ = try file.floats("b", shape: [1]) } == .corruption)
        #expect(errorKind { _ = try file.floats("a", shape: [4]) } == .corruption)
        #expect(errorKind { _ = try file.floats("ids", shape: [1]) } == .corruption)
        var poisoned = Self.sound
        poisoned.data[3] = 0x7F
        poisoned.data[2] = 0xC0
        let bad = try Safetensors(poisoned.bytes, file: "f")
        #expect(errorKind { _ = try bad.floats("a", shape: [2, 2]) } == .corruption)
    }

    @Test func everyTruncationIsDamage() {
        let whole = Self.sound.bytes
        for length in 0..<whole.count {
            let kind = errorKind { _ = try Safetensors(Array(whole[..<length]), file: "f") }
            #expect(kind == .corruption, "\(length) of \(whole.count) bytes")
        }
        #expect(errorKind { _ = try Safetensors(whole + [0], file: "f") } == .corruption)
    }

    @Test func errorsNameFileAndOffset() {
        do {
            _ = try Safetensors(Array(Self.sound.bytes.dropLast()), file: "dir/model.safetensors")
            Issue.record("accepted")
        } catch {
            #expect(error.message.hasPrefix("dir/model.safetensors: damaged at offset "))
        }
    }

    @Test(arguments: [UInt64.max, 1 << 63, 1 << 40, 100_000_001, 400, 0, 1])
    func hostileHeaderLengths(length: UInt64) {
        var bytes = Self.sound.bytes
        withUnsafeBytes(of: length.littleEndian) { bytes.replaceSubrange(0..<8, with: $0) }
        #expect(errorKind { _ = try Safetensors(bytes, file: "f") } == .corruption)
    }

    @Test(arguments: [
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1.0,2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,16]}}"#,
        #"{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}"#,
        #"{"a":{"shape":[2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2]}}"#,
        #"{"a":5}"#, #"[]"#, #"{"a":"#, "", "null",
        "{\(Self.whole),\(Self.whole)}",
        #"{\#(Self.whole),"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{}"#,
    ])
    func unsoundHeaders(header: String) {
        #expect(kind(Container(header: header, data: [UInt8](repeating: 0, count: 8))) == .corruption)
    }

    @Test func deepNestingIsRefused() {
        let header = String(repeating: "[", count: 100_000)
        #expect(kind(Container(header: header, data: [])) == .corruption)
    }

    @Test func everyBitFlipParsesOrThrows() {
        let whole = Self.sound.bytes
        var refused = 0
        for index in whole.indices {
            for bit in 0..<8 {
                var bytes = whole
                bytes[index] ^= 1 << UInt8(bit)
                let kind = errorKind {
                    let file = try Safetensors(bytes, file: "f")
                    for name in file.names { _ = try? file.floats(name, shape: [2, 2]) }
                }
                #expect(kind == nil || kind == .corruption)
                if kind != nil { refused += 1 }
            }
        }
        #expect(refused > 1_000)
    }
}
