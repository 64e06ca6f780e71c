import EgizTwin

/// Records that are set aside, and why.
extension PartitionStep {
    func refuse(
        _ code: String, _ message: String, _ thing: ThingID?, _ processor: String?,
        _ disposition: DeadLetter.Disposition = .dead
    ) -> StepVerdict {
        guard disposition == .parked, let thing else {
            return .refused(.init(code: code, message: message, thing: thing, processor: processor))
        }
        // A record that is redriven has its place in the queue already.
        if !parked.contains(thing), let overflow = parked.overflow(thing) {
            return .full("\(overflow); the record to be parked was refused: \(message)")
        }
        return .refused(
            .init(code: code, message: message, thing: thing, processor: processor, disposition: .parked))
    }

    func refuseForeign(_ thing: ThingID, _ home: TaskID) -> StepVerdict {
        if home.stage != task.stage {
            return refuse(
                "owner",
                "\(thing) belongs to stage \(home.stage), which created it; use another namespace, or one stage for both topics",
                thing, projector)
        }
        return refuse(
            "partition",
            "\(thing) lives in partition \(home.partition), the record came in \(task.partition); produce with the partitioner murmur2_random and the thing id as key",
            thing, projector)
    }
}
