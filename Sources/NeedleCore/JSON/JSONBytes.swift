// The bytes of one JSON text, as the reader sees them.
//
// This is the only file of the reader that touches memory by pointer. Invariants:
// - the value is ~Escapable and depends on the span it was made from, so it cannot outlive the bytes;
// - `subscript` is total: beyond the end it answers 0, a byte that is legal nowhere in JSON, so scanners need
//   no end-of-input checks of their own;
// - the unchecked reads say what they require, and their callers test the distance to the end once per token.

/// A borrowed view of a JSON text of fewer than 2^32 bytes.
@usableFromInline
package struct JSONBytes: ~Escapable {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let count: Int

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        precondition(bytes.byteCount < Int(UInt32.max), "a JSON text has fewer than 2^32 bytes")
        count = bytes.byteCount
        // SAFETY: the pointer is used only through this value, whose lifetime is tied to the span's.
        base = bytes.withUnsafeBytes { raw in
            raw.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? JSONBytes.empty
        }
    }

    /// A valid address for an empty text; never read.
    // SAFETY: one allocation for the life of the process, never written after initialisation.
    private static nonisolated(unsafe) let empty: UnsafePointer<UInt8> = {
        let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
        byte.initialize(to: 0)
        return UnsafePointer(byte)
    }()

    /// The byte at `index`, or 0 beyond the end.
    @inline(__always)
    subscript(index: Int) -> UInt8 {
        assert(index >= 0)
        // SAFETY: the comparison is the bounds check.
        return UInt(bitPattern: index) < UInt(bitPattern: count) ? base[index] : 0
    }

    /// The byte at `index`, which must lie before the end.
    @inline(__always)
    subscript(unchecked index: Int) -> UInt8 {
        assert(index >= 0 && index < count)
        // SAFETY: required of the caller, asserted in debug builds.
        return base[index]
    }

    /// Eight bytes beginning at `index`, the first in the lowest byte; `index + 8` must not pass the end.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        assert(index >= 0 && index + 8 <= count)
        // SAFETY: required of the caller, asserted in debug builds; the load may be unaligned.
        return UInt64(littleEndian: UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self))
    }

    /// Four bytes beginning at `index`, the first in the lowest byte; `index + 4` must not pass the end.
    @inline(__always)
    func halfWord(at index: Int) -> UInt32 {
        assert(index >= 0 && index + 4 <= count)
        // SAFETY: required of the caller, asserted in debug builds; the load may be unaligned.
        return UInt32(littleEndian: UnsafeRawPointer(base + index).loadUnaligned(as: UInt32.self))
    }

    /// The bytes `[start, end)` as a buffer that must not leave the caller's scope.
    @usableFromInline @inline(__always)
    package func buffer(_ start: Int, _ end: Int) -> UnsafeBufferPointer<UInt8> {
        precondition(start >= 0 && start <= end && end <= count)
        // SAFETY: the range was just checked.
        return UnsafeBufferPointer(start: base + start, count: end - start)
    }

    /// Whether the ranges `[a, a + length)` and `[b, b + length)` hold the same bytes.
    func equal(_ a: Int, _ b: Int, length: Int) -> Bool {
        buffer(a, a + length).elementsEqual(buffer(b, b + length))
    }
}
