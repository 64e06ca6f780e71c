import EgizCore
import EgizTwin

/// How a model service is spoken to.
enum ModelProtocol: String, CaseIterable, Sendable {
    /// `POST {endpoint}/predict/{model}` with `instances`, `ids` and `metadata`.
    case egiz
    /// `POST {endpoint}/predict` with `model_id`, `features` and `metadata`, one question a call.
    case single = "egiz-single"
    /// MLflow's scoring server: `POST {endpoint}/invocations`.
    case mlflow
    /// KServe's protocol 1: `POST {endpoint}/v1/models/{model}:predict`.
    case kserve

    func url(_ endpoint: String, model: String) -> String {
        switch self {
        case .egiz: "\(endpoint)/predict/\(model)"
        case .single: "\(endpoint)/predict"
        case .mlflow: "\(endpoint)/invocations"
        case .kserve: "\(endpoint)/v1/models/\(model):predict"
        }
    }

    /// Where a service of this protocol says how it is.
    func healthPath(model: String) -> String {
        switch self {
        case .egiz, .single: "/health"
        case .mlflow: "/ping"
        case .kserve: "/v1/models/\(model)"
        }
    }

    /// The body of a call about these questions.
    func body(_ questions: [(id: String, question: JSONObject)], model: String, version: String?) -> [UInt8] {
        func features(_ question: JSONObject) -> JSONValue { question["features"] ?? .object(JSONObject()) }
        func metadata(_ question: JSONObject) -> JSONValue {
            var object = question["metadata"]?.object ?? JSONObject()
            object["thingId"] = question["thingId"]
            object["task"] = question["task"]
            return .object(object)
        }
        var body = JSONObject()
        switch self {
        case .egiz:
            body["instances"] = .array(questions.map { features($0.question) })
            body["ids"] = .array(questions.map { .string($0.id) })
            body["metadata"] = .array(questions.map { metadata($0.question) })
            if let version { body["model_version"] = .string(version) }
        case .single:
            body["model_id"] = .string(model)
            body["features"] = questions.first.map { features($0.question) } ?? .null
            body["metadata"] = questions.first.map { metadata($0.question) } ?? .null
            if let version { body["model_version"] = .string(version) }
        case .mlflow: body["dataframe_records"] = .array(questions.map { features($0.question) })
        case .kserve: body["instances"] = .array(questions.map { features($0.question) })
        }
        var bytes: [UInt8] = []
        JSONValue.object(body).write(into: &bytes)
        return bytes
    }

    /// What a 2xx says: the predictions in order, and the version where the service tells it.
    func predictions(_ response: CallResponse, ids: [String], parser: JSONParser) throws(CallFault) -> (
        [JSONValue], version: String?
    ) {
        let value: JSONValue
        do throws(JSONError) { value = try parser.parse(response.body) } catch {
            throw CallFault("json", "the answer is no JSON: \(error.message)")
        }
        guard let object = value.object else { throw CallFault("shape", "the answer is no object") }
        let said = object["model_version"]?.string ?? response.header("egiz-model-version")
        let version = said.flatMap { $0.utf8.isEmpty ? nil : String($0.prefix(200)) }
        if self == .single {
            guard let prediction = object["predictions"] else {
                throw CallFault("shape", "the answer has no `predictions`")
            }
            return ([prediction], version)
        }
        guard case .array(let predictions)? = object["predictions"] else {
            throw CallFault("shape", "the answer has no list `predictions`")
        }
        guard predictions.count == ids.count else {
            throw CallFault("length", "\(predictions.count) predictions came to \(ids.count) questions")
        }
        if case .array(let echo)? = object["ids"] {
            let isSame = echo.count == ids.count && zip(echo, ids).allSatisfy { $0 == .string($1) }
            guard isSame else { throw CallFault("order", "the answer's ids are not those of the questions") }
        }
        return (predictions, version)
    }
}
