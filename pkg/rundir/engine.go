package rundir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// RecordEngine notes the container engine that runs the shop, as DOCKER_HOST has it, for the case that the daemon dies.
func (l *Lock) RecordEngine(host string) error {
	if err := os.WriteFile(l.dir.EngineFile(), []byte(host+"\n"), 0o600); err != nil {
		return fmt.Errorf("record engine: %w", err)
	}
	return nil
}

// Engine is the container engine on which a dead daemon may have left containers; empty if there is none.
func (d Dir) Engine() string {
	host, err := os.ReadFile(d.EngineFile())
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(host))
}

// EngineFile holds what Engine returns.
func (d Dir) EngineFile() string { return filepath.Join(d.Run, engineName) }
