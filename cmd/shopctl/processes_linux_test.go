package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// processesOf finds the processes that run the story's binary or have its directory in their environment.
func processesOf(work string) []string {
	var found []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		exe, err := os.Readlink(filepath.Join(dir, "exe"))
		if err != nil {
			continue // gone, or the kernel's
		}
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if strings.HasPrefix(exe, work+"/") || bytes.Contains(environ, []byte("="+work+"/")) {
			line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			found = append(found, filepath.Base(dir)+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
