public import EgizTwin

/// What people say of a twin; what its device says is `StoredTwin`.
public struct StoredRegistration: Sendable {
    public var thing: String
    /// Counts where the device tells no definition.
    public var type: String?
    /// Of its 3D model.
    public var model: UUIDText?
    public var metadata: JSONObject
    public var version: Int64
    public var createdAt: EventTime
    public var updatedAt: EventTime
}
