package lifeline_test

import (
	"fmt"
	"os"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// The daemon's end of a lifeline, and the instance's: messages are lines of JSON, and the end of the pipe is the end of
// the daemon.
func Example() {
	instance, daemon, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		defer daemon.Close() // which happens in any case when the daemon dies
		_ = lifeline.Write(daemon, lifeline.Down{Endpoints: &map[string][]string{"127.0.0.1:41000": {"127.0.0.1:41001"}}})
		_ = lifeline.Write(daemon, lifeline.Down{Faults: &[]lifeline.Fault{{ID: "f1", Percent: 10, Delay: 500 * time.Millisecond}}})
	}()
	err = lifeline.Read(instance, func(m lifeline.Down) {
		if m.Endpoints != nil {
			fmt.Println("endpoints:", *m.Endpoints)
		}
		if m.Faults != nil {
			fmt.Println("faults:", len(*m.Faults))
		}
	})
	fmt.Println("the daemon is gone:", err)
	// Output:
	// endpoints: map[127.0.0.1:41000:[127.0.0.1:41001]]
	// faults: 1
	// the daemon is gone: <nil>
}
