public import ArgumentParser
public import ZonesunMachine

/// `machine=7,nozzle=3,at=20s`.
extension InjectedClog: ExpressibleByArgument {
    public init?(argument: String) {
        var words: [String: String] = [:]
        for part in argument.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, words.updateValue(String(pair[1]), forKey: String(pair[0])) == nil else {
                return nil
            }
        }
        guard words.count == 3, let machine = words["machine"].flatMap(Int.init), machine >= 1,
            let nozzle = words["nozzle"].flatMap(Int.init), (1...4).contains(nozzle),
            let at = words["at"].flatMap(MachineTime.init(argument:)), at.seconds <= 1e9
        else { return nil }
        self.init(machine: machine, nozzle: nozzle, at: Int64(at.seconds * 1_000_000))
    }
}
