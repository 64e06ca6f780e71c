public import EgizCore
public import EgizTwin

/// A property of an object of a thing's 3D model.
public struct StoredProperty: Sendable {
    public var object: String
    public var target: String
    /// JSON text.
    public var value: [UInt8]
    public var revision: Int64
    public var time: EventTime
    /// The record that changed it; nil where a change of the bindings did.
    public var cause: InputPosition?
}
