package rbac

default allow := false

allow if {
	some subject in input.subjects
	some namespace in ["", input.namespace]
	some role in data.grants[subject][namespace]
	some rule in data.roles[role]
	has(rule.verbs, input.verb)
	has(rule.groups, input.group)
	has_resource(rule.resources)
	has_name(rule)
}

has(set, item) if set[item]

has(set, _) if set["*"]

has_resource(resources) if has(resources, input.resource)

has_resource(resources) if resources[input.of_any]

has_name(rule) if not rule.names

has_name(rule) if rule.names[input.name]
