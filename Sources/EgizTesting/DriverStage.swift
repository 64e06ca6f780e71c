import EgizCore
import EgizRuntime
import EgizTwin

/// One stage of a `TopologyDriver`, as one stream thread would run it.
final class DriverStage {
    let definition: StageDefinition
    let tables = StreamTables()
    var tasks: [Int32: DriverTask] = [:]
    /// The calls of the stage, where it is a caller's.
    let desk: CallDesk?

    init(_ definition: StageDefinition, desk: CallDesk?) {
        self.definition = definition
        self.desk = desk
    }

    var sortedTasks: [DriverTask] { tasks.sorted { $0.key < $1.key }.map(\.value) }

    func index(of topic: String) -> Int? { definition.source.topics.firstIndex { $0.name == topic } }
}

/// One task that a driver's stage owns, with what its open epoch has gathered beside the step.
final class DriverTask {
    let lease: TaskLease
    let step: PartitionStep
    /// The last committed epoch.
    var epoch: Int64
    /// Where the task stands in each topic it has read since it was taken over.
    var positions: [String: (next: NextOffset, mark: RecordMark)] = [:]
    var deadLetters: [DeadLetter] = []
    var redriven: [RedriveResult] = []
    var redrives: [RedriveAdvance] = []
    var consumed: [Int64] = []
    var sweeps: [RulesSweep] = []
    /// The records that a caller has in hand.
    var calls: TaskCalls?

    init(lease: TaskLease, step: PartitionStep) {
        self.lease = lease
        self.step = step
        epoch = lease.epoch
    }

    /// Ends the open epoch.
    func close() -> (epoch: EpochWrite, output: StepOutput) {
        let number = epoch + 1
        let output = step.closeEpoch(number)
        var advance = TaskAdvance(
            task: step.task, ownerEpoch: lease.ownerEpoch, epoch: number,
            offsets: positions.map { TaskAdvance.Offset(topic: $0.key, next: $0.value.next, mark: $0.value.mark) },
            streamTime: step.streamTime, counters: step.counters)
        advance.idle = output.idle
        advance.rules = output.rules
        let write = EpochWrite(
            tasks: [advance], columns: output.columns,
            twins: output.twins.sorted { $0.snapshot.thing < $1.snapshot.thing }, deadLetters: deadLetters)
        write.states = output.states.sorted { ($0.processor, $0.thing) < ($1.processor, $1.thing) }
        write.rollups = output.rollups.sorted {
            ($0.thing, $0.path, $0.processor, $0.start) < ($1.thing, $1.path, $1.processor, $1.start)
        }
        write.scenes = output.scenes.sorted { ($0.thing, $0.object, $0.target) < ($1.thing, $1.object, $1.target) }
        write.alerts = output.alerts.sorted {
            ($0.thing, $0.key, $0.raisedAt, $0.processor) < ($1.thing, $1.key, $1.raisedAt, $1.processor)
        }
        write.predictions = output.predictions
        write.consumed = consumed
        write.sweeps = sweeps
        write.timers = output.timers.map { [$0] } ?? []
        write.outboxes =
            output.outputs.isEmpty ? [] : [Outbox(task: step.task, epoch: number, records: output.outputs)]
        write.redriven = redriven
        write.redrives = redrives
        (deadLetters, redriven, redrives, consumed, sweeps) = ([], [], [], [], [])
        return (write, output)
    }
}

/// A record that a driver was sent: its log, from which a restart reads again.
struct DriverRecord {
    var topic: String
    var partition: Int32
    var offset: Int64
    var time: EventTime
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [DeadLetter.Header] = []
}
