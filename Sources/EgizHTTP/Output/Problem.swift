import HTTPTypes

/// An error as the API tells it: a problem document of RFC 9457.
///
/// `detail` says what is wrong, where, and what to do; it never carries secrets, SQL or payloads.
struct Problem: Error, Sendable {
    /// Faults that a document lists at most: what was sent is no reason for an answer many times as long.
    static let mostFaults = 100

    /// One bad parameter or member among several.
    struct Fault: Sendable, Equatable {
        /// A parameter's name, or a JSON pointer into the body.
        var place: String
        /// `place` points into the body.
        var isPointer: Bool
        var detail: String

        init(parameter: String, detail: String) {
            (place, isPointer, self.detail) = (parameter, false, detail)
        }

        init(pointer: String, detail: String) {
            (place, isPointer, self.detail) = (pointer, true, detail)
        }

        var parameter: String { place }
    }

    /// A stable word; the document's `type` is `urn:egiz:problem:<code>`.
    var code: String
    var status: HTTPResponse.Status
    var title: String
    var detail: String
    var faults: [Fault] = []
    var headers: HTTPFields = [:]

    /// The document; `instance` is the path of the request as it was sent, `requestID` its name in the log.
    func document(instance: String, requestID: String = "") -> [UInt8] {
        var out = JSONOutput()
        out.beginObject()
        out.member("type", "urn:egiz:problem:\(code)")
        out.member("title", title)
        out.member("status", status.code)
        let more = faults.count - Self.mostFaults
        out.member(
            "detail", more > 0 ? "\(detail) Of \(faults.count) errors the first \(Self.mostFaults) are listed." : detail
        )
        out.member("instance", instance)
        out.member("code", code)
        if !requestID.isEmpty { out.member("requestId", requestID) }
        if !faults.isEmpty {
            out.key("errors")
            out.beginArray()
            for fault in faults.prefix(Self.mostFaults) {
                out.beginObject()
                out.member(fault.isPointer ? "pointer" : "parameter", fault.place)
                out.member("detail", fault.detail)
                out.endObject()
            }
            out.endArray()
        }
        out.endObject()
        return out.bytes
    }
}
