public import EgizCore
import EgizTwin

/// The kind `ml-caller`: asks a model about every record of `ml.input.v1.<task>` and writes what it says to `ml.output.v1.<task>`.
///
/// A stage of its own, with its own lag (rule 22): calls are at least once with a key that a retry repeats, outputs exactly once and
/// in the order of the partition.
public final class ModelCaller: Caller {
    private static let words: [KindField] = [
        .init("endpoint", .string, required: true, "Where the service is: `http://host:8000`."),
        .init("model", .string, required: true, "The model's name, as the service knows it."),
        .init(
            "protocol", .choice(ModelProtocol.allCases.map(\.rawValue)), default: "egiz",
            "`egiz`: `POST {endpoint}/predict/{model}`. `egiz-single`: `POST {endpoint}/predict`, one question a call. `mlflow`: `POST {endpoint}/invocations`. `kserve`: `POST {endpoint}/v1/models/{model}:predict`."
        ),
        .init(
            "version", .string, "The version that is counted on, such as `1.0.0`; an answer of another one is an error."
        ),
        .init("token", .string, "The environment variable that holds a bearer token for the service."),
        .init(
            "health", .string,
            "The path under `endpoint` that is asked by `GET` how the service is: once at the start, and where it is to be told whether a question or the service is at fault. Where left out: `/health`, MLflow's `/ping`, KServe's `/v1/models/{model}`."
        ),
        .init(
            "poisonAfter", .duration, default: "15m",
            "How long a service that was never asked anything else may answer questions with errors of its own (500 and such) while its health is good; then they are dead letters; and how long a gateway may refuse a question (403, 502, 504) while others are answered."
        ),
        .init(
            "batch",
            .map([
                .init("size", .int(1...1024), default: "32", "Questions in a call at most."),
                .init("delay", .duration, default: "20ms", "How long the first of them waits for others."),
            ]), "How questions are gathered into calls."),
        .init(
            "shadow",
            .map([
                .init("model", .string, required: true, "Its name."),
                .init("endpoint", .string, "Where it is; the same service where left out."),
                .init("version", .string, "The version that is counted on."),
                .init("wait", .duration, default: "1s", "How long an answer of the first model waits for it at most."),
            ]),
            "A model beside the first, asked the same once; its answers are marked `shadow`, and nobody acts on them."),
        .init(
            "to", .topic,
            "The topic of the answers, key: the thing id; `ml.output.v1.<task>` where left out. `Schemas/ml-output.v1.schema.json`."
        ),
    ]

    public static let spec = KindSpec(
        kind: "ml-caller",
        summary: """
            Asks a model over HTTP about each record of its source, in batches, and writes the answers to `ml.output.v1.<task>`; a stage \
            of its own, so a model that hangs delays nothing else. A record that is given up always stands aside alone.
            """,
        input: .records,
        output: .none,
        projections: [],
        fields: words + CallPolicy.fields,
        metrics: [
            .init("calls", "calls that were made for records that are done"),
            .init("answered", "questions that were asked to their end"),
            .init("callFaults", "questions that became dead letters"),
            .init("callsDropped", "questions that were too old (`maxAge`)"),
        ],
        messages: ["to": "ml-output.v1.schema.json"],
        example: """
            model:
              kind: ml-caller
              from: questions
              endpoint: http://127.0.0.1:8000
              model: nozzle-anomaly
              version: 1.0.0
              batch: { size: 64, delay: 20ms }
              timeout: 2s
              maxAge: 30s
              shadow: { model: nozzle-anomaly-next }
            """,
        // The task stands in the record; by custom in the topic too.
        defaultTopics: { _, source in
            source.topics.filter { $0.name.hasPrefix("ml.input.v1.") }.map { "ml.output.v1.\($0.name.dropFirst(12))" }
        })

    struct Model {
        var name: String
        var endpoint: String
        var version: String?
    }

    public let policy: CallPolicy
    public let lanes: [CallLane]
    let models: [Model]
    private let speech: ModelProtocol
    private let token: String?
    private let healthPath: String?
    let topic: String?
    private let parser = JSONParser()

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        guard let speech = ModelProtocol(rawValue: try reader.text("protocol") ?? "egiz") else {
            throw reader.fault("protocol", ModelProtocol.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.speech = speech
        var policy = try CallPolicy.policy(reader)
        (policy.batchSize, policy.batchDelay) = (32, .milliseconds(20))
        if let batch = try reader.map("batch") {
            if let size = try batch.integer("size") { policy.batchSize = size }
            if let delay = try batch.duration("delay") { policy.batchDelay = .microseconds(delay) }
        }
        if speech == .single { (policy.batchSize, policy.batchDelay) = (1, .zero) }
        // A question that is asked again has its key again, and models only look.
        policy.asksAgain = true
        policy.poisonAfter = .seconds(15 * 60)
        if let time = try reader.duration("poisonAfter") { policy.poisonAfter = .microseconds(time) }
        guard let endpoint = try Self.endpoint(reader) else {
            throw reader.fault("endpoint", "an address such as http://host:8000")
        }
        var models = [Model(name: try Self.model(reader), endpoint: endpoint, version: try reader.text("version"))]
        if let shadow = try reader.map("shadow") {
            models.append(
                Model(
                    name: try Self.model(shadow), endpoint: try Self.endpoint(shadow) ?? endpoint,
                    version: try shadow.text("version")))
            if let wait = try shadow.duration("wait") { policy.shadowWait = .microseconds(wait) }
        }
        self.policy = policy
        self.models = models
        lanes = models.enumerated().map { CallLane(name: $0.element.name, isShadow: $0.offset > 0) }
        token = try WebhookTarget.variable(reader, "token")
        healthPath = try reader.text("health")
        if let healthPath, !healthPath.utf8.starts(with: "/".utf8) || !Self.isPlain(healthPath) {
            throw reader.fault("health", "a path such as /health")
        }
        topic = try reader.text("to")
    }

    private static func model(_ reader: SettingsReader) throws(TopologyFaults) -> String {
        guard let name = try reader.text("model"), ModelTask.isName(name) else {
            throw reader.fault("model", ModelTask.nameRule)
        }
        return name
    }

    /// Without the slashes at its end; nil where there is none.
    private static func endpoint(_ reader: SettingsReader) throws(TopologyFaults) -> String? {
        guard let text = try reader.text("endpoint") else { return nil }
        let scheme = ["http://", "https://"].first { text.lowercased().utf8.starts(with: $0.utf8) }
        guard let scheme, text.utf8.count > scheme.utf8.count, isPlain(text),
            text.utf8.dropFirst(scheme.utf8.count).first != UInt8(ascii: "/")
        else { throw reader.fault("endpoint", "an address such as http://host:8000, without `?` and `#`") }
        guard !text.utf8.dropFirst(scheme.utf8.count).prefix(while: { $0 != UInt8(ascii: "/") }).contains(0x40) else {
            // What stands before the @ may be a password: it is not repeated.
            throw reader.fault(
                at: reader.value("endpoint")?.mark ?? reader.mark,
                "\(reader.path).endpoint: expected an address without a user and a password in it; `token` names a variable"
            )
        }
        var bytes = Array(text.utf8)
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Nothing in it that ends a path or a line.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.count <= 1024
            && text.utf8.allSatisfy {
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
            }
    }

    // MARK: Questions

    public func read(_ record: CallRecord) -> CallIntake {
        let key = record.key.flatMap { try? ThingID(validating: String(decoding: $0, as: UTF8.self)) }
        guard let bytes = record.value else { return .skip }
        let value: JSONValue
        do throws(JSONError) { value = try parser.parse(bytes) } catch {
            return .refused(CallFault("json", error.message), key)
        }
        func refuse(_ message: String) -> CallIntake { .refused(CallFault("question", message), key) }
        guard let question = value.object else { return refuse("a question is an object") }
        guard let text = question["thingId"]?.string, let thing = try? ThingID(validating: text) else {
            return refuse("thingId is missing, or no thing id")
        }
        guard let task = question["task"]?.string, ModelTask.isName(task) else {
            return refuse("task is missing, or no name")
        }
        guard question["features"]?.object != nil else { return refuse("features is missing, or no object") }
        guard question["metadata"]?.object != nil else { return refuse("metadata is missing, or no object") }
        guard let model = question["model"]?.string, model.utf8.elementsEqual(models[0].name.utf8) else {
            return .refused(
                CallFault(
                    "model", "the question is for another model than `\(models[0].name)`, which this caller asks"),
                thing)
        }
        return .call(CallQuestion(thing: thing, payload: value, size: bytes.count + 64))
    }

    public func request(_ items: [CallItem], lane: Int, tools: CallTools) -> CallRequest {
        let model = models[lane]
        let questions = items.map { (id: $0.record.id, question: $0.question.payload.object ?? JSONObject()) }
        let key = Self.key(model: model.name, ids: questions.map(\.id))
        let task = questions.first?.question["task"]?.string ?? ""
        var headers: [CallRequest.Header] = [
            .init("Content-Type", "application/json"), .init("Accept", "application/json"),
            .init("Idempotency-Key", "\(task):\(key.prefix(32))"),
            .init("traceparent", Self.trace(items.first?.record.header("traceparent"), key)),
            .init("Deadline", tools.now.advanced(byMicroseconds: Self.microseconds(policy.timeout)).text),
        ]
        headers += authorization(tools)
        var request = CallRequest(
            url: speech.url(model.endpoint, model: model.name), headers: headers,
            body: speech.body(questions, model: model.name, version: model.version), policy: policy)
        if let token, authorization(tools).isEmpty {
            // Without it the answer would be 401, and each question a dead letter.
            request.problem =
                "the environment variable \(token) with the token is not set; set it and start the worker again"
        }
        return request
    }

    public func health(lane: Int, tools: CallTools) -> CallRequest? {
        let model = models[lane]
        var request = CallRequest(
            url: model.endpoint + (healthPath ?? speech.healthPath(model: model.name)),
            headers: [CallRequest.Header("Accept", "*/*")] + authorization(tools), body: [], policy: policy)
        request.method = "GET"
        return request
    }

    private func authorization(_ tools: CallTools) -> [CallRequest.Header] {
        guard let token, let secret = tools.environment(token), !secret.utf8.isEmpty else { return [] }
        return [.init("Authorization", "Bearer \(secret)")]
    }

    /// 64 hex digits; the same for the same questions in the same order (Schemas/ml-ids.md).
    static func key(model: String, ids: [String]) -> String {
        var text = Array(model.utf8) + [0x0A]
        for id in ids { text += Array(id.utf8) + [0x0A] }
        return SHA256.hash(text).hex
    }

    /// W3C Trace Context: a span of the trace that the question came with, or of one of its own.
    private static func trace(_ parent: String?, _ key: String) -> String {
        let parts = (parent ?? "").split(separator: "-", omittingEmptySubsequences: false)
        let isTrace =
            parts.count == 4 && parts[0] == "00" && parts[1].utf8.count == 32
            && parts[1].utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        return "00-\(isTrace ? String(parts[1]) : String(key.prefix(32)))-\(key.suffix(16))-01"
    }

    static func microseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }

    // MARK: Answers

    public func verdict(on response: CallResponse, to items: [CallItem], lane: Int) -> CallVerdict {
        guard (200..<300).contains(response.status) else {
            return Prediction.verdict(ofStatus: response, parser: parser)
        }
        let ids = items.map(\.record.id)
        let predictions: [JSONValue]
        let version: String?
        do throws(CallFault) {
            (predictions, version) = try speech.predictions(response, ids: ids, parser: parser)
        } catch {
            return .faulty(error, splits: true)
        }
        if let expected = models[lane].version, let version, !Self.isVersion(version, expected) {
            return .faulty(
                CallFault(
                    "model-version",
                    "the answer is of version \(version.prefix(64)), and \(expected) is counted on (`version`)"),
                splits: false)
        }
        return .answered(
            predictions.map { value -> CallAnswer in
                do throws(CallFault) {
                    var answer = JSONObject()
                    answer["prediction"] = .object(try Prediction.read(value))
                    answer["version"] = version.map { .string($0) } ?? .null
                    return .value(.object(answer))
                } catch {
                    return .failed(error)
                }
            })
    }

    /// `1.0.0` is also said of `1.0.0+322a9e11`.
    private static func isVersion(_ version: String, _ expected: String) -> Bool {
        version.utf8.elementsEqual(expected.utf8) || version.utf8.starts(with: "\(expected)+".utf8)
    }
}
