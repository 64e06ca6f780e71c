/// Why a record can never be folded; the raw values are the reasons that dead letters carry.
enum RejectionCode: String, Sendable {
    case json, envelope, topic, path, revision, timestamp, value, identity, merge
    case thingID = "thing-id"
}
