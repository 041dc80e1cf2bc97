import NeedleCore
import NeedleStorage
import Testing

@Suite struct IDHashTests {
    /// The values are part of the segment format: when this test fails, files that exist cannot be read any
    /// more.
    @Test func theHashNeverChanges() {
        // Computed by another program from the description in docs/format/segment.md.
        #expect(IDHash.hash(PointID(0)) == 0x7DE5_3DE7_72EA_694C)
        #expect(IDHash.hash(PointID(UInt64.max)) == 0x9D4A_EBFF_E50E_99FE)
        #expect(IDHash.hash(PointID("a")) == 0x95E9_E099_A14A_F850)
        #expect(IDHash.hash(PointID("12345678")) == 0xE347_4EAD_0BDD_85EE)
        #expect(IDHash.hash(PointID("zoë-and-a-longer-name")) == 0x20A4_3376_2F81_2402)
    }

    @Test func integersAndTheirDigitsDiffer() {
        #expect(IDHash.hash(PointID(1)) != IDHash.hash(PointID("1")))
        #expect(IDHash.hash(PointID("a")) != IDHash.hash(PointID("a\0")))
    }

    @Test func lowBitsAreSpread() {
        var slots = [Int](repeating: 0, count: 1024)
        for value in 0..<10_240 as Range<UInt64> {
            slots[Int(IDHash.hash(PointID(value)) & 1023)] += 1
            slots[Int(IDHash.hash(PointID("user-\(value)")) & 1023)] += 1
        }
        #expect(slots.allSatisfy { (2...50).contains($0) }, "20 expected in each")
    }

    @Test func tablesAreAtMostHalfFull() {
        #expect([0, 1, 2, 3, 1000].map(IDHash.slotCount) == [2, 2, 4, 8, 2048])
    }
}
