import EgizPostgres
import EgizTwin

/// Bindings as JSON: the words, with what the registry says of them.
enum BindingText {
    static func json(_ binding: StoredBinding) -> [UInt8] {
        var out = JSONOutput()
        write(binding, into: &out)
        return out.bytes
    }

    static func write(_ binding: StoredBinding, into out: inout JSONOutput) {
        out.beginObject()
        out.member("id", binding.id)
        if let thing = binding.thing { out.member("thingId", thing) }
        if let type = binding.type { out.member("type", type) }
        out.key("binding")
        out.raw(binding.settings)
        out.key("enabled")
        out.bool(binding.isEnabled)
        out.key("declared")
        out.bool(binding.isDeclared)
        out.member("distance", binding.distance)
        out.member("version", binding.version)
        out.member("createdAt", binding.createdAt.text)
        out.member("updatedAt", binding.updatedAt.text)
        out.endObject()
    }
}
