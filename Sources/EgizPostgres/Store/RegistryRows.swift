import EgizCore
import EgizTwin

/// Puts the rows of one look at the registry together: kind, a number, and up to three texts each.
struct RegistryRows {
    /// One statement, so that version, types, bindings and tasks are of one snapshot.
    static let statement = """
        select version, 0 as kind, null::bigint, null, null, null from egiz.registry
        union all select 0, 1, null, twin_type, parent, null from egiz.twin_type where parent is not null
        union all select 0, 2, binding_id, twin_type, thing_id,
            (mapping || jsonb_strip_nulls(jsonb_build_object('objectName', object_name, 'target', target,
                'path', path, 'expression', expression)))::text
        from egiz.data_bindings_3d where enabled
        union all select 0, 3, bound::int, task, null, settings::text from egiz.ml_task where enabled
        union all select 0, 4, null, task, twin_type, thing_id from egiz.ml_task_binding
        union all select 0, 4, null, task.name, twin_type, null from egiz.twin_type,
            jsonb_array_elements_text(case jsonb_typeof(definition -> 'mlTasks') when 'array'
                then definition -> 'mlTasks' else '[]' end) as task (name)
        union all select 0, 5, rule.place, null, twin_type, rule.words::text from egiz.twin_type,
            jsonb_array_elements(case jsonb_typeof(definition -> 'alertRules') when 'array'
                then definition -> 'alertRules' else '[]' end) with ordinality as rule (words, place)
        union all select 0, 6, null, thing_id, twin_type, null from egiz.twin_registration where twin_type is not null
        union all select 0, 7, null, definition ->> 'policy', twin_type, (definition -> 'schema')::text from egiz.twin_type
            where definition ?| array['schema', 'policy']
        order by 2, 5, 3, 4
        """

    private let parser = JSONParser()
    private let mark = SourceMark(line: 1, column: 1)
    private var registry: RuleRegistry
    /// Tasks that are only for those who are bound to them.
    private var bound: Set<String> = []
    private var members: [String: RuleRegistry.Members] = [:]
    private var thingTypes: [ThingID: String] = [:]

    init(version: Int64) { registry = RuleRegistry(version: version, parents: [:], bindings: []) }

    /// A row whose JSON cannot be read was written by hand, and is left out.
    mutating func add(_ row: PostgresRow) {
        switch row.int64(1) {
        case 0: registry.version = row.int64(0) ?? registry.version
        case 1: if let type = row.text(3), let parent = row.text(4) { registry.parents[type] = parent }
        case 2:
            guard let settings = settings(row) else { return }
            registry.bindings.append(
                .init(id: row.int64(2) ?? 0, type: row.text(3), thing: row.text(4), settings: settings))
        case 3:
            guard let name = row.text(3), let settings = settings(row) else { return }
            registry.tasks.append(.init(name: name, settings: settings))
            if row.int64(2) == 1 { bound.insert(name) }
        case 4:
            guard let name = row.text(3) else { return }
            if let type = row.text(4) { members[name, default: .init()].types.insert(type) }
            if let thing = row.text(5) { members[name, default: .init()].things.insert(thing) }
        case 5:
            guard let type = row.text(4), let settings = settings(row) else { return }
            registry.alertRules.append(.init(type: type, settings: settings))
        case 6:
            // What is no thing has no twin. By their bytes: texts that only look the same are two things.
            guard let thing = row.text(3).flatMap({ try? ThingID(validating: $0) }), let type = row.text(4) else {
                return
            }
            thingTypes[thing] = type
        case 7:
            guard let type = row.text(4) else { return }
            registry.schemas.append(
                .init(type: type, schema: row.bytes(5).flatMap { try? parser.parse($0) }, policy: row.text(3)))
        default: return
        }
    }

    private func settings(_ row: PostgresRow) -> ConfigValue? {
        (try? parser.parse(Array((row.text(5) ?? "{}").utf8))).map { ConfigValue(json: $0, at: mark) }
    }

    func finished() -> RuleRegistry {
        var registry = registry
        for place in registry.tasks.indices where bound.contains(registry.tasks[place].name) {
            registry.tasks[place].members = members[registry.tasks[place].name] ?? .init()
        }
        registry.setThingTypes(thingTypes)
        return registry
    }
}
