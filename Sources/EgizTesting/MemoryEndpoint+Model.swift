public import EgizCore
public import EgizTwin

extension MemoryEndpoint {
    /// A model that answers in every protocol of `ml-caller`: `predict` says what to each instance's features.
    public static func model(
        version: String? = "1.0.0", predict: @escaping @Sendable (JSONObject) -> JSONValue
    ) -> MemoryEndpoint {
        MemoryEndpoint { request in .response(answer(to: request, version: version, predict: predict)) }
    }

    /// What such a model answers to one call.
    public static func answer(
        to request: CallRequest, version: String?, predict: (JSONObject) -> JSONValue
    ) -> CallResponse {
        guard let body = (try? JSONParser().parse(request.body))?.object else { return CallResponse(status: 400) }
        var answer = JSONObject()
        if let features = body["features"]?.object {
            answer["prediction_id"] = .string("p1")
            answer["predictions"] = predict(features)
        } else {
            guard case .array(let instances)? = body["instances"] ?? body["dataframe_records"] else {
                return CallResponse(status: 422)
            }
            answer["predictions"] = .array(instances.map { predict($0.object ?? JSONObject()) })
        }
        if let version { answer["model_version"] = .string(version) }
        return CallResponse(
            status: 200, headers: [.init("content-type", "application/json")],
            body: Array(JSONValue.object(answer).text.utf8))
    }
}
