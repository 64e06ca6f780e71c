import EgizPostgres
import EgizTwin

/// Registrations of twins as JSON.
enum RegistrationText {
    static func json(_ registration: StoredRegistration) -> [UInt8] {
        var out = JSONOutput()
        out.beginObject()
        out.member("thingId", registration.thing)
        out.member("type", registration.type)
        out.member("modelId", registration.model?.text)
        out.key("metadata")
        out.raw(JSONValue.object(registration.metadata).text.utf8)
        out.member("version", registration.version)
        out.member("createdAt", registration.createdAt.text)
        out.member("updatedAt", registration.updatedAt.text)
        out.endObject()
        return out.bytes
    }

    /// The document of a twin of which its device has said nothing yet.
    static func document(thing: String, type: String?) -> [UInt8] {
        var out = JSONOutput()
        out.beginObject()
        out.member("thingId", thing)
        if let type { out.member("definition", type) }
        out.endObject()
        return out.bytes
    }
}
