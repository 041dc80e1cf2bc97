import NeedleCore
import NeedlePayloads
import Testing

@Suite struct GeoShapeTests {
    private func place(_ latitude: Double, _ longitude: Double) -> GeoPoint {
        GeoPoint(latitude: latitude, longitude: longitude)
    }

    private func ring(_ vertices: [(Double, Double)]) throws -> GeoRing {
        try #require(GeoRing(vertices.map { place($0.0, $0.1) }))
    }

    @Test func distancesAreThoseOfTheGreatCircle() {
        let quarter = place(0, 0).distance(to: place(0, 90))
        #expect(abs(quarter - 10_007_557.2) < 0.1)
        #expect(abs(place(90, 0).distance(to: place(-90, 17)) - 2 * quarter) < 0.1)
        #expect(place(10, 180).distance(to: place(10, -180)) < 1e-6)
        // Berlin to Paris.
        #expect(abs(place(52.52, 13.405).distance(to: place(48.8566, 2.3522)) - 877_464) < 1000)
    }

    @Test func aRadiusHoldsItsEdge() {
        let circle = GeoShape.radius(center: place(0, 0), metres: place(0, 0).distance(to: place(0, 1)))
        #expect(circle.contains(place(0, 1)))
        #expect(!circle.contains(place(0, 1.0001)))
        #expect(GeoShape.radius(center: place(5, 5), metres: 0).contains(place(5, 5)))
    }

    @Test func boxesCrossTheAntimeridian() {
        let box = GeoShape.box(topLeft: place(10, 170), bottomRight: place(-10, -170))
        #expect(box.contains(place(0, 175)) && box.contains(place(0, -175)) && box.contains(place(10, 170)))
        #expect(!box.contains(place(0, 0)) && !box.contains(place(11, 175)))
        let plain = GeoShape.box(topLeft: place(10, -170), bottomRight: place(-10, 170))
        #expect(plain.contains(place(0, 0)) && !plain.contains(place(0, 175)))
    }

    @Test func polygonsHaveHolesAndEdges() throws {
        let square = try ring([(0, 0), (0, 10), (10, 10), (10, 0), (0, 0)])
        let hole = try ring([(4, 4), (4, 6), (6, 6), (6, 4)])
        let shape = GeoShape.polygon(exterior: square, interiors: [hole])
        #expect(shape.contains(place(1, 1)) && shape.contains(place(0, 5)) && shape.contains(place(10, 10)))
        #expect(!shape.contains(place(5, 5)), "in the hole")
        #expect(shape.contains(place(4, 5)), "the hole's edge is the polygon's")
        #expect(!shape.contains(place(11, 5)) && !shape.contains(place(5, -1)))
        #expect(shape.contains(place(4, 1)), "level with a vertex of the hole")
    }

    @Test func polygonsCrossTheAntimeridian() throws {
        let shape = GeoShape.polygon(
            exterior: try ring([(-10, 170), (-10, -170), (10, -170), (10, 170)]), interiors: [])
        #expect(
            shape.contains(place(0, 179)) && shape.contains(place(0, -179)) && shape.contains(place(0, 180)))
        #expect(shape.contains(place(0, -180)) && shape.contains(place(0, -170)))
        #expect(!shape.contains(place(0, 0)) && !shape.contains(place(0, -169)))
    }

    @Test func whatIsNoRing() {
        #expect(GeoRing([place(0, 0), place(1, 1), place(0, 0)]) == nil)
        #expect(GeoRing([place(80, 0), place(80, 120), place(80, -120)]) == nil, "around the pole")
    }
}
