/// The id of a project: a UUID in small letters.
public struct ProjectID: Sendable, Hashable, Comparable {
    public let text: String

    /// Nil where the text is no UUID of the form 8-4-4-4-12.
    public init?(_ text: some StringProtocol) {
        guard let uuid = UUIDText(text) else { return nil }
        self.text = uuid.text
    }

    public static func < (a: ProjectID, b: ProjectID) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
}
