package admission

import (
	"maps"
	"slices"
	"strings"
)

// Inert is a field that is legal and does nothing here, or something else than on a cluster.
type Inert struct {
	// Field is a path with [] for every element of a list, [*] for every entry of a mapping, and [KEY] for one.
	Field string
	// Message says what happens instead.
	Message string
	// Silent are values and, for [*], keys that need no warning, such as the field's default.
	Silent []any
}

// Inert warns of fields that are set in an object, which is a JSON tree, and do nothing.
func (c *Issues) Inert(tree map[string]any, fields []Inert) {
	for _, f := range fields {
		c.inert("", tree, strings.Split(f.Field, "."), f)
	}
}

func (c *Issues) inert(path string, value any, steps []string, f Inert) {
	if value == nil {
		return
	}
	if len(steps) == 0 {
		if !slices.Contains(f.Silent, scalar(value)) {
			*c = append(*c, Issue{Path: path, Message: f.Message, Group: f.Field})
		}
		return
	}
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	step, rest := steps[0], steps[1:]
	if name, found := strings.CutSuffix(step, "[]"); found {
		list, _ := object[name].([]any)
		for i, item := range list {
			c.inert(Item(child(path, name), i), item, rest, f)
		}
		return
	}
	if name, found := strings.CutSuffix(step, "[*]"); found {
		entries, _ := object[name].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			if !slices.Contains(f.Silent, any(key)) {
				c.inert(Entry(child(path, name), key), entries[key], rest, f)
			}
		}
		return
	}
	if name, key, found := strings.Cut(strings.TrimSuffix(step, "]"), "["); found {
		entries, _ := object[name].(map[string]any)
		c.inert(Entry(child(path, name), key), entries[key], rest, f)
		return
	}
	c.inert(child(path, step), object[step], rest, f)
}

func child(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// emptyObject is a mapping without entries among the values of Inert.
const emptyObject = "{}"

// scalar is a value that can be compared, nil for a list or a mapping.
func scalar(v any) any {
	switch v := v.(type) {
	case string, bool, float64:
		return v
	case map[string]any:
		if len(v) == 0 {
			return emptyObject
		}
	}
	return nil
}

// MetadataInert are the fields of the metadata of all kinds.
func MetadataInert() []Inert {
	return []Inert{
		{Field: "metadata.finalizers", Message: "have no effect here; objects are deleted at once"},
		{Field: "metadata.ownerReferences", Message: "have no effect here; an object stays when its owner is deleted"},
	}
}

// PodInert are the fields of a pod template; path is that of its spec.
func PodInert(path string) []Inert {
	fields := below(path, slices.Concat(schedulingInert(), hostInert(), volumeInert()))
	for _, list := range []string{"containers[]", "initContainers[]"} {
		fields = append(fields, below(path+"."+list, containerInert())...)
		for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
			fields = append(fields, below(path+"."+list+"."+probe, probeInert())...)
		}
	}
	return append(fields,
		Inert{Field: path + ".containers[].restartPolicy", Message: "has no effect here; a container that ends is started again", Silent: []any{"Always"}},
		Inert{Field: path + ".initContainers[].restartPolicy", Message: "has no effect here; an init container that fails is run again", Silent: []any{"Always", "OnFailure"}})
}

// below returns fields below a path.
func below(path string, fields []Inert) []Inert {
	for i := range fields {
		fields[i].Field = path + "." + fields[i].Field
	}
	return fields
}

// schedulingInert are fields that choose a machine: there is one.
func schedulingInert() []Inert {
	var fields []Inert
	for _, name := range []string{
		"nodeName", "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "priorityClassName", "priority",
		"preemptionPolicy", "runtimeClassName", "schedulingGates", "schedulingGroup", "evictionResponders", "overhead", "resourceClaims",
	} {
		fields = append(fields, Inert{Field: name, Message: NoEffect})
	}
	return append(fields,
		Inert{Field: "schedulerName", Message: NoEffect, Silent: []any{defaultSchedulerName}},
		Inert{Field: "resources", Message: "is not enforced here; the limits of each container are"},
		Inert{Field: "os", Message: "has no effect here; programs are made for the system of this machine"},
	)
}

// hostInert are fields that separate a pod from the machine, or let it use what is the machine's.
func hostInert() []Inert {
	var fields []Inert
	for _, name := range []string{
		"hostNetwork", "hostPID", "hostIPC", "hostUsers", "hostAliases", "hostname", "hostnameOverride", "subdomain", "setHostnameAsFQDN",
		"shareProcessNamespace", "dnsConfig", "imagePullSecrets",
	} {
		fields = append(fields, Inert{Field: name, Message: NoEffect})
	}
	return append(fields,
		Inert{Field: "dnsPolicy", Message: NoEffect, Silent: []any{"ClusterFirst"}},
		Inert{Field: "readinessGates", Message: "have no effect here; an instance is ready when its readiness probes succeed"},
		Inert{Field: "automountServiceAccountToken", Message: "has no effect here; there is no token to mount", Silent: []any{false}},
		Inert{Field: "enableServiceLinks", Message: "has no effect here; no variables are set for Services", Silent: []any{false}},
		Inert{Field: "securityContext", Message: NoEffect, Silent: []any{emptyObject}},
	)
}
