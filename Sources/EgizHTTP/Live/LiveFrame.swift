/// One message to a client.
struct LiveFrame: Sendable, Equatable {
    /// Its word `type`, which server-sent events have as `event`.
    var type: String
    /// The message as JSON.
    var json: [UInt8]
    /// The resume token in it: having read this the client has everything up to there.
    var resume: String?
    /// Items in it.
    var count = 0

    /// - Parameter items: as JSON each.
    static func changes(_ items: [[UInt8]], resume: String?) -> LiveFrame {
        var out = JSONOutput(capacity: items.reduce(256) { $0 + $1.count + 1 } + (resume?.utf8.count ?? 0))
        out.beginObject()
        out.member("type", "changes")
        out.key("items")
        out.beginArray()
        for item in items { out.raw(item) }
        out.endArray()
        if let resume { out.member("resume", resume) }
        out.endObject()
        return LiveFrame(type: "changes", json: out.bytes, resume: resume, count: items.count)
    }

    /// Part of the present state.
    static func snapshot(_ id: String, _ items: [[UInt8]]) -> LiveFrame {
        var out = JSONOutput(capacity: items.reduce(256) { $0 + $1.count + 1 })
        out.beginObject()
        out.member("type", "snapshot")
        out.member("id", id)
        out.key("items")
        out.beginArray()
        for item in items { out.raw(item) }
        out.endArray()
        out.endObject()
        return LiveFrame(type: "snapshot", json: out.bytes, count: items.count)
    }

    /// From here on the subscription gets changes.
    static func live(_ id: String, resume: String?) -> LiveFrame {
        var frame = plain("live") { out in
            out.member("id", id)
            if let resume { out.member("resume", resume) }
        }
        frame.resume = resume
        return frame
    }

    /// What the client has is no longer followed by what comes: it forgets it, and gets a snapshot where it wanted one.
    static func resync(_ id: String, _ reason: String) -> LiveFrame {
        plain("resync") { out in
            out.member("id", id)
            out.member("reason", reason)
        }
    }

    /// Who the server takes the client for.
    static func welcome(name: String, isAdmin: Bool, projects: [String]) -> LiveFrame {
        plain("welcome") { out in
            out.member("name", name)
            out.key("admin")
            out.bool(isAdmin)
            out.key("projects")
            out.beginArray()
            for project in projects { out.string(project) }
            out.endArray()
        }
    }

    /// The rights have changed: what is no longer among the projects is to be forgotten.
    static func access(isAdmin: Bool, projects: [String]) -> LiveFrame {
        plain("access") { out in
            out.key("admin")
            out.bool(isAdmin)
            out.key("projects")
            out.beginArray()
            for project in projects { out.string(project) }
            out.endArray()
        }
    }

    static func unsubscribed(_ id: String) -> LiveFrame { plain("unsubscribed") { $0.member("id", id) } }
    static let pong = plain("pong") { _ in }

    /// Something the client asked for cannot be done; the connection stays.
    static func problem(_ problem: Problem, id: String?) -> LiveFrame {
        plain("error") { out in
            if let id { out.member("id", id) }
            out.member("code", problem.code)
            out.member("detail", problem.detail)
            if !problem.faults.isEmpty {
                out.key("errors")
                out.beginArray()
                for fault in problem.faults {
                    out.beginObject()
                    out.member(fault.isPointer ? "pointer" : "parameter", fault.place)
                    out.member("detail", fault.detail)
                    out.endObject()
                }
                out.endArray()
            }
        }
    }

    private static func plain(_ type: String, _ write: (inout JSONOutput) -> Void) -> LiveFrame {
        var out = JSONOutput()
        out.beginObject()
        out.member("type", type)
        write(&out)
        out.endObject()
        return LiveFrame(type: type, json: out.bytes)
    }
}
