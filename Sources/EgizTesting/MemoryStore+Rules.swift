public import EgizCore
public import EgizTwin

/// What rules write, and what people and the registry say to them.
extension MemoryStore {
    /// The key of a property of a scene.
    struct SceneKey: Hashable {
        var thing: ThingID
        var object: String
        var target: String
    }

    /// The key of an alert.
    struct AlertKey: Hashable {
        var thing: ThingID
        var processor: String
        var key: String
        var raisedAt: EventTime
    }

    /// By thing, object and target.
    public var allScenes: [SceneRow] {
        read {
            scenes.values.sorted { ($0.thing, $0.object, $0.target) < ($1.thing, $1.object, $1.target) }
        }
    }

    /// By thing, key, time of raising and processor.
    public var allAlerts: [AlertRow] {
        read {
            alerts.values.sorted {
                ($0.thing, $0.key, $0.raisedAt, $0.processor) < ($1.thing, $1.key, $1.raisedAt, $1.processor)
            }
        }
    }

    /// Messages of people that nobody has consumed.
    public var waitingMessages: [InboxMessage] { read { inbox } }

    /// Somebody asks a processor for something.
    public func send(
        _ action: String, to processor: String, of task: TaskID, thing: ThingID, subject: String,
        raisedAt: EventTime? = nil, by: String?
    ) {
        change {
            inbox.append(
                InboxMessage(
                    id: nextMessage, task: task, processor: processor, thing: thing, action: action, subject: subject,
                    raisedAt: raisedAt, by: by))
            nextMessage += 1
        }
    }

    /// Somebody changes the registry, whose version rises by itself.
    public func setRegistry(parents: [String: String] = [:], bindings: [RuleRegistry.Binding]) {
        change {
            ruleRegistry = RuleRegistry(version: ruleRegistry.version + 1, parents: parents, bindings: bindings)
        }
    }
}

extension MemoryStore {
    /// The registry as it is now.
    public var presentRegistry: RuleRegistry { read { ruleRegistry } }

    /// What models say, by thing, task, model and whether it is a shadow.
    public var allPredictions: [PredictionRow] { read { predictions.values.sorted { $0.key < $1.key } } }

    /// Somebody changes what types say of the features of their twins.
    public func setRegistry(parents: [String: String] = [:], schemas: [RuleRegistry.Schema]) {
        change {
            ruleRegistry.version += 1
            (ruleRegistry.parents, ruleRegistry.schemas) = (parents, schemas)
        }
    }

    /// Somebody changes the alert rules that types of the registry declare, and the types.
    public func setRegistry(
        parents: [String: String] = [:], alertRules: [RuleRegistry.AlertRule], thingTypes: [String: String] = [:]
    ) {
        change {
            ruleRegistry.version += 1
            (ruleRegistry.parents, ruleRegistry.alertRules) = (parents, alertRules)
            var types: [ThingID: String] = [:]
            for (thing, type) in thingTypes {
                if let thing = try? ThingID(validating: thing) { types[thing] = type }
            }
            ruleRegistry.setThingTypes(types)
        }
    }

    /// Somebody changes the registry's tasks of models.
    public func setRegistry(tasks: [RuleRegistry.ModelTask]) {
        change {
            ruleRegistry.version += 1
            ruleRegistry.tasks = tasks
        }
    }
}
