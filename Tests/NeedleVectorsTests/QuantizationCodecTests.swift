import NeedleCore
import NeedleVectors
import Testing

/// The quantizer as bytes of a segment, and its records.
@Suite struct QuantizationCodecTests {
    private func quantizer(
        _ dimension: Int, _ metric: Metric, _ kind: CodeKind, planes: Int = 5
    ) -> Quantizer {
        let centre = uniformVectors(1, dimension: dimension, seed: 9)[0]
        return Quantizer(
            transform: SpaceTransform(
                dimension: dimension, metric: metric, seed: 0x0123_4567_89AB_CDEF, centre: centre),
            kind: kind, planes: planes)
    }

    private func read(_ bytes: [UInt8]) throws -> Quantizer {
        try bytes.withUnsafeBytes { bytes throws(DatabaseError) in
            try Quantizer(serialized: bytes, file: "7.segment")
        }
    }

    @Test(arguments: CodeKind.allCases, Metric.allCases)
    func roundTrip(kind: CodeKind, metric: Metric) throws {
        for dimension in [1, 3, 100] {
            let written = quantizer(dimension, metric, kind)
            let read = try read(written.serialized)
            #expect(read.layout == written.layout && read.planes == written.planes)
            #expect(read.transform.metric == metric && read.transform.seed == written.transform.seed)
            #expect(read.transform.centre == written.transform.centre)
            let vector = uniformVectors(1, dimension: dimension, seed: 10)[0]
            #expect(record(vector, read) == record(vector, written))
        }
    }

    @Test func bytesAreTheFormats() {
        let transform = SpaceTransform(dimension: 2, metric: .euclid, seed: 0x0102, centre: [1, -2])
        let bytes = Quantizer(transform: transform, kind: .binary, planes: 4).serialized
        #expect(
            bytes.prefix(32) == [
                2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0,  //
                2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0,
            ])
        #expect(bytes.count == 36)
    }

    @Test(arguments: CodeKind.allCases)
    func everyTruncationIsCorruption(kind: CodeKind) {
        let bytes = quantizer(9, .dot, kind).serialized
        for count in 0..<bytes.count {
            expectCorruption(Array(bytes[..<count]))
        }
        expectCorruption(bytes + [0])
    }

    @Test(arguments: CodeKind.allCases)
    func everyAlterationIsCorruption(kind: CodeKind) {
        let bytes = quantizer(9, .cosine, kind).serialized
        for place in bytes.indices {
            for bit in 0..<8 {
                var altered = bytes
                altered[place] ^= 1 << bit
                expectCorruption(altered)
            }
        }
    }

    /// Values that a checksum of their own would cover: refused for what they are.
    @Test(
        arguments: [
            (0, 0), (0, 3), (4, 0), (4, 65_537), (8, 0), (8, 4), (8, 257), (12, 0), (12, 9),
            (24, 0x7F80_0000), (24, 0x7FC0_0000),
        ] as [(Int, UInt32)])
    func impossibleValuesAreCorruption(place: Int, value: UInt32) {
        var bytes = quantizer(1, .cosine, .binary).serialized
        func write(_ value: UInt32, at place: Int) {
            for i in 0..<4 { bytes[place + i] = UInt8(value >> (8 * i) & 0xFF) }
        }
        write(value, at: place)
        write(crc32c(bytes.dropLast(4)), at: bytes.count - 4)
        expectCorruption(bytes)
    }

    private func expectCorruption(_ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: DatabaseError.self, sourceLocation: location) { try read(bytes) }
        #expect(error?.kind == .corruption, sourceLocation: location)
        #expect(error?.message.hasPrefix("7.segment: damaged") == true, sourceLocation: location)
    }

    /// CRC-32C bit by bit.
    private func crc32c(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var crc = ~UInt32(0)
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        return ~crc
    }

    private func record(_ vector: [Float], _ quantizer: Quantizer) -> [UInt8] {
        let bytes = quantizer.layout.totalBytes
        var scratch = [Float](repeating: 0, count: vector.count)
        return [UInt8](unsafeUninitializedCapacity: bytes) { record, count in
            record.update(repeating: 0xAA)
            scratch.withUnsafeMutableBufferPointer { scratch in
                quantizer.encode(
                    vector, scale: 1, to: UnsafeMutableRawPointer(record.baseAddress.unsafelyUnwrapped),
                    scratch: scratch.baseAddress.unsafelyUnwrapped)
            }
            count = bytes
        }
    }

    /// Sizes, and zeros in what no dimension uses, so that kernels may read all of it.
    @Test func recordsAreFilledUpWithZeros() {
        let sizes: [(CodeKind, Int, Int)] = [
            (.int8, 1, 48), (.int8, 32, 48), (.int8, 33, 80), (.int8, 384, 400),
            (.binary, 1, 16), (.binary, 64, 16), (.binary, 65, 24), (.binary, 384, 56),
        ]
        for (kind, dimension, size) in sizes {
            let quantizer = quantizer(dimension, .dot, kind)
            #expect(quantizer.layout.totalBytes == size)
            let record = record(uniformVectors(1, dimension: dimension, seed: 10)[0], quantizer)
            let codes = record[quantizer.layout.headerBytes...]
            if kind == .int8 {
                #expect(codes.allSatisfy { $0 <= 127 })
                #expect(codes.dropFirst(dimension).allSatisfy { $0 == 0 })
                let header = record.withUnsafeBytes { ScalarHeader(at: $0.baseAddress.unsafelyUnwrapped) }
                #expect(Int(header.sum) == codes.reduce(0) { $0 + Int($1) })
                #expect(dimension == 1 || codes.contains(0) && codes.contains(127))
            } else {
                let unused = 64 * quantizer.layout.words - dimension
                let lastWord = codes.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                #expect(lastWord.leadingZeroBitCount >= unused)
                let header = record.withUnsafeBytes { BinaryHeader(at: $0.baseAddress.unsafelyUnwrapped) }
                #expect(Int(header.count) == codes.reduce(0) { $0 + $1.nonzeroBitCount })
            }
        }
    }

    /// A query that is used again, for another layout too, is what a fresh one would be.
    @Test func queriesCanBeUsedAgain() throws {
        let reused = CodedQuery()
        for (dimension, kind) in [(384, CodeKind.int8), (20, .binary), (1000, .binary), (33, .int8)] {
            let quantizer = quantizer(dimension, .euclid, kind)
            let query = PreparedQuery(
                uniformVectors(1, dimension: dimension, seed: 4)[0], metric: .euclid)
            let fresh = quantizer.prepare(query)
            quantizer.prepare(query, into: reused)
            #expect(reused.layout == fresh.layout && reused.planeCount == fresh.planeCount)
            #expect(reused.constant == fresh.constant && reused.scale == fresh.scale)
            #expect(reused.low == fresh.low && reused.sum == fresh.sum)
            if kind == .int8 {
                for i in 0..<fresh.layout.codeBytes { #expect(reused.bytes[i] == fresh.bytes[i]) }
                for i in dimension..<fresh.layout.codeBytes { #expect(fresh.bytes[i] == 0) }
                #expect(Int(bitPattern: reused.bytes) % 64 == 0)
            } else {
                for i in 0..<fresh.layout.words * 5 { #expect(reused.planes[i] == fresh.planes[i]) }
                #expect(Int(bitPattern: reused.planes) % 64 == 0)
            }
        }
    }
}
