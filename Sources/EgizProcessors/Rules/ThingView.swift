import EgizCore
import EgizTwin

/// A thing as expressions see it at one moment.
struct ThingView {
    let thing: ThingID
    let twin: Twin?
    let revision: Int64
    let time: EventTime
    /// Nil where a timer looks.
    private let paths: PathTable?

    init(_ change: borrowing TwinChange) {
        (thing, twin, revision, time) = (change.thing, change.twin, change.revision, change.time)
        paths = change.paths
    }

    init(_ tick: TimerTick) {
        (thing, twin, revision, time) = (tick.thing, tick.twin, tick.twin?.revision ?? 0, tick.due)
        paths = nil
    }

    /// What the expression reads at a place among its inputs.
    func read(_ expression: Expression, _ place: Int) -> ExpressionValue {
        if let paths, let twin, let leaf = expression.places[place] {
            return ExpressionValue(twin.scalar(at: leaf, in: paths))
        }
        return read(expression.inputs[place])
    }

    private func read(_ input: ExpressionInput) -> ExpressionValue {
        switch input {
        case .path(let segments): ExpressionValue(twin?.value(at: segments))
        case .thingID: .text(thing.text)
        case .namespace: .text(thing.namespace)
        case .name: .text(thing.name)
        case .revision: .number(Double(revision))
        case .time: .number(Double(time.microseconds) / 1_000_000)
        case .value: .missing
        }
    }

    func evaluate(_ expression: Expression) -> ExpressionValue {
        expression.evaluate { read(expression, $0) }
    }

    func text(_ template: TextTemplate) -> String {
        template.text { read(template.expressions[$0], $1) }
    }
}
