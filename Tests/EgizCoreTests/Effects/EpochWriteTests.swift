import EgizTwin
import Testing

@testable import EgizCore

@Suite struct EpochWriteTests {
    private let home = TaskID(stage: StageName(topology: "t", source: "s"), partition: 0)

    private func time(_ second: Int64) -> EventTime { EventTime(microseconds: second * 1_000_000) }

    /// Concurrent workers lock rows in one order (rule 1).
    @Test func rowsComeIntoTheOrderInWhichEveryWorkerLocksThem() throws {
        let things = try ["t:a", "t:b"].map { try ThingID(validating: $0) }
        let write = EpochWrite(tasks: [], columns: [], twins: [], deadLetters: [])
        for thing in things.reversed() {
            write.twins.append(
                TwinRow(
                    snapshot: Twin(thing: thing).snapshot(), home: home,
                    position: InputPosition(topic: "events", partition: 0, offset: 0)))
            for word in ["z", "y"] {
                write.states.append(StateRow(home: home, processor: word, thing: thing, version: 1, bytes: nil))
                for target in ["q", "p"] {
                    write.scenes.append(
                        SceneRow(
                            home: home, processor: "scene", thing: thing, object: word, target: target, value: nil, revision: 1,
                            time: time(0), cause: nil))
                }
                for second in [2, 1] as [Int64] {
                    write.alerts.append(
                        AlertRow(
                            home: home, processor: "p", thing: thing, key: word, rule: "r", severity: .info,
                            state: .raised, message: "", raisedAt: time(second), updatedAt: time(second),
                            acknowledgedAt: nil, acknowledgedBy: nil, clearedAt: nil, revision: 1, cause: nil))
                }
            }
        }
        write.sortRows()
        #expect(write.twins.map(\.snapshot.thing) == things)
        #expect(write.states.map { "\($0.processor) \($0.thing)" } == ["y t:a", "y t:b", "z t:a", "z t:b"])
        #expect(
            write.scenes.map { "\($0.thing) \($0.object) \($0.target)" }
                == ["t:a", "t:b"].flatMap { thing in ["y p", "y q", "z p", "z q"].map { "\(thing) \($0)" } })
        #expect(
            write.alerts.map { "\($0.thing) \($0.key) \($0.raisedAt.microseconds / 1_000_000)" }
                == ["t:a", "t:b"].flatMap { thing in ["y 1", "y 2", "z 1", "z 2"].map { "\(thing) \($0)" } })
    }
}
