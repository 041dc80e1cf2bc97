/// The version of this client library.
public enum NeedleClientVersion {
    /// As in the changelog.
    public static let current = "0.1.0"
}
