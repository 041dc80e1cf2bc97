import Glibc
package import NeedleCore

extension GeoPoint {
    /// The mean radius of the earth in metres (IUGG).
    static let earthRadius = 6_371_008.8

    /// A place in a payload: an object whose `lat` and `lon` are numbers within range; `nil` for anything else.
    init?(_ value: JSONValue) {
        guard case .object = value, let latitude = value["lat"]?.doubleValue,
            let longitude = value["lon"]?.doubleValue, Self.latitudes.contains(latitude),
            Self.longitudes.contains(longitude)
        else { return nil }
        self.init(latitude: latitude, longitude: longitude)
    }

    /// Metres along the great circle (haversine formula; R. W. Sinnott, 1984).
    package func distance(to other: GeoPoint) -> Double {
        let radians = Double.pi / 180
        let a = sin((other.latitude - latitude) * radians / 2)
        let b = sin((other.longitude - longitude) * radians / 2)
        let h = a * a + cos(latitude * radians) * cos(other.latitude * radians) * b * b
        return 2 * Self.earthRadius * asin(min(1, h.squareRoot()))
    }
}

extension GeoShape {
    /// Whether the place lies in the shape or on its edge. Indexes and scans ask this very function, so they agree.
    /// O(vertices).
    package func contains(_ point: GeoPoint) -> Bool {
        switch self {
        case .radius(let center, let metres): center.distance(to: point) <= metres
        case .box(let topLeft, let bottomRight):
            point.latitude <= topLeft.latitude && point.latitude >= bottomRight.latitude
                && Self.isBetween(point.longitude, topLeft.longitude, bottomRight.longitude)
        case .polygon(let exterior, let interiors):
            exterior.side(of: point) != .outside && !interiors.contains { $0.side(of: point) == .inside }
        }
    }

    /// Whether a longitude is met on the way east.
    private static func isBetween(_ longitude: Double, _ west: Double, _ east: Double) -> Bool {
        west <= east ? west <= longitude && longitude <= east : longitude >= west || longitude <= east
    }
}

extension GeoRing {
    enum Side {
        case inside
        case edge
        case outside
    }

    /// Where a place lies: by the parity of the sides that a ray to the east crosses, tried at each longitude that the
    /// place has on the unrolled ring.
    func side(of point: GeoPoint) -> Side {
        let range = (unrolled.min() ?? 0)...(unrolled.max() ?? 0)
        var longitude = point.longitude
        while longitude - 360 >= range.lowerBound { longitude -= 360 }
        while longitude < range.lowerBound { longitude += 360 }
        while longitude <= range.upperBound {
            let side = side(latitude: point.latitude, longitude: longitude)
            if side != .outside { return side }
            longitude += 360
        }
        return .outside
    }

    private func side(latitude y: Double, longitude x: Double) -> Side {
        var isInside = false
        var previous = vertices.count - 1
        for current in vertices.indices {
            let (x1, y1) = (unrolled[previous], vertices[previous].latitude)
            let (x2, y2) = (unrolled[current], vertices[current].latitude)
            previous = current
            let cross = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
            if cross == 0, min(x1, x2) <= x, x <= max(x1, x2), min(y1, y2) <= y, y <= max(y1, y2) {
                return .edge
            }
            // A side counts from its lower end up to, but without, its upper one.
            if (y1 <= y) != (y2 <= y), (cross > 0) == (y2 > y1) { isInside.toggle() }
        }
        return isInside ? .inside : .outside
    }
}
