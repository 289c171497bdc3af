package objects

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// describePod prints an instance: its labels, its state and that of its containers.
func describePod(w io.Writer, p *corev1.Pod, now time.Time) {
	field := func(name, value string) { fmt.Fprintf(w, "%-16s %s\n", name+":", value) }
	field("Name", p.Name)
	field("Namespace", p.Namespace)
	field("Node", p.Spec.NodeName+"/"+p.Status.HostIP)
	if at := p.Status.StartTime; at != nil {
		field("Started", at.UTC().Format("2006-01-02 15:04:05 UTC")+" ("+cmdutil.Age(now, at.Time)+" ago)")
	}
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		labels = append(labels, key+"="+p.Labels[key])
	}
	field("Labels", strings.Join(labels, ","))
	field("Status", string(p.Status.Phase))
	if p.Status.Message != "" {
		field("Message", p.Status.Message)
	}
	for _, owner := range p.OwnerReferences {
		field("Controlled by", owner.Kind+"/"+owner.Name)
	}
	describeContainers(w, "Init containers", p.Status.InitContainerStatuses)
	describeContainers(w, "Containers", p.Status.ContainerStatuses)
	fmt.Fprintln(w, "Conditions:")
	for _, c := range p.Status.Conditions {
		fmt.Fprintf(w, "  %-17s %s\n", c.Type, c.Status)
	}
}

func describeContainers(w io.Writer, title string, all []corev1.ContainerStatus) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(w, title+":")
	for _, c := range all {
		state := "Running"
		switch {
		case c.State.Waiting != nil:
			state = strings.TrimSpace("Waiting: " + c.State.Waiting.Reason + " " + c.State.Waiting.Message)
		case c.State.Terminated != nil:
			state = "Terminated: " + c.State.Terminated.Reason
		}
		fmt.Fprintf(w, "  %s:\n    Container ID: %s\n    Image:        %s\n    State:        %s\n    Ready:        %t\n    Restarts:     %d\n",
			c.Name, c.ContainerID, c.Image, state, c.Ready, c.RestartCount)
	}
}
