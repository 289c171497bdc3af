package cli

import (
	"os"
	"testing"
	"time"
)

// TestMain fixes the zone in which times are shown, before anything runs that could look at a clock.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}
