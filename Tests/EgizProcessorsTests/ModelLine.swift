import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin

/// A line with a fan-out, a caller and a writer of the task `t`, their settings written as JSON, and a model in memory.
struct ModelLine {
    static let fanOut =
        #"{"task":"t","model":"m","features":[{"name":"x","path":"features.f.x"}],"writeTo":"/features/ml"}"#
    static let caller = #"{"endpoint":"http://model","model":"m"}"#
    static let writer = #"{"write":[{"task":"t","writeTo":"/features/ml","to":"events"}]}"#

    let driver: TopologyDriver
    let endpoint: MemoryEndpoint

    init(
        fanOut: String = fanOut, caller: String = caller, writer: String = writer,
        epochs: TopologyDriver.Epochs = .eachRecord, alerts: String? = nil, store: MemoryStore = MemoryStore(),
        endpoint: MemoryEndpoint? = nil
    ) throws {
        // Twice x, an anomaly from 10 on.
        let model =
            endpoint
            ?? MemoryEndpoint.model { features in
                var answer = JSONObject()
                guard case .int(let x)? = features["x"] else { return .string("no x") }
                answer["score"] = .int(2 * x)
                answer["label"] = .string(x < 10 ? "ok" : "anomaly")
                return .object(answer)
            }
        self.endpoint = model
        driver = TopologyDriver(
            topology: .testingModels(
                fanOut: try RuleLine.settings(fanOut), caller: try RuleLine.settings(caller),
                writer: try RuleLine.settings(writer),
                further: try alerts.map { [try RuleLine.definition("alert-rule", $0)] } ?? []),
            registry: .builtin, epochs: epochs, store: store, endpoint: model,
            environment: ["EGIZ_TEST_SECRET": "secret"])
    }

    /// A record of features of `f`, as JSON members, at a second.
    func send(_ second: Double, _ members: String, thing: String = "t:a") throws {
        let milliseconds = Int64(second * 1000)
        try driver.send(
            "events", key: thing,
            value: #"{"thingId":"\#(thing)","timestamp":\#(milliseconds),"features":{"f":{\#(members)}}}"#,
            at: EventTime(microseconds: milliseconds * 1000))
    }

    func emitted(_ topic: String) -> [JSONObject] {
        checkMessages(driver)
        return driver.emitted.filter { $0.topic == topic }.compactMap { record in
            record.value.flatMap { try? JSONParser().parse($0).object }
        }
    }

    var questions: [JSONObject] { emitted("ml.input.v1.t") }
    var answers: [JSONObject] { emitted("ml.output.v1.t") }

    /// `thing model score label`, with `!code` for an error.
    var predictions: [String] {
        driver.store.allPredictions.map { row in
            let error = row.error.flatMap { try? JSONParser().parse(Array($0.utf8)).object?["code"]?.string }
            return
                "\(row.key.thing) \(row.key.model)\(row.key.isShadow ? "~" : "") \(error.map { "!\($0)" } ?? "\(row.score ?? .nan) \(row.label ?? "-")")"
        }
    }

    func count(_ name: String) -> Int64 { driver.counters[name] ?? 0 }

    func features(_ place: Int = 0) -> JSONValue? {
        questions.indices.contains(place) ? questions[place]["features"] : nil
    }
}

/// JSON as a value, for comparisons.
func json(_ text: String) throws -> JSONValue { try JSONParser().parse(Array(text.utf8)) }
