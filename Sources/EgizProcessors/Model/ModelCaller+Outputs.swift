public import EgizCore
import EgizTwin

/// What goes out when a question is done.
extension ModelCaller {
    /// What is said instead of an answer that Kafka may not take; nil where it surely does.
    private static func tooLarge(_ output: JSONObject, _ size: Int) -> [UInt8]? {
        guard size > 16 << 10 else { return nil }
        var error = JSONObject()
        error["code"] = .string("output-size")
        error["message"] = .string("an answer of \(size) bytes is larger than Kafka takes (message.max.bytes)")
        var output = output
        output.remove("prediction")
        output["error"] = .object(error)
        var bytes: [UInt8] = []
        JSONValue.object(output).write(into: &bytes)
        return bytes
    }

    public func outputs(of item: CallItem, replies: [CallReply]) -> [CallOutput] {
        guard let question = item.question.payload.object else { return [] }
        let task = question["task"]?.string ?? ""
        return replies.enumerated().map { lane, reply in
            var output = JSONObject()
            output["thingId"] = question["thingId"]
            output["task"] = question["task"]
            output["model"] = .string(models[lane].name)
            output["modelVersion"] = .null
            output["id"] = .string(item.record.id)
            switch reply.answer {
            case .value(let answer):
                output["modelVersion"] = answer.object?["version"] ?? .null
                output["prediction"] = answer.object?["prediction"]
            case .failed(let fault):
                var error = JSONObject()
                error["code"] = .string(fault.code)
                error["message"] = .string(fault.message)
                output["error"] = .object(error)
            }
            output["input"] = RuleRecords.cause(item.record.position)
            output["metadata"] = question["metadata"]
            output["latencyMs"] = .double(Double(Self.microseconds(reply.latency)) / 1000)
            output["attempts"] = .int(Int64(reply.attempts))
            output["shadow"] = .bool(lane > 0)
            var bytes: [UInt8] = []
            JSONValue.object(output).write(into: &bytes)
            // Nobody acts on a shadow, so it costs nobody his answer.
            return CallOutput(
                topic: topic ?? "ml.output.v1.\(task)", value: bytes, ifTooLarge: Self.tooLarge(output, bytes.count),
                isOptional: lane > 0)
        }
    }
}
