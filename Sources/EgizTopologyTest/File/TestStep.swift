import EgizCore
import EgizRuntime
import EgizTesting
import EgizTwin

/// One step of a test.
struct TestStep: Sendable {
    enum Action: Sendable {
        case given([GivenRecord])
        case advance(Duration)
        case moveTo(EventTime)
        case fault(TestFault)
        case model(ModelAnswers)
        case types(GivenTypes)
        case commit
        case redrive(RedriveBatch.Action, ThingID?)
        case edit(LetterEdit)
        case alert(AlertAction)
        case expect(Expectation)
    }

    var mark: SourceMark
    var action: Action
}

/// What goes wrong.
enum TestFault: Sendable {
    case crash
    case rebalance
    /// So many commits find Postgres away.
    case postgresAway(Int)
    /// The answers of so many commits are lost.
    case answerLost(Int)
    /// Postgres refuses every epoch with a sample of this text.
    case dataError(String)
    /// A record that is no JSON, in this topic or in the first of each source.
    case badJSON(topic: String?)
    /// The next call of a model is answered with this status.
    case modelStatus(Int)
    /// So many calls find nobody, or get no answer in time.
    case modelAway(Int)
    case modelSlow(Int)
    /// The next call of a model is answered with this text.
    case modelText(String)
    /// The same of deliveries of webhooks.
    case receiverStatus(Int)
    case receiverAway(Int)
    case receiverSlow(Int)
}

/// What models answer from now on.
struct ModelAnswers: Sendable {
    var version: String
    /// Never empty.
    var answers: [JSONValue]
}

/// What the registry says of types of twins, and of things that are registered.
struct GivenTypes: Sendable {
    /// Type to parent.
    var parents: [String: String] = [:]
    var schemas: [RuleRegistry.Schema] = []
    var alertRules: [RuleRegistry.AlertRule] = []
    /// Thing to type.
    var things: [String: String] = [:]
}

/// Somebody acknowledges or clears an alert.
struct AlertAction: Sendable {
    var action: String
    var processor: String
    var thing: ThingID
    var key: String
    var by: String?
}

/// Somebody mends a dead letter.
struct LetterEdit: Sendable {
    var topic: String
    var partition: Int32?
    var offset: Int64
    var value: RecordValue
}
