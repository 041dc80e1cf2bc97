import Glibc
import NeedleCore

/// A rectangle in degrees that does not cross the antimeridian.
struct GeoBounds {
    let latitudes: ClosedRange<Double>
    let longitudes: ClosedRange<Double>
}

extension GeoShape {
    /// Rectangles that hold the shape. They may be somewhat larger, and overlap.
    var boxes: [GeoBounds] {
        switch self {
        case .radius(let center, let metres): Self.boxes(around: center, metres: metres)
        case .box(let topLeft, let bottomRight):
            Self.boxes(
                bottomRight.latitude...max(bottomRight.latitude, topLeft.latitude), west: topLeft.longitude,
                east: bottomRight.longitude)
        case .polygon(let exterior, _): Self.boxes(of: exterior)
        }
    }

    /// On the way east from one longitude to the other.
    private static func boxes(_ latitudes: ClosedRange<Double>, west: Double, east: Double) -> [GeoBounds] {
        if west <= east { return [GeoBounds(latitudes: latitudes, longitudes: west...east)] }
        return [
            GeoBounds(latitudes: latitudes, longitudes: west...180),
            GeoBounds(latitudes: latitudes, longitudes: -180...east),
        ]
    }

    /// Beyond what rounding can move an edge, in degrees: about a metre. Distances to the other side of the earth are
    /// the least exact, with an error of a tenth of that.
    private static let margin = 1e-5

    private static func boxes(around center: GeoPoint, metres: Double) -> [GeoBounds] {
        let degrees = 180 / Double.pi
        let angle = metres / GeoPoint.earthRadius
        let south = center.latitude - angle * degrees - margin
        let north = center.latitude + angle * degrees + margin
        let latitudes = max(south, -90)...max(max(south, -90), min(north, 90))
        // With a pole inside, every longitude is.
        guard south > -90, north < 90 else {
            return [GeoBounds(latitudes: latitudes, longitudes: -180...180)]
        }
        // The widest point of the circle (J. P. Snyder, "Map Projections", 1987, 5-3).
        let ratio = sin(angle) / cos(center.latitude / degrees)
        let half = asin(min(1, ratio)) * degrees + margin
        var west = center.longitude - half
        var east = center.longitude + half
        guard half < 180 else { return [GeoBounds(latitudes: latitudes, longitudes: -180...180)] }
        if west < -180 { west += 360 }
        if east > 180 { east -= 360 }
        return boxes(latitudes, west: west, east: east)
    }

    private static func boxes(of ring: GeoRing) -> [GeoBounds] {
        let south = ring.vertices.reduce(90) { min($0, $1.latitude) }
        let north = ring.vertices.reduce(south) { max($0, $1.latitude) }
        // A place on the antimeridian has two longitudes: the margin sees to both.
        var west = (ring.unrolled.min() ?? -180) - margin
        var east = (ring.unrolled.max() ?? 180) + margin
        guard east - west < 360 else { return [GeoBounds(latitudes: south...north, longitudes: -180...180)] }
        while west < -180 {
            west += 360
            east += 360
        }
        while west > 180 {
            west -= 360
            east -= 360
        }
        if east > 180 { return boxes(south...north, west: west, east: east - 360) }
        return boxes(south...north, west: west, east: east)
    }
}
