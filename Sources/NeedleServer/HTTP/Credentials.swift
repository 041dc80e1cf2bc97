/// What a request says about who sends it.
enum Credentials: Equatable {
    case none
    case bearer(String)
    /// Something else than `Bearer`, or no key behind it.
    case unusable

    init(authorization: String?) {
        guard let authorization else {
            self = .none
            return
        }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            self = .unusable
            return
        }
        let key = String(parts[1].drop { $0 == " " })
        self = key.isEmpty ? .unusable : .bearer(key)
    }
}
