/// What a living twin holds. Absent, null and `{}` are three different states of each section.
struct ThingState {
    var policyID: JSONValue?
    var definition: JSONValue?
    var attributes: JSONValue?
    var features: JSONValue?
    var created: Timestamp?
    var modified: Timestamp?
    var metadata: JSONValue?

    /// Numbers of the sections in a path table are those of these names.
    enum Section {
        static let policyID = "policyId"
        static let definition = "definition"
        static let attributes = "attributes"
        static let features = "features"
    }

    init() {}

    /// The thing in a checked payload.
    init(payload: JSONObject) {
        policyID = payload[Section.policyID].flatMap { $0.isNull ? nil : $0 }
        definition = payload[Section.definition]
        attributes = payload[Section.attributes]
        features = payload[Section.features]
    }
}
