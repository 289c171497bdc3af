// Command docs writes the command reference from the commands themselves: Markdown into docs/cli and
// manual pages into docs/man. The keys of the screen, from its key table, are docs/keys.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli"
)

func main() {
	root := flag.String("dir", "docs", "directory of the documentation")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(docs string) error {
	for dir, pages := range reference(tree()) {
		dir = filepath.Join(docs, dir)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(docs, "keys.md"), []byte(keys()), 0o644)
}

// tree is the tree of commands of a command line that is never run.
func tree() *cobra.Command {
	return cli.Tree()
}

// reference holds every page by directory and name.
func reference(root *cobra.Command) map[string]map[string]string {
	markdown, man := map[string]string{"README.md": index(root)}, map[string]string{}
	walk(root, func(cmd *cobra.Command) {
		markdown[pageName(cmd)+".md"] = page(cmd)
		man[pageName(cmd)+".1"] = manual(cmd)
	})
	return map[string]map[string]string{"cli": markdown, "man": man}
}

// walk visits cmd and all commands below it that people see.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		if visible(c) {
			walk(c, visit)
		}
	}
}

func visible(c *cobra.Command) bool {
	return (c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand()) && !c.Hidden
}
