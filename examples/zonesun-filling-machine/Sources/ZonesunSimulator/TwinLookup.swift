import ArgumentParser
import Foundation
import ZonesunMachine

/// Asks the query API where the twins of the machines stand.
struct TwinLookup {
    /// What we need of `GET /api/v1/twins/{thingId}`.
    private struct Twin: Decodable {
        struct Features: Decodable {
            var conveyor: Conveyor?
        }
        struct Conveyor: Decodable {
            var properties: Counters?
        }
        struct Counters: Decodable {
            var bottles: Int64?
            var rejects: Int64?
        }

        var revision: Int64
        var features: Features?

        enum CodingKeys: String, CodingKey {
            case revision = "_revision"
            case features
        }
    }

    private struct Unavailable: Error { let reason: String }

    let client: HTTPClient
    let stop: StopSignal
    /// How long the API may take to answer for the first time.
    var patience = Duration.seconds(30)

    /// The positions by thing id; machines without a twin are left out. Errors: the API does not answer in time, or answers
    /// something else.
    func positions(of machines: [MachineIdentity]) throws -> [String: TwinPosition] {
        var positions: [String: TwinPosition] = [:]
        let deadline = ContinuousClock.now + patience
        var pause = Duration.milliseconds(100)
        for machine in machines {
            while !stop.isRequested {
                do {
                    if let position = try position(of: machine) { positions[machine.thingID] = position }
                    break
                } catch let error as Unavailable {
                    guard ContinuousClock.now < deadline else {
                        throw ValidationError(
                            "the API at \(client.address) does not answer (\(error.reason)); start it, or leave out --api to begin anew"
                        )
                    }
                    stop.wait(pause)
                    pause = min(pause * 2, .seconds(2))
                }
            }
        }
        return positions
    }

    private func position(of machine: MachineIdentity) throws -> TwinPosition? {
        let id = machine.thingID.replacing(":", with: "%3A")
        let response: HTTPClient.Response
        do {
            response = try client.get("/api/v1/twins/\(id)?fields=thingId,_revision,features/conveyor/properties")
        } catch { throw Unavailable(reason: error.reason) }
        switch response.status {
        case 200:
            guard let twin = try? JSONDecoder().decode(Twin.self, from: Data(response.body)) else {
                throw ValidationError("the API at \(client.address) answers no twin for \(machine.thingID)")
            }
            let counters = twin.features?.conveyor?.properties
            return TwinPosition(
                revision: twin.revision,
                counters: ProductionCounters(bottles: counters?.bottles ?? 0, rejects: counters?.rejects ?? 0))
        case 404: return nil
        case 429, 500...: throw Unavailable(reason: "status \(response.status)")
        default:
            throw ValidationError(
                "the API at \(client.address) answers status \(response.status) for \(machine.thingID): \(String(decoding: response.body.prefix(300), as: UTF8.self))"
            )
        }
    }
}
