public import EgizTwin

/// A binding as the registry holds it.
public struct StoredBinding: Sendable {
    public var id: Int64
    public var type: String?
    public var thing: String?
    /// Its words, as a topology would have them; JSON.
    public var settings: [UInt8]
    public var isEnabled: Bool
    /// Written with its type's document, which alone changes it.
    public var isDeclared: Bool
    public var version: Int64
    public var createdAt: EventTime
    public var updatedAt: EventTime
    /// From the thing that was asked about: 0 is its own, 1 its type's, 2 the parent's.
    public var distance: Int64
}
