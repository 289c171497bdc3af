package main_test

import (
	"os/exec"
	"strings"
)

// processesOf finds the processes whose command line names the story's directory. Unlike on Linux, where the
// environment is searched as well, a foreign command that was started with other paths is not found.
func processesOf(work string) []string {
	out, err := exec.Command("ps", "-A", "-ww", "-o", "pid=,command=").Output()
	if err != nil {
		return []string{"ps: " + err.Error()}
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, work+"/") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
