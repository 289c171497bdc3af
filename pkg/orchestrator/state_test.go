package orchestrator

import (
	"reflect"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// full is a snapshot with one element in every list.
func full() Snapshot {
	s := Snapshot{Startup: []Step{{}}}
	w := Workload{Versions: []string{""}, Fronts: []FrontService{{}}, Ports: []ServicePort{{}}, DependsOn: []string{""}}
	w.Instances = []Instance{{Containers: []Container{{Proxy: lifeline.Proxy{Ejected: []lifeline.Ejection{{}}}}}}}
	s.Endpoints = []Endpoint{{}}
	s.Workloads = []Workload{w}
	return s
}

// leaves calls visit for every field in v that holds no other.
func leaves(v reflect.Value, path string, visit func(reflect.Value, string)) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		visit(v, path)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
		}
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			panic("full leaves " + path + " empty")
		}
		leaves(v.Index(0), path+"[0]", visit)
	default:
		visit(v, path)
	}
}

func TestEveryFieldOfASnapshotCountsInItsComparison(t *testing.T) {
	fields := 0
	leaves(reflect.ValueOf(new(full())).Elem(), "Snapshot", func(_ reflect.Value, want string) {
		fields++
		changed := full()
		leaves(reflect.ValueOf(&changed).Elem(), "Snapshot", func(v reflect.Value, path string) {
			if path != want {
				return
			}
			switch v.Kind() {
			case reflect.String:
				v.SetString("x")
			case reflect.Bool:
				v.SetBool(true)
			case reflect.Int, reflect.Int32, reflect.Int64:
				v.SetInt(1)
			case reflect.Map:
				v.Set(reflect.ValueOf(map[string]string{"k": "v"}))
			case reflect.Struct:
				v.Set(reflect.ValueOf(time.Unix(1, 0)))
			default:
				t.Fatalf("%s: no value for a %s", path, v.Kind())
			}
		})
		if full().Equal(changed) {
			t.Errorf("a change of %s goes unnoticed", want)
		}
	})
	if fields < 30 || !full().Equal(full()) {
		t.Errorf("%d fields were compared; equal ones are equal: %v", fields, full().Equal(full()))
	}
}

func TestPublishWakesReadersOnlyWhenSomethingChanged(t *testing.T) {
	var s State
	_, changed := s.Snapshot()
	s.Publish(Snapshot{})
	select {
	case <-changed:
		t.Fatal("readers were woken for the same snapshot")
	default:
	}
	s.Publish(Snapshot{Ready: true})
	<-changed
	if snap, _ := s.Snapshot(); !snap.Ready {
		t.Error("the newer snapshot is not there")
	}
}
