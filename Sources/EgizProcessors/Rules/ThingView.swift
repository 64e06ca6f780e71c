import EgizCore
import EgizTwin

/// A thing as expressions see it at one moment: while the change or tick that it is made of is being processed, and no longer. It is
/// handed around for each rule, so it counts no references of what that change holds anyway.
struct ThingView {
    let thing: ThingID
    let revision: Int64
    let time: EventTime
    /// The thing is known to be no more, or not yet.
    let isGone: Bool
    private let heldTwin: Unmanaged<Twin>?
    /// Nil where a timer looks.
    private let heldPaths: Unmanaged<PathTable>?

    init(_ change: borrowing TwinChange) {
        (thing, revision, time) = (change.thing, change.revision, change.time)
        isGone = change.twin?.isAlive == false
        heldTwin = change.twin.map(Unmanaged.passUnretained)
        heldPaths = Unmanaged.passUnretained(change.paths)
    }

    init(_ tick: TimerTick) {
        (thing, revision, time) = (tick.thing, tick.twin?.revision ?? 0, tick.due)
        isGone = tick.twin?.isAlive == false
        heldTwin = tick.twin.map(Unmanaged.passUnretained)
        heldPaths = nil
    }

    var twin: Twin? { heldTwin?.takeUnretainedValue() }

    /// What the expression reads at a place among its inputs.
    func read(_ expression: Expression, _ place: Int) -> ExpressionValue {
        if let heldPaths, let heldTwin, let leaf = expression.places[place] {
            return heldTwin._withUnsafeGuaranteedRef { twin in
                heldPaths._withUnsafeGuaranteedRef { paths in ExpressionValue(twin.scalar(at: leaf, in: paths)) }
            }
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
