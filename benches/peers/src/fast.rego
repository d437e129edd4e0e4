package rbac

default allow := false

allow if {
	some subject in input.subjects
	some namespace in ["", input.namespace]
	some role in data.grants[subject][namespace]
	data.permissions[role][input.permission]
}
