import EgizCore
import EgizTwin

/// What a model says of one question, in the one form that everybody downstream reads.
enum Prediction {
    /// Texts beyond are no codes and no labels.
    private static let longestLabel = 256
    private static let longestMessage = 1000

    /// `{score, label, details}` with whatever else the model says; a bare number is a score, a bare text a label, all else details.
    /// An item `{"error": …}` is a fault of its question.
    static func read(_ value: JSONValue) throws(CallFault) -> JSONObject {
        switch value {
        case .int, .double: return object("score", value)
        case .string: return try checked(object("label", value))
        case .object(let prediction):
            if let error = prediction["error"], error != .null { throw fault(error) }
            if ["score", "label", "details"].contains(where: { prediction[$0] != nil }) {
                return try checked(prediction)
            }
            return object("details", value)
        case .null, .bool, .array: return object("details", .object(object("value", value)))
        }
    }

    private static func object(_ name: String, _ value: JSONValue) -> JSONObject {
        var object = JSONObject()
        object[name] = value
        return object
    }

    private static func checked(_ prediction: JSONObject) throws(CallFault) -> JSONObject {
        if let score = prediction["score"], score != .null, score.number == nil {
            throw CallFault("prediction", "the score is no number")
        }
        if let label = prediction["label"], label != .null {
            guard let text = label.string else { throw CallFault("prediction", "the label is no text") }
            guard text.utf8.count <= longestLabel else {
                throw CallFault("prediction", "the label has \(text.utf8.count) bytes, more than \(longestLabel)")
            }
        }
        if let details = prediction["details"], details != .null, details.object == nil {
            throw CallFault("prediction", "the details are no object")
        }
        return prediction
    }

    private static func fault(_ error: JSONValue) -> CallFault {
        let object = error.object
        let message = object?["message"]?.string ?? error.string ?? "the model gives no reason"
        return CallFault(code(object?["code"]?.string), String(message.prefix(longestMessage)))
    }

    /// A code that may stand in dead letters and outputs.
    static func code(_ text: String?) -> String {
        guard let text, let first = text.utf8.first, (0x61...0x7A).contains(first), text.utf8.count <= 64,
            text.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        else { return "model-error" }
        return text
    }

    /// What a status other than 2xx means; a problem document (RFC 9457) names it better than the number.
    static func verdict(ofStatus response: CallResponse, parser: JSONParser) -> CallVerdict {
        let problem = (try? parser.parse(response.body))?.object
        let title = problem?["title"]?.string.map { String($0.prefix(200)) }
        let prefix = "urn:egiz:problem:"
        var name: String?
        if let type = problem?["type"]?.string, type.utf8.starts(with: prefix.utf8) {
            name = String(decoding: Array(type.utf8.dropFirst(prefix.utf8.count)), as: UTF8.self)
        }
        if name == "model-version" {
            return .faulty(CallFault("model-version", "the service has another version of the model"), splits: false)
        }
        let message = title.map { "the answer has the status \(response.status): \($0)" }
        // A question of the single form that is at fault says so itself.
        if response.status == 422, let name {
            return .refused(CallFault(code(name), message ?? "the question is refused"), splits: true)
        }
        // A key that is missing or has run out is no fault of the question: it waits until somebody mends that.
        if [401, 403, 407].contains(response.status) {
            let why = message ?? "the service does not let the caller in (status \(response.status)); see `token`"
            // But 403 is also what firewalls say to what a question holds.
            let blame: CallBlame = response.status == 403 && response.retryAfter == nil ? .gateway : .weather
            return .unavailable(
                CallFault("http-\(response.status)", why), retryAfter: response.retryAfter, blame: blame)
        }
        return .ofStatus(response, message: message)
    }
}
