// Conditions on places.

import NeedleCore

extension JSONReader {
    /// `{"center":{"lat","lon"},"radius_m"}`.
    mutating func geoRadius() throws -> GeoShape {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var center: GeoPoint?
        var metres: Double?
        while let key = try nextKey(&members) {
            switch key {
            case "center": center = try optional { try $0.geoPoint() }
            case "radius_m": metres = try optional { try $0.double(in: 0...Double.greatestFiniteMagnitude) }
            default: throw unknown(key)
            }
        }
        guard let center else { throw Refusal.missing("center", in: start) }
        guard let metres else { throw Refusal.missing("radius_m", in: start) }
        return .radius(center: center, metres: metres)
    }

    /// `{"top_left","bottom_right"}`; the west may lie east of the east: then it crosses the antimeridian.
    mutating func geoBox() throws -> GeoShape {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var topLeft: GeoPoint?
        var bottomRight: GeoPoint?
        while let key = try nextKey(&members) {
            switch key {
            case "top_left": topLeft = try optional { try $0.geoPoint() }
            case "bottom_right": bottomRight = try optional { try $0.geoPoint() }
            default: throw unknown(key)
            }
        }
        guard let topLeft else { throw Refusal.missing("top_left", in: start) }
        guard let bottomRight else { throw Refusal.missing("bottom_right", in: start) }
        guard topLeft.latitude >= bottomRight.latitude else {
            throw Refusal(
                message: "the top of the box lies below its bottom", offset: start,
                expected: "top_left.lat >= bottom_right.lat")
        }
        return .box(topLeft: topLeft, bottomRight: bottomRight)
    }

    /// `{"exterior":[…],"interiors":[[…],…]}`.
    mutating func geoPolygon() throws -> GeoShape {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var exterior: GeoRing?
        var interiors: [GeoRing] = []
        var vertices = 0
        while let key = try nextKey(&members) {
            switch key {
            case "exterior": exterior = try optional { try $0.geoRing(&vertices) }
            case "interiors":
                if try readNullIfPresent() { continue }
                var elements = try beginArray()
                while try nextElement(&elements) { interiors.append(try geoRing(&vertices)) }
            default: throw unknown(key)
            }
        }
        guard let exterior else { throw Refusal.missing("exterior", in: start) }
        return .polygon(exterior: exterior, interiors: interiors)
    }

    /// - Parameter vertices: of the whole polygon so far.
    private mutating func geoRing(_ vertices: inout Int) throws -> GeoRing {
        _ = try peekKind()
        let start = offset
        var elements = try beginArray()
        var points: [GeoPoint] = []
        while try nextElement(&elements) {
            vertices += 1
            guard vertices <= Filter.Limit.vertices else {
                throw Refusal(
                    message: "a polygon has at most \(Filter.Limit.vertices) vertices, its holes included",
                    offset: start, expected: "at most \(Filter.Limit.vertices) vertices")
            }
            points.append(try geoPoint())
        }
        guard let ring = GeoRing(points) else {
            throw Refusal(
                message: "a ring has at least three vertices and does not go around a pole", offset: start,
                expected: "at least three vertices")
        }
        return ring
    }

    /// `{"lat","lon"}`.
    private mutating func geoPoint() throws -> GeoPoint {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var latitude: Double?
        var longitude: Double?
        while let key = try nextKey(&members) {
            switch key {
            case "lat": latitude = try optional { try $0.double(in: GeoPoint.latitudes) }
            case "lon": longitude = try optional { try $0.double(in: GeoPoint.longitudes) }
            default: throw unknown(key)
            }
        }
        guard let latitude else { throw Refusal.missing("lat", in: start) }
        guard let longitude else { throw Refusal.missing("lon", in: start) }
        return GeoPoint(latitude: latitude, longitude: longitude)
    }
}
