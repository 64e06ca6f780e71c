import EgizCore

/// What of an object a binding sets, and which values that takes.
struct SceneTarget: Sendable {
    private enum Kind: Sendable { case color, opacity, visibility, text, vector, scale, animation, property }

    static let words = [
        "color", "emissive", "opacity", "visibility", "text", "position", "rotation", "scale", "animation",
    ]

    let name: String
    private let kind: Kind

    /// Nil where the text is neither a known target nor a property with a dot in it, such as `material.roughness`.
    init?(_ name: String) {
        self.name = name
        switch name {
        case "color", "emissive": kind = .color
        case "opacity": kind = .opacity
        case "visibility": kind = .visibility
        case "text": kind = .text
        case "position", "rotation": kind = .vector
        case "scale": kind = .scale
        case "animation": kind = .animation
        default:
            let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard parts.count > 1, !parts.contains(where: \.isEmpty), name.utf8.count <= 256 else { return nil }
            kind = .property
        }
    }

    /// What it takes, for messages.
    var expected: String {
        switch kind {
        case .color: "a colour such as \"#ff8800\" or \"red\""
        case .opacity: "a number from 0 to 1"
        case .visibility: "true or false"
        case .text: "a text, a number, true or false"
        case .vector: "a list of three numbers"
        case .scale: "a number or a list of three numbers"
        case .animation: "a text, a number, true or false"
        case .property: "a text, a number, true, false or a list of numbers"
        }
    }

    var isColor: Bool { kind == .color }

    /// The value in the form in which it is written; nil where the target does not take it.
    func fit(_ value: SceneValue) -> SceneValue? {
        switch (kind, value) {
        case (.color, .text(let text)): return SceneColor(text).map { .text($0.text) }
        case (.opacity, .number(let number)): return (0...1).contains(number) ? value : nil
        case (.visibility, .boolean): return value
        case (.text, .text): return value
        case (.text, .number(let number)): return .text(DecimalText.shortest(number))
        case (.text, .boolean(let flag)): return .text(flag ? "true" : "false")
        case (.vector, .vector(let numbers)), (.scale, .vector(let numbers)): return numbers.count == 3 ? value : nil
        case (.scale, .number): return value
        case (.animation, .vector): return nil
        case (.animation, _), (.property, _): return value
        default: return nil
        }
    }
}
