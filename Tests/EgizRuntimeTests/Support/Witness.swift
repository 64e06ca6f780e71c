import EgizCore
import EgizProcessors
import EgizTwin
import Foundation
import Synchronization

/// Looks, whenever it is called, whether the crash guard says that something is under way.
final class Witness: StatefulProcessor {
    /// What it saw, and what its rules are; shared with the test.
    final class Notes: Sendable {
        private let seen = Mutex<[String: [Bool]]>([:])
        private let rules = Mutex<UInt64>(1)
        let folder: String

        init(folder: String) { self.folder = folder }

        var fingerprint: UInt64 {
            get { rules.withLock { $0 } }
            set { rules.withLock { $0 = newValue } }
        }

        subscript(call: String) -> [Bool] { seen.withLock { $0[call] ?? [] } }

        func note(_ call: String) {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            let isGuarded = files.filter { $0.hasSuffix(".position") }.contains { file in
                let data = FileManager.default.contents(atPath: folder + "/" + file) ?? Data()
                return data.count > 8 && data[data.startIndex + 8] == 1
            }
            seen.withLock { $0[call, default: []].append(isGuarded) }
        }
    }

    final class Memory: ProcessorState {
        static let version: UInt8 = 1

        init() {}
        init(from reader: inout StateReader, version: UInt8) throws(StateFault) {}
        func encode(into writer: inout StateWriter) {}
        func copy() -> Memory { Memory() }
        var isEmpty: Bool { true }
    }

    typealias State = Memory

    static let spec = KindSpec(
        kind: "witness", summary: "", input: .changes, output: .none, projections: [], fields: [], example: "")

    private let notes: Notes

    init(_ notes: Notes) { self.notes = notes }
    init(_ definition: ProcessorDefinition) throws(TopologyFaults) { notes = Notes(folder: "/nowhere") }

    var rulesFingerprint: UInt64 { notes.fingerprint }

    /// The timer becomes due by the clock alone, some milliseconds later.
    func process(_ change: borrowing TwinChange, state: Memory, into effects: inout RecordEffects) throws(RecordFault) {
        notes.note("record")
        effects.setTimer(at: change.streamTime.advanced(byMicroseconds: 1000))
    }

    func tick(_ tick: TimerTick, state: Memory, into effects: inout RecordEffects) { notes.note("tick") }

    func review(_ change: borrowing TwinChange, state: Memory, into effects: inout RecordEffects) {
        notes.note("review")
    }

    func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, state: Memory, into effects: inout RecordEffects
    ) {
        notes.note("message")
    }
}
