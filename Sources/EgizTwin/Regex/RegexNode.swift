/// The syntax tree of an expression.
indirect enum RegexNode {
    enum Mode { case greedy, lazy, possessive }

    enum Assertion {
        case inputStart
        case inputEnd
        /// At the end, or before a line terminator that is the last thing in the text.
        case beforeFinalTerminator(unixLines: Bool)
        case lineStart(unixLines: Bool)
        case lineEnd(unixLines: Bool)
        case wordBoundary(negated: Bool, unicode: Bool)
    }

    case empty
    case set(RegexSet)
    case sequence([RegexNode])
    case alternation([RegexNode])
    case repetition(RegexNode, min: Int, max: Int?, Mode)
    case capture(RegexNode, Int)
    case backreference(Int, ignoresCase: Bool)
    case assertion(Assertion)
    case look(RegexNode, ahead: Bool, negated: Bool)
    case atomic(RegexNode)

    /// The least and the most code points it can match; nil is unbounded. Backreferences count as unbounded.
    var length: (min: Int, max: Int?) {
        switch self {
        case .empty, .assertion, .look: return (0, 0)
        case .set: return (1, 1)
        case .sequence(let nodes):
            return nodes.reduce((0, 0)) { sum, node in
                let next = node.length
                return (Self.add(sum.0, next.min), sum.1.flatMap { a in next.max.map { Self.add(a, $0) } })
            }
        case .alternation(let nodes):
            return nodes.dropFirst().reduce(nodes.first?.length ?? (0, 0)) { best, node in
                let next = node.length
                return (Swift.min(best.min, next.min), best.max.flatMap { a in next.max.map { Swift.max(a, $0) } })
            }
        case .repetition(let node, let min, let max, _):
            let one = node.length
            let most = one.max.flatMap { a in max.map { Self.multiply(a, $0) } }
            return (Self.multiply(one.min, min), most)
        case .capture(let node, _), .atomic(let node): return node.length
        case .backreference: return (0, nil)
        }
    }

    private static func add(_ a: Int, _ b: Int) -> Int {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : sum
    }

    private static func multiply(_ a: Int, _ b: Int) -> Int {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? .max : product
    }
}
