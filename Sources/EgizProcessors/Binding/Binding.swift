import EgizCore
import EgizTwin

/// One binding: what of a thing sets which property of which object of its 3D model.
final class Binding: Sendable {
    static let fields: [KindField] =
        [
            KindField("objectName", .node, required: true, "The object of the model."),
            KindField(
                "target", .string, required: true,
                "What of it: `color`, `emissive`, `opacity`, `visibility`, `text`, `position`, `rotation`, `scale`, `animation`, or any property with a dot in it, such as `position.y`."
            ),
            KindField(
                "path", .path,
                "The path that it shows, such as `features.filler.temperature`, or as a JSON pointer."),
            KindField(
                "expression", .expression(allowsValue: true),
                "A calculation in place of the path's value, which it calls `value`; may stand without `path`."),
        ] + SceneMapping.fields + [
            KindField(
                "default", .value,
                "What the property is where the path is missing or its value fails; without it the property is not set."
            )
        ] + TwinSelector.fields

    let object: String
    let target: SceneTarget
    let selector: TwinSelector
    /// The expression that `path` names; nil: none.
    let path: Expression?
    let expression: Expression?
    let mapping: SceneMapping
    let fallback: SceneValue?

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        guard let object = try reader.text("objectName"), !object.utf8.isEmpty, object.utf8.count <= 256 else {
            throw reader.fault("objectName", "a name of 1 to 256 bytes")
        }
        guard let name = try reader.text("target") else { throw reader.fault("target", "a text") }
        guard let target = SceneTarget(name) else {
            let hint = NearestWord.find(name, among: SceneTarget.words).map { "; did you mean `\($0)`?" } ?? ""
            throw reader.fault(
                "target",
                "\(SceneTarget.words.map { "`\($0)`" }.joined(separator: ", ")) or a property with a dot in it\(hint)")
        }
        self.object = object
        self.target = target
        selector = try TwinSelector(reader)
        path = try reader.path("path")
        expression = try reader.expression("expression", allowsValue: true)
        if let expression, path == nil, expression.inputs.contains(.value) {
            throw reader.fault(
                at: reader.value("expression")?.mark ?? reader.mark,
                "\(reader.path).expression: `value` is the value of `path`, which is missing")
        }
        guard path != nil || expression != nil else {
            throw reader.fault(
                at: reader.mark, "\(reader.path): found neither `path` nor `expression`, expected one of them, or both")
        }
        mapping = try SceneMapping(reader, target)
        fallback = try reader.value("default").map { config throws(TopologyFaults) in
            try SceneMapping.value(config, target, "\(reader.path).default")
        }
    }

    /// Every path that it reads, in `format` too, and whether it reads what changes with every event.
    var reads: (paths: [[String]], always: Bool) {
        var expressions = [path, expression].compactMap { $0 }
        if case .format(let template, _) = mapping { expressions += template.expressions }
        return (expressions.flatMap(\.paths), expressions.contains { $0.inputs.contains(where: \.changesAlways) })
    }

    struct Outcome {
        /// Nil: the property is not set.
        var value: SceneValue?
        var isFailed = false
    }

    /// What the property is now.
    ///
    /// - Parameter step: the step of `steps` that counts; -1 where none does, also without a number.
    func evaluate(_ view: ThingView, step: inout Int) -> Outcome {
        if view.isGone { return unset(nil, &step) }
        var value = ExpressionValue.missing
        if let path { value = view.evaluate(path) }
        if let expression {
            let bound = value
            value = expression.evaluate { place in
                place == expression.valuePlace ? bound : view.read(expression, place)
            }
        }
        switch value {
        case .missing: return unset(fallback, &step)
        case .failed: return unset(fallback, &step, isFailed: true)
        case .null:
            guard case .map = mapping else { return unset(fallback, &step) }
        default: break
        }
        switch mapping.apply(value, step: &step, view) {
        case .unmapped: return Outcome(value: fallback)
        case .failed: return unset(fallback, &step, isFailed: true)
        case .value(let mapped):
            guard let fit = target.fit(mapped), !fit.isTooLong else {
                return unset(fallback, &step, isFailed: true)
            }
            return Outcome(value: fit)
        }
    }

    private func unset(_ value: SceneValue?, _ step: inout Int, isFailed: Bool = false) -> Outcome {
        step = -1
        return Outcome(value: value, isFailed: isFailed)
    }
}
