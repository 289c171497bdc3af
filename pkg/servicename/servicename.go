// Package servicename decides which workload a typed name of a service means. The commands and the daemon
// share it, so that a name means the same everywhere.
//
// A service is named by its short name or its Deployment's ("catalog", "productcatalogservice"), as KIND/NAME like in
// kubectl ("deployment/web", "svc/web", "pod/web-7d9f-x2k4q"), and in another namespace as NAMESPACE/NAME or
// NAMESPACE/KIND/NAME. A name without a namespace is one in the namespace that the command is for, never in another.
package servicename

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what a name is said to be the name of.
type Kind string

// The kinds of names. A name without a kind is that of a Deployment, or the short name of a service.
const (
	Any        Kind = ""
	Deployment Kind = "deployment"
	Service    Kind = "service"
	Pod        Kind = "pod"
)

// kinds are the words for kinds, as kubectl knows them.
func kinds(word string) (Kind, bool) {
	switch strings.ToLower(word) {
	case "deployment", "deployments", "deploy", "deployment.apps", "deployments.apps", "deployment.v1.apps", "deployments.v1.apps":
		return Deployment, true
	case "service", "services", "svc":
		return Service, true
	case "pod", "pods", "po":
		return Pod, true
	}
	return Any, false
}

// Ref is a name taken apart.
type Ref struct {
	Kind      Kind
	Namespace string // empty: not given
	Name      string
}

// Parse takes a name apart. The first of two parts is a kind if it is a word for one, else a namespace.
func Parse(word string) Ref {
	parts := strings.Split(word, "/")
	switch len(parts) {
	case 2:
		if kind, ok := kinds(parts[0]); ok {
			return Ref{Kind: kind, Name: parts[1]}
		}
		return Ref{Namespace: parts[0], Name: parts[1]}
	case 3:
		if kind, ok := kinds(parts[1]); ok {
			return Ref{Kind: kind, Namespace: parts[0], Name: parts[2]}
		}
	}
	return Ref{Name: word}
}

// In returns the name as it is written where no namespace goes with it: with the namespace in front, unless that is empty
// or the name has one.
func In(namespace, word string) string {
	if namespace == "" || word == "" || Parse(word).Namespace != "" {
		return word
	}
	return namespace + "/" + word
}

// Entry is a workload that a name can mean.
type Entry struct {
	Namespace, Workload string
	// Short is the short name of a built-in service; empty for others.
	Short string
	// Services are the Services in front of it, Pods its instances.
	Services, Pods []string
}

// Find returns the index of the entry that a word means in a namespace, and the word taken apart. A namespace in the word
// must be the given one, unless that is empty; own is the namespace if neither names one. The error is an *Error.
func Find(all []Entry, own, namespace, word string) (int, Ref, error) {
	ref := Parse(word)
	switch {
	case ref.Namespace == "" && namespace == "":
		ref.Namespace = own
	case ref.Namespace == "":
		ref.Namespace = namespace
	case namespace != "" && namespace != ref.Namespace:
		return -1, ref, &Error{Word: word, Ref: ref, Asked: namespace}
	}
	found := matches(all, ref)
	if len(found) == 1 {
		return found[0], ref, nil
	}
	e := &Error{Word: word, Ref: ref}
	for _, i := range found {
		e.Candidates = append(e.Candidates, all[i].Workload)
	}
	if len(found) == 0 {
		e.Prefix = strings.Contains(word, "/") && ref.Kind == Any && (ref.Name == word || !slices.ContainsFunc(all, func(entry Entry) bool { return entry.Namespace == ref.Namespace }))
		for _, entry := range all {
			elsewhere := Ref{ref.Kind, entry.Namespace, ref.Name}
			if entry.Namespace != ref.Namespace && len(matches([]Entry{entry}, elsewhere)) > 0 && !slices.Contains(e.Elsewhere, entry.Namespace) {
				e.Elsewhere = append(e.Elsewhere, entry.Namespace)
			}
		}
		slices.Sort(e.Elsewhere)
	}
	return -1, ref, e
}

// matches are the indexes of the entries that a name means. The exact name of a Deployment comes before its short name,
// and that before either in another case.
func matches(all []Entry, ref Ref) []int {
	for _, test := range tests(ref) {
		var found []int
		for i, e := range all {
			if e.Namespace == ref.Namespace && test(e) {
				found = append(found, i)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func tests(ref Ref) []func(Entry) bool {
	exact := func(e Entry) bool { return e.Workload == ref.Name }
	short := func(e Entry) bool { return e.Short != "" && strings.EqualFold(e.Short, ref.Name) }
	folded := func(e Entry) bool { return strings.EqualFold(e.Workload, ref.Name) }
	front := func(e Entry) bool { return slices.Contains(e.Services, ref.Name) }
	switch ref.Kind {
	case Service:
		return []func(Entry) bool{front, short}
	case Pod:
		return []func(Entry) bool{func(e Entry) bool { return slices.Contains(e.Pods, ref.Name) }}
	case Deployment:
		return []func(Entry) bool{exact, short, folded}
	}
	return []func(Entry) bool{exact, short, folded, front}
}

// Error reports that a name means no workload, or more than one.
type Error struct {
	Word string
	Ref  Ref
	// Asked is the namespace that the command is for, where the name has another.
	Asked string
	// Candidates are the Deployments behind a Service that leads to several.
	Candidates []string
	// Prefix: what is before the slash is neither a kind nor a namespace with services.
	Prefix bool
	// Elsewhere are other namespaces that have the name.
	Elsewhere []string
}

func (e *Error) Error() string {
	what := "service"
	if e.Ref.Kind != Any && e.Ref.Kind != Service {
		what = string(e.Ref.Kind)
	}
	switch {
	case e.Asked != "":
		return fmt.Sprintf("%q is in namespace %q, and --namespace is %q", e.Word, e.Ref.Namespace, e.Asked)
	case len(e.Candidates) > 0:
		return fmt.Sprintf("service %q leads to several deployments: %s", e.Ref.Name, strings.Join(e.Candidates, ", "))
	case e.Prefix:
		return fmt.Sprintf("no service %q", e.Word)
	case len(e.Elsewhere) > 0:
		return fmt.Sprintf("no %s %q in namespace %q", what, e.Ref.Name, e.Ref.Namespace)
	}
	return fmt.Sprintf("no %s %q", what, e.Ref.Name)
}

// Hint is what to type instead; empty if that is not known.
func (e *Error) Hint() string {
	switch {
	case e.Asked != "":
		return "leave out one of the two, or use --namespace " + e.Ref.Namespace
	case len(e.Candidates) > 0:
		return "name one of them: " + e.Candidates[0]
	case e.Prefix:
		return "before the slash comes a namespace, or one of the kinds deployment, service and pod"
	case len(e.Elsewhere) > 0:
		return "there is one in another namespace: add --namespace " + strings.Join(e.Elsewhere, ", or --namespace ")
	}
	return ""
}
