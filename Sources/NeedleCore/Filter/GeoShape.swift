// Places on the earth, as filters name them. Degrees throughout; what lies in a shape is NeedlePayloads' business.

/// A place in degrees.
package struct GeoPoint: Hashable, Sendable {
    /// −90 … 90, north is positive.
    package var latitude: Double
    /// −180 … 180, east is positive.
    package var longitude: Double

    package static let latitudes = -90.0...90.0
    package static let longitudes = -180.0...180.0

    /// - Precondition: within `latitudes` and `longitudes`.
    package init(latitude: Double, longitude: Double) {
        precondition(
            Self.latitudes.contains(latitude) && Self.longitudes.contains(longitude), "a place on the earth")
        self.latitude = latitude
        self.longitude = longitude
    }
}

/// A closed line of at least three vertices; the last is joined to the first. A side takes the shorter way around
/// the earth.
package struct GeoRing: Hashable, Sendable {
    package let vertices: [GeoPoint]
    /// Longitudes that go on from one vertex to the next without a jump: each within 180° of the one before.
    package let unrolled: [Double]

    /// - Returns: `nil` when there are fewer than three vertices (the first repeated at the end is not counted), or
    ///   when the line goes around a pole, so that it has no inside.
    package init?(_ vertices: [GeoPoint]) {
        var vertices = vertices
        if vertices.count > 1, vertices.first == vertices.last { vertices.removeLast() }
        guard vertices.count >= 3 else { return nil }
        var unrolled: [Double] = []
        for vertex in vertices + [vertices[0]] {
            guard let last = unrolled.last else {
                unrolled.append(vertex.longitude)
                continue
            }
            var longitude = vertex.longitude
            while longitude - last > 180 { longitude -= 360 }
            while longitude - last < -180 { longitude += 360 }
            unrolled.append(longitude)
        }
        guard unrolled.removeLast() == unrolled[0] else { return nil }
        self.vertices = vertices
        self.unrolled = unrolled
    }
}

/// What a condition on places tests. Edges belong to a shape.
package enum GeoShape: Hashable, Sendable {
    /// At most so many metres away from the centre, along the great circle.
    case radius(center: GeoPoint, metres: Double)
    /// From the western to the eastern longitude going east, so it may cross the antimeridian.
    case box(topLeft: GeoPoint, bottomRight: GeoPoint)
    /// Inside the exterior ring and inside no interior one. Sides are straight in degrees.
    case polygon(exterior: GeoRing, interiors: [GeoRing])
}
