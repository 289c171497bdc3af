// Command words refuses wordings that a reader has to translate: in comments, in the texts that a program prints, in
// documents, lessons and manifests. The list and its exceptions are in words.yaml; docs/glossary.md has the words to
// use.
//
//	go run ./tools/words                     # the whole tree
//	go run ./tools/words ./pkg/cli/... README.md
//	go run ./tools/words -count ./pkg/...    # how often each refused wording occurs
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

func main() {
	count := flag.Bool("count", false, "print how often each wording occurs in place of where")
	flag.Parse()
	findings, err := run(os.DirFS("."), flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(2)
	}
	if *count {
		printCounts(os.Stdout, findings)
	} else {
		printFindings(os.Stdout, findings)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
}

func printFindings(w io.Writer, findings []finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s:%d: %q: %s\n", f.path, f.line, f.found, f.use)
	}
	if len(findings) > 0 {
		fmt.Fprintf(w, "%d wordings to change; tools/words/words.yaml is the list, docs/glossary.md has the words to use\n", len(findings))
	}
}

func printCounts(w io.Writer, findings []finding) {
	counts := map[string]int{}
	for _, f := range findings {
		counts[f.refused]++
	}
	byCount := func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b))
	}
	for _, phrase := range slices.SortedFunc(maps.Keys(counts), byCount) {
		fmt.Fprintf(w, "%5d  %s\n", counts[phrase], phrase)
	}
}
