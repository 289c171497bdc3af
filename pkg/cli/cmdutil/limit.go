package cmdutil

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// limited is a flag whose values have a range. It refuses any other when it is read, so that no command can take a value out
// of range, such as zero, for one that was not given.
type limited struct {
	pflag.Value
	allowed func(value string) bool
	OutOfRange
}

// OutOfRange is the error of a flag whose value has the right form and is too small or too large.
type OutOfRange struct {
	Want string
	// Example is a value in the range.
	Example string
}

func (e *OutOfRange) Error() string { return "want " + e.Want }

func (l *limited) Set(value string) error {
	before := l.Value.String()
	if l.Value.Set(value) != nil {
		return fmt.Errorf("want %s", l.Want)
	}
	if !l.allowed(l.Value.String()) {
		Must(l.Value.Set(before))
		return &l.OutOfRange
	}
	return nil
}

// LimitNumber gives a flag of whole numbers its least and greatest value.
func LimitNumber(cmd *cobra.Command, name string, least, greatest int64, example string) {
	limit(cmd, name, OutOfRange{fmt.Sprintf("%d to %d", least, greatest), example}, func(value string) bool {
		n, err := strconv.ParseInt(value, 10, 64)
		return err == nil && n >= least && n <= greatest
	})
}

// maxTime is the longest time that a flag takes: longer than any shop runs, and short enough to calculate with.
const maxTime = 10 * 365 * 24 * time.Hour

// LimitTime gives a flag of a duration its least value, from zero on; the greatest is ten years.
func LimitTime(cmd *cobra.Command, name string, least time.Duration, example string) {
	want := "at least " + least.String()
	if least == 1 {
		want = "a time above zero"
	}
	limit(cmd, name, OutOfRange{want + ", and at most ten years", example}, func(value string) bool {
		d, err := time.ParseDuration(value)
		return err == nil && d >= least && d <= maxTime
	})
}

func limit(cmd *cobra.Command, name string, r OutOfRange, allowed func(string) bool) {
	flag := cmd.Flags().Lookup(name)
	flag.Value = &limited{flag.Value, allowed, r}
	if flag.DefValue == "0s" {
		flag.DefValue = "0" // so that the help does not show it
	}
}
