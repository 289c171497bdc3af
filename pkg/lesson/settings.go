package lesson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// restartedAt is what kubectl writes into a pod template to have its instances replaced.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// isSettings tells the kinds that instances read when they start. What rolls back must have them as they were before
// any instance starts again.
func isSettings(o object) bool { return o.Kind == "ConfigMap" || o.Kind == "Secret" }

// rereaders returns the Deployments, as they were and are, with an instance that may have started since and read
// settings that are undone now; each with a mark that has its instances replaced.
func rereaders(before, now []object, at time.Time) ([]object, []*controlpb.File, error) {
	undone := map[string]bool{}
	was, is := settings(before), settings(now)
	for key, o := range is {
		undone[key] = !bytes.Equal(was[key].JSON, o.JSON)
	}
	for key := range was {
		if _, ok := is[key]; !ok {
			undone[key] = true
		}
	}
	same := map[string]json.RawMessage{}
	for _, o := range now {
		same[o.key()] = o.JSON
	}
	var found []object
	var files []*controlpb.File
	for _, o := range before {
		if o.Kind != "Deployment" || !bytes.Equal(same[o.key()], o.JSON) {
			continue // one that changed is rolled by being restored
		}
		reads, err := readsAny(o, undone)
		if err != nil {
			return nil, nil, err
		}
		if !reads {
			continue
		}
		marked, err := marked(o.JSON, at)
		if err != nil {
			return nil, nil, err
		}
		found = append(found, o)
		files = append(files, &controlpb.File{Name: "deployment-" + o.Name + ".json", Content: marked})
	}
	return found, files, nil
}

func settings(objects []object) map[string]object {
	found := map[string]object{}
	for _, o := range objects {
		if isSettings(o) {
			found[o.key()] = o
		}
	}
	return found
}

type named struct{ Name string }

// readsAny tells whether the environment of a Deployment comes from one of the objects with these keys.
func readsAny(o object, keys map[string]bool) (bool, error) {
	var d struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						EnvFrom []struct{ ConfigMapRef, SecretRef named }
						Env     []struct {
							ValueFrom struct{ ConfigMapKeyRef, SecretKeyRef named }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(o.JSON, &d); err != nil {
		return false, fmt.Errorf("read deployment %s: %w", o.Name, err)
	}
	is := func(kind string, n named) bool {
		return keys[object{Kind: kind, Namespace: o.Namespace, Name: n.Name}.key()]
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, from := range c.EnvFrom {
			if is("ConfigMap", from.ConfigMapRef) || is("Secret", from.SecretRef) {
				return true, nil
			}
		}
		for _, e := range c.Env {
			if is("ConfigMap", e.ValueFrom.ConfigMapKeyRef) || is("Secret", e.ValueFrom.SecretKeyRef) {
				return true, nil
			}
		}
	}
	return false, nil
}

// marked is a Deployment whose instances are to be replaced.
func marked(raw json.RawMessage, at time.Time) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var o map[string]any
	if err := dec.Decode(&o); err != nil {
		return nil, fmt.Errorf("read deployment: %w", err)
	}
	within := o
	for _, key := range []string{"spec", "template", "metadata", "annotations"} {
		next, ok := within[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			within[key] = next
		}
		within = next
	}
	within[restartedAt] = at.UTC().Format(time.RFC3339Nano)
	return json.Marshal(o)
}
