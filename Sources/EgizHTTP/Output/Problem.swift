import HTTPTypes

/// An error as the API tells it: a problem document of RFC 9457.
///
/// `detail` says what is wrong, where, and what to do; it never carries secrets, SQL or payloads.
struct Problem: Error, Sendable {
    /// One bad parameter among several.
    struct Fault: Sendable, Equatable {
        var parameter: String
        var detail: String
    }

    /// A stable word; the document's `type` is `urn:egiz:problem:<code>`.
    var code: String
    var status: HTTPResponse.Status
    var title: String
    var detail: String
    var faults: [Fault] = []
    var headers: HTTPFields = [:]

    /// The document; `instance` is the path of the request as it was sent.
    func document(instance: String) -> [UInt8] {
        var out = JSONOutput()
        out.beginObject()
        out.member("type", "urn:egiz:problem:\(code)")
        out.member("title", title)
        out.member("status", status.code)
        out.member("detail", detail)
        out.member("instance", instance)
        if !faults.isEmpty {
            out.key("errors")
            out.beginArray()
            for fault in faults {
                out.beginObject()
                out.member("parameter", fault.parameter)
                out.member("detail", fault.detail)
                out.endObject()
            }
            out.endArray()
        }
        out.endObject()
        return out.bytes
    }
}
