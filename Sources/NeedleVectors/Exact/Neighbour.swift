/// A row and how far it is from the query; lower is nearer.
package struct Neighbour: Hashable, Sendable {
    package var distance: Double
    package var row: UInt32

    package init(distance: Double, row: UInt32) {
        self.distance = distance
        self.row = row
    }
}
