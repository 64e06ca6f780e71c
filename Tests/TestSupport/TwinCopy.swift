public import EgizTwin

/// A thing as a reader of `framework.notifications.v1.twin` keeps it: what the schema `twin.v1` says, and nothing more.
public struct TwinCopy {
    /// Nil: there is no such thing, or nothing is known of it.
    public var document: JSONObject?

    public init(_ document: JSONObject? = nil) { self.document = document }

    /// The next record. Throws what the record says wrongly.
    public mutating func apply(_ record: JSONObject) throws {
        switch record["change"]?.string {
        case "created":
            document = JSONObject()
            document?["thingId"] = record["thingId"]
        case "deleted":
            document = nil
            return
        default: break
        }
        guard var thing = document, case .array(let changes) = record["changes"] else { return }
        for change in changes {
            let path = try JSONPointer(parsing: change.object?["path"]?.string ?? "").segments
            if let value = change.object?["value"] {
                Self.set(&thing, path[...], value)
            } else {
                Self.remove(&thing, path[...])
            }
        }
        thing["_revision"] = record["revision"]
        thing["_modified"] = record["modified"]
        document = thing
    }

    private static func set(_ object: inout JSONObject, _ path: ArraySlice<String>, _ value: JSONValue) {
        guard let first = path.first else { return }
        guard path.count > 1 else {
            object[first] = value
            return
        }
        var child = object[first]?.object ?? JSONObject()
        set(&child, path.dropFirst(), value)
        object[first] = .object(child)
    }

    private static func remove(_ object: inout JSONObject, _ path: ArraySlice<String>) {
        guard let first = path.first else { return }
        guard path.count > 1 else {
            object[first] = nil
            return
        }
        guard var child = object[first]?.object else { return }
        remove(&child, path.dropFirst())
        object[first] = .object(child)
    }

    /// Two documents without what no record tells: `_created` and `_metadata`.
    public static func isSame(_ a: JSONObject?, _ b: JSONObject?) -> Bool { told(a) == told(b) }

    private static func told(_ document: JSONObject?) -> JSONObject? {
        var document = document
        document?["_created"] = nil
        document?["_metadata"] = nil
        return document
    }
}
