import NeedleCore

// Places with their rows along a space-filling curve (G. M. Morton, 1966): latitude and longitude as 32-bit
// fractions, their bits interleaved. A shape is looked for in its bounding boxes by descending through the quarters
// of the map that meet them; what is found there is tested itself.
//
// Parts: codes on the curve (u64); latitudes (f64); longitudes (f64); rows (u32).

enum GeoCode {
    static func latitude(_ degrees: Double) -> UInt32 { fraction((degrees + 90) / 180) }
    static func longitude(_ degrees: Double) -> UInt32 { fraction((degrees + 180) / 360) }

    /// Never falls where its argument rises.
    private static func fraction(_ value: Double) -> UInt32 {
        UInt32(min(max(value * 4_294_967_296, 0), 4_294_967_295))
    }

    /// The latitude's bits are the higher ones of each pair.
    static func code(latitude: UInt32, longitude: UInt32) -> UInt64 {
        spread(latitude) << 1 | spread(longitude)
    }

    private static func spread(_ value: UInt32) -> UInt64 {
        var bits = UInt64(value)
        bits = (bits | bits << 16) & 0x0000_FFFF_0000_FFFF
        bits = (bits | bits << 8) & 0x00FF_00FF_00FF_00FF
        bits = (bits | bits << 4) & 0x0F0F_0F0F_0F0F_0F0F
        bits = (bits | bits << 2) & 0x3333_3333_3333_3333
        return (bits | bits << 1) & 0x5555_5555_5555_5555
    }
}

/// While the index is built.
struct GeoValues {
    static let parts = 4
    private var places: [(code: UInt64, point: GeoPoint, row: UInt32)] = []

    mutating func add(_ value: JSONValue, row: UInt32) -> Bool {
        guard let point = GeoPoint(value) else { return false }
        let code = GeoCode.code(
            latitude: GeoCode.latitude(point.latitude), longitude: GeoCode.longitude(point.longitude))
        places.append((code, point, row))
        return true
    }

    func write(to writer: inout IndexWriter) {
        let sorted = places.sorted {
            ($0.code, $0.row, $0.point.latitude, $0.point.longitude)
                < ($1.code, $1.row, $1.point.latitude, $1.point.longitude)
        }
        writer.append(sorted.map(\.code))
        writer.append(sorted.map(\.point.latitude))
        writer.append(sorted.map(\.point.longitude))
        writer.append(sorted.map(\.row))
    }
}

/// Where the index lies.
struct GeoPart: @unchecked Sendable {
    private let parts: IndexParts
    // SAFETY: lie in the bytes that `parts` keeps.
    private let codes: UnsafeBufferPointer<UInt64>
    private let latitudes: UnsafeBufferPointer<Double>
    private let longitudes: UnsafeBufferPointer<Double>
    private let rows: UnsafeBufferPointer<UInt32>

    /// Fewer places are tested one by one.
    private static let fewPlaces = 32

    init(_ parts: IndexParts, from first: Int) throws(DatabaseError) {
        self.parts = parts
        codes = try parts.column(first, as: UInt64.self)
        latitudes = try parts.column(first + 1, as: Double.self)
        longitudes = try parts.column(first + 2, as: Double.self)
        rows = try parts.column(first + 3, as: UInt32.self)
        guard codes.count == rows.count, latitudes.count == rows.count, longitudes.count == rows.count else {
            throw parts.damage("places and rows do not belong together")
        }
    }

    func rows(in shape: GeoShape) throws(DatabaseError) -> PointSet {
        let all = PointSetAccumulator()
        for box in shape.boxes {
            let area = Area(box)
            try descend(codes.indices, Quarter(), area, shape, all)
        }
        return all.finish()
    }

    /// A part of the map: the first `depth` bits of latitude and longitude.
    private struct Quarter {
        var depth: UInt64 = 0
        var latitude: UInt64 = 0
        var longitude: UInt64 = 0

        /// Codes from here on, up to where the next one begins.
        var firstCode: UInt64 {
            let shift = 32 - depth
            return GeoCode.code(
                latitude: UInt32(truncatingIfNeeded: latitude << shift),
                longitude: UInt32(truncatingIfNeeded: longitude << shift))
        }

        func child(_ index: UInt64) -> Quarter {
            Quarter(
                depth: depth + 1, latitude: latitude << 1 | index >> 1, longitude: longitude << 1 | index & 1)
        }
    }

    /// A box in the fractions of the codes.
    private struct Area {
        let latitudes: ClosedRange<UInt64>
        let longitudes: ClosedRange<UInt64>

        init(_ box: GeoBounds) {
            let south = UInt64(GeoCode.latitude(box.latitudes.lowerBound))
            latitudes = south...max(south, UInt64(GeoCode.latitude(box.latitudes.upperBound)))
            let west = UInt64(GeoCode.longitude(box.longitudes.lowerBound))
            longitudes = west...max(west, UInt64(GeoCode.longitude(box.longitudes.upperBound)))
        }

        func meets(_ quarter: Quarter) -> Bool {
            let shift = 32 - quarter.depth
            let last = (UInt64(1) << shift) - 1
            let (south, west) = (quarter.latitude << shift, quarter.longitude << shift)
            return latitudes.overlaps(south...(south + last)) && longitudes.overlaps(west...(west + last))
        }
    }

    private func descend(
        _ places: Range<Int>, _ quarter: Quarter, _ area: Area, _ shape: GeoShape, _ all: PointSetAccumulator
    ) throws(DatabaseError) {
        guard !places.isEmpty, area.meets(quarter) else { return }
        guard places.count > Self.fewPlaces, quarter.depth < 32 else { return try test(places, shape, all) }
        var start = places.lowerBound
        for index: UInt64 in 0..<4 {
            let end =
                index == 3 ? places.upperBound : place(of: quarter.child(index + 1).firstCode, in: places)
            try descend(start..<max(start, end), quarter.child(index), area, shape, all)
            start = max(start, end)
        }
    }

    /// The first place of the range whose code is not below this one.
    private func place(of code: UInt64, in places: Range<Int>) -> Int {
        var low = places.lowerBound
        var high = places.upperBound
        while low < high {
            let middle = (low + high) / 2
            if codes[middle] < code { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func test(
        _ places: Range<Int>, _ shape: GeoShape, _ all: PointSetAccumulator
    ) throws(DatabaseError) {
        for place in places {
            guard GeoPoint.latitudes.contains(latitudes[place]),
                GeoPoint.longitudes.contains(longitudes[place])
            else { throw parts.damage("place \(place) is not on the earth") }
            let point = GeoPoint(latitude: latitudes[place], longitude: longitudes[place])
            guard shape.contains(point) else { continue }
            try parts.check(rows[place])
            all.insert(rows[place])
        }
    }
}
