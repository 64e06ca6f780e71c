import EgizPostgres
import EgizTwin

/// Models and tasks as JSON.
enum LearningText {
    static func json(_ entry: TaskQueries.Entry, _ kind: TaskQueries.Kind) -> [UInt8] {
        var out = JSONOutput()
        write(entry, kind, into: &out)
        return out.bytes
    }

    static func write(_ entry: TaskQueries.Entry, _ kind: TaskQueries.Kind, into out: inout JSONOutput) {
        out.beginObject()
        out.member(kind == .model ? "model" : "task", entry.name)
        out.key("settings")
        out.raw(JSONValue.object(entry.settings).text.utf8)
        if kind == .task {
            out.key("enabled")
            out.bool(entry.isEnabled)
            out.key("bound")
            out.bool(entry.isBound)
        }
        out.member("version", entry.version)
        out.member("createdAt", entry.createdAt.text)
        out.member("updatedAt", entry.updatedAt.text)
        out.endObject()
    }

    static func write(_ member: TaskQueries.Member, into out: inout JSONOutput) {
        out.beginObject()
        out.member("id", member.id)
        if let type = member.type { out.member("type", type) }
        if let thing = member.thing { out.member("thingId", thing) }
        out.member("createdAt", member.createdAt.text)
        out.endObject()
    }
}
