/// The backtracking machine. Its stack is on the heap, so that no text can overflow the thread's; only look-arounds and
/// atomic groups recurse, as deep as the expression nests.
struct RegexMatcher {
    private enum Frame {
        case branch(instruction: Int, position: Int)
        /// A run of one set may give back, down to `low`, or take, up to `high`.
        case giveBack(instruction: Int, low: Int, position: Int)
        case takeMore(instruction: Int, set: RegexSet, position: Int, high: Int)
        case restore(register: Int, old: Int)
    }

    private let program: RegexProgram
    private let text: [UInt32]
    private var registers: [Int]
    private var stack: [Frame] = []
    /// Steps left.
    private(set) var budget: Int

    init(program: RegexProgram, text: [UInt32], budget: Int) {
        self.program = program
        self.text = text
        self.budget = budget
        registers = Array(repeating: -1, count: program.registers)
    }

    mutating func matchesWhole() throws(JavaRegexError) -> Bool {
        try run(from: 0, at: 0, endingAt: text.count) != nil
    }

    private mutating func step(_ count: Int = 1) throws(JavaRegexError) {
        budget -= count
        guard budget >= 0 else { throw JavaRegexError(message: "too many steps") }
    }

    /// Runs until `accept`, at `end` where one is given. Nil: no match, and everything is as it was.
    private mutating func run(from start: Int, at position: Int, endingAt end: Int?) throws(JavaRegexError) -> Int? {
        let base = stack.count
        var instruction = start
        var position = position
        while true {
            try step()
            var fails = false
            switch program.instructions[instruction] {
            case .set(let set):
                if position < text.count, set.contains(text[position]) {
                    position += 1
                    instruction += 1
                } else {
                    fails = true
                }
            case .run(let set, let min, let max, let mode):
                if let reached = try runSet(set, min, max, mode, position, next: instruction + 1) {
                    position = reached
                    instruction += 1
                } else {
                    fails = true
                }
            case .split(let first, let second):
                stack.append(.branch(instruction: second, position: position))
                instruction = first
            case .jump(let target): instruction = target
            case .save(let register):
                stack.append(.restore(register: register, old: registers[register]))
                registers[register] = position
                instruction += 1
            case .leaveIfEmpty(let register, let target):
                instruction = registers[register] == position ? target : instruction + 1
            case .backreference(let group, let ignoresCase):
                if let reached = try matchGroup(group, ignoresCase, position) {
                    position = reached
                    instruction += 1
                } else {
                    fails = true
                }
            case .assert(let assertion):
                if holds(assertion, position) { instruction += 1 } else { fails = true }
            case .look(let negated, let behind, let next):
                if try look(instruction + 1, position, behind, negated: negated) != negated {
                    instruction = next
                } else {
                    fails = true
                }
            case .atomic(let next):
                let inner = stack.count
                if let reached = try run(from: instruction + 1, at: position, endingAt: nil) {
                    forgetBranches(above: inner)
                    position = reached
                    instruction = next
                } else {
                    fails = true
                }
            case .accept:
                if end == nil || end == position { return position }
                fails = true
            }
            if fails {
                guard let resumed = try backtrack(to: base) else { return nil }
                (instruction, position) = resumed
            }
        }
    }

    /// The place to go on after a failure; nil when there is none above `base`.
    private mutating func backtrack(to base: Int) throws(JavaRegexError) -> (Int, Int)? {
        while stack.count > base, let frame = stack.popLast() {
            try step()
            switch frame {
            case .branch(let instruction, let position): return (instruction, position)
            case .giveBack(let instruction, let low, let position):
                guard position > low else { continue }
                if position - 1 > low {
                    stack.append(.giveBack(instruction: instruction, low: low, position: position - 1))
                }
                return (instruction, position - 1)
            case .takeMore(let instruction, let set, let position, let high):
                guard position < high, set.contains(text[position]) else { continue }
                stack.append(.takeMore(instruction: instruction, set: set, position: position + 1, high: high))
                return (instruction, position + 1)
            case .restore(let register, let old): registers[register] = old
            }
        }
        return nil
    }

    private mutating func runSet(
        _ set: RegexSet, _ min: Int, _ max: Int?, _ mode: RegexNode.Mode, _ start: Int, next: Int
    ) throws(JavaRegexError) -> Int? {
        let high = max.map { $0 < text.count - start ? start + $0 : text.count } ?? text.count
        guard min <= text.count - start else { return nil }
        let low = start + min
        var position = start
        let goal = mode == .lazy ? low : high
        while position < goal, set.contains(text[position]) { position += 1 }
        try step(position - start)
        guard position >= low else { return nil }
        switch mode {
        case .greedy: if position > low { stack.append(.giveBack(instruction: next, low: low, position: position)) }
        case .lazy:
            if position < high { stack.append(.takeMore(instruction: next, set: set, position: position, high: high)) }
        case .possessive: break
        }
        return position
    }

    private mutating func matchGroup(
        _ group: Int, _ ignoresCase: Bool, _ position: Int
    ) throws(JavaRegexError) -> Int? {
        // A group that does not exist, or has not matched, never matches again.
        guard group * 2 + 1 < program.registers else { return nil }
        let start = registers[group * 2]
        let end = registers[group * 2 + 1]
        guard start >= 0, end >= start, text.count - position >= end - start else { return nil }
        try step(end - start)
        for offset in 0..<(end - start) {
            let a = text[start + offset]
            let b = text[position + offset]
            guard a == b || (ignoresCase && RegexSet.cases(of: a, unicode: false).contains(b)) else { return nil }
        }
        return position + end - start
    }

    private mutating func look(
        _ start: Int, _ position: Int, _ behind: (min: Int, max: Int)?, negated: Bool
    ) throws(JavaRegexError) -> Bool {
        let inner = stack.count
        guard let behind else {
            let found = try run(from: start, at: position, endingAt: nil) != nil
            if found { keepOrUndo(above: inner, keeps: !negated) }
            return found
        }
        guard behind.min <= position else { return false }
        for length in behind.min...Swift.min(Swift.max(behind.min, behind.max), position) {
            if try run(from: start, at: position - length, endingAt: position) != nil {
                keepOrUndo(above: inner, keeps: !negated)
                return true
            }
        }
        return false
    }

    private mutating func keepOrUndo(above base: Int, keeps: Bool) {
        if keeps { return forgetBranches(above: base) }
        while stack.count > base, let frame = stack.popLast() {
            if case .restore(let register, let old) = frame { registers[register] = old }
        }
    }

    /// What happened inside is final; only the registers can still be taken back.
    private mutating func forgetBranches(above base: Int) {
        var kept = base
        for index in base..<stack.count {
            guard case .restore = stack[index] else { continue }
            stack[kept] = stack[index]
            kept += 1
        }
        stack.removeLast(stack.count - kept)
    }

    // MARK: Assertions

    private func holds(_ assertion: RegexNode.Assertion, _ at: Int) -> Bool {
        switch assertion {
        case .inputStart: at == 0
        case .inputEnd: at == text.count
        case .beforeFinalTerminator(let unixLines): isBeforeFinalTerminator(at, unixLines)
        case .lineStart(let unixLines):
            at == 0 || (at < text.count && isTerminator(at - 1, unixLines) && !isInsidePair(at))
        case .lineEnd(let unixLines): at == text.count || (isTerminator(at, unixLines) && !isInsidePair(at))
        case .wordBoundary(let negated, let unicode): (isWord(at - 1, unicode) != isWord(at, unicode)) != negated
        }
    }

    private func isTerminator(_ index: Int, _ unixLines: Bool) -> Bool {
        let value = text[index]
        return value == 10 || (!unixLines && (value == 13 || value == 0x85 || value == 0x2028 || value == 0x2029))
    }

    private func isInsidePair(_ at: Int) -> Bool {
        at > 0 && at < text.count && text[at - 1] == 13 && text[at] == 10
    }

    private func isBeforeFinalTerminator(_ at: Int, _ unixLines: Bool) -> Bool {
        if at == text.count { return true }
        if at == text.count - 1 { return isTerminator(at, unixLines) && (unixLines || !isInsidePair(at)) }
        return !unixLines && at == text.count - 2 && text[at] == 13 && text[at + 1] == 10
    }

    private func isWord(_ index: Int, _ unicode: Bool) -> Bool {
        guard text.indices.contains(index) else { return false }
        return (unicode ? RegexSet.unicodeWord : RegexSet.word).contains(text[index])
    }
}
