/// An expression compiled for a backtracking machine.
struct RegexProgram {
    enum Instruction {
        case set(RegexSet)
        /// Repeats one set without unrolling; `max` nil is unbounded.
        case run(RegexSet, min: Int, max: Int?, RegexNode.Mode)
        /// Tries `first`, later `second`.
        case split(first: Int, second: Int)
        case jump(Int)
        /// Stores the position in a register.
        case save(Int)
        /// Jumps if nothing was consumed since the register was saved: loops of nothing end.
        case leaveIfEmpty(register: Int, to: Int)
        case backreference(Int, ignoresCase: Bool)
        case assert(RegexNode.Assertion)
        /// The inner program follows and ends in `accept`; `next` is behind it. `behind`: its lengths.
        case look(negated: Bool, behind: (min: Int, max: Int)?, next: Int)
        case atomic(next: Int)
        case accept
    }

    private(set) var instructions: [Instruction] = []
    /// Two for each group, then those of loops.
    private(set) var registers: Int

    init(_ node: RegexNode, groups: Int) throws(JavaRegexError) {
        registers = (groups + 1) * 2
        try emit(node)
        try append(.accept)
    }

    private mutating func append(_ instruction: Instruction) throws(JavaRegexError) {
        guard instructions.count < JavaRegex.maxInstructions else {
            throw JavaRegexError(message: "too large: its repetitions of groups multiply")
        }
        instructions.append(instruction)
    }

    private mutating func emit(_ node: RegexNode) throws(JavaRegexError) {
        switch node {
        case .empty: break
        case .set(let set): try append(.set(set))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .alternation(let nodes): try emitAlternation(nodes)
        case .repetition(let node, let min, let max, let mode): try emitRepetition(node, min, max, mode)
        case .capture(let node, let group):
            try append(.save(group * 2))
            try emit(node)
            try append(.save(group * 2 + 1))
        case .backreference(let group, let ignoresCase): try append(.backreference(group, ignoresCase: ignoresCase))
        case .assertion(let assertion): try append(.assert(assertion))
        case .look(let node, let ahead, let negated):
            let start = instructions.count
            try append(.accept)
            try emit(node)
            try append(.accept)
            let length = node.length
            instructions[start] = .look(
                negated: negated, behind: ahead ? nil : (length.min, length.max ?? length.min), next: instructions.count
            )
        case .atomic(let node): try emitAtomic { program throws(JavaRegexError) in try program.emit(node) }
        }
    }

    private mutating func emitAtomic(
        _ body: (inout RegexProgram) throws(JavaRegexError) -> Void
    ) throws(JavaRegexError) {
        let start = instructions.count
        try append(.accept)
        try body(&self)
        try append(.accept)
        instructions[start] = .atomic(next: instructions.count)
    }

    private mutating func emitAlternation(_ nodes: [RegexNode]) throws(JavaRegexError) {
        var jumps: [Int] = []
        for (index, node) in nodes.enumerated() {
            guard index < nodes.count - 1 else {
                try emit(node)
                break
            }
            let split = instructions.count
            try append(.accept)
            try emit(node)
            jumps.append(instructions.count)
            try append(.accept)
            instructions[split] = .split(first: split + 1, second: instructions.count)
        }
        for jump in jumps { instructions[jump] = .jump(instructions.count) }
    }

    private mutating func emitRepetition(
        _ node: RegexNode, _ min: Int, _ max: Int?, _ mode: RegexNode.Mode
    ) throws(JavaRegexError) {
        if case .set(let set) = node { return try append(.run(set, min: min, max: max, mode)) }
        // A repetition of nothing is nothing.
        if case .empty = node { return }
        if mode == .possessive {
            return try emitAtomic { program throws(JavaRegexError) in
                try program.emitRepetition(node, min, max, .greedy)
            }
        }
        for _ in 0..<min {
            let before = instructions.count
            try emit(node)
            // What compiles to nothing may be repeated two billion times.
            if instructions.count == before { return }
        }
        guard let max else { return try emitLoop(node, isLazy: mode == .lazy) }
        var splits: [Int] = []
        for _ in min..<Swift.max(min, max) {
            splits.append(instructions.count)
            try append(.accept)
            try emit(node)
        }
        let end = instructions.count
        for split in splits {
            instructions[split] =
                mode == .lazy ? .split(first: end, second: split + 1) : .split(first: split + 1, second: end)
        }
    }

    private mutating func emitLoop(_ node: RegexNode, isLazy: Bool) throws(JavaRegexError) {
        let register = registers
        registers += 1
        let split = instructions.count
        try append(.accept)
        try append(.save(register))
        try emit(node)
        let leave = instructions.count
        try append(.accept)
        try append(.jump(split))
        let end = instructions.count
        instructions[leave] = .leaveIfEmpty(register: register, to: end)
        instructions[split] = isLazy ? .split(first: end, second: split + 1) : .split(first: split + 1, second: end)
    }
}
