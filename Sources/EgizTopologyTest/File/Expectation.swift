import EgizCore
import EgizTwin

/// What a test wants to find, section by section.
struct Expectation: Sendable {
    struct Section: Sendable {
        enum Subject: Sendable {
            case twin(ThingID)
            case samples(ThingID, path: String)
            case rollups
            case scene
            case alerts
            case predictions
            case emitted(topic: String)
            case delivered
            case deadLetters
            case counter(String)
            case parked
        }

        var mark: SourceMark
        var subject: Subject
        /// Nil: it must be absent.
        var value: JSONValue?
    }

    var sections: [Section]
    /// Maps may hold more members than are named.
    var partial: Bool
}

extension Expectation.Section.Subject {
    /// How a report names it.
    var text: String {
        switch self {
        case .twin(let thing): "twin \(thing)"
        case .samples(let thing, let path): "samples of \(thing) \(path)"
        case .rollups: "rollups"
        case .scene: "scene"
        case .alerts: "alerts"
        case .predictions: "predictions"
        case .emitted(let topic): "records emitted to \(topic)"
        case .delivered: "deliveries"
        case .deadLetters: "dead letters"
        case .counter(let name): "counter \(name)"
        case .parked: "parked things"
        }
    }

    /// The value is a list of rows, of which only the members named count.
    var isRows: Bool {
        switch self {
        case .samples, .rollups, .scene, .alerts, .predictions, .emitted, .delivered, .deadLetters: true
        case .twin, .counter, .parked: false
        }
    }
}
