/// A second name of a collection. Switching it is one step for everybody.
package struct Alias: Hashable, Sendable {
    package var name: String
    /// The name of a collection.
    package var collection: String

    package init(name: String, collection: String) {
        self.name = name
        self.collection = collection
    }
}
