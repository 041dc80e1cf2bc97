import NeedleCore
import Testing

@Suite struct PointIDTests {
    @Test func integersAndTheirTextAreDifferentPoints() {
        #expect(PointID(1) != PointID("1"))
        #expect(Set([PointID(1), PointID("1"), PointID(1)]).count == 2)
    }

    @Test func orderIsIntegersAscendingThenStringsByBytes() {
        let ids: [PointID] = [
            PointID("b"), PointID(10), PointID("é"), PointID(.max), PointID("a"), PointID("ab"), PointID(9),
        ]
        #expect(
            ids.sorted() == [
                PointID(9), PointID(10), PointID(.max), PointID("a"), PointID("ab"), PointID("b"),
                PointID("é"),
            ])
    }

    @Test func twoSpellingsOfOneLetterAreTwoPoints() {
        let composed = PointID("caf\u{E9}")
        let decomposed = PointID("cafe\u{301}")
        #expect(composed != decomposed)
        #expect(composed.hashValue != decomposed.hashValue || composed != decomposed)
        #expect(decomposed < composed)
    }

    @Test func descriptionsAreJSONLike() {
        #expect(PointID(7).description == "7")
        #expect(PointID("x").description == "\"x\"")
    }
}
