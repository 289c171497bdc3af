package format_test

import (
	"fmt"
	"log"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// A lesson is one Markdown file. Every mistake in it is reported with its position.
func ExampleParse() {
	const text = `---
id: slow-payment
title: Who waits for a slow card
summary: Make payment slow, and see who waits.
track: resilience
minutes: 6
level: beginner
shop: {profile: full}
rollback: [faults]
---

## Four tenths of a second {#slow}

Each card takes 400 ms longer.

` + "```sh run\nshopctl fault inject payment --delay 400ms\n```\n"

	lesson, err := format.Parse("lesson.md", []byte(text))
	if err != nil {
		log.Fatal(err)
	}
	for _, step := range lesson.Steps {
		fmt.Printf("%s: %s\n", step.ID, step.Title)
		fmt.Println(step.Block(format.RunKind).Run.Text)
	}

	_, err = format.Parse("lesson.md", []byte("---\nid: slow-payment\ntitel: Who waits\n---\n"))
	fmt.Println(err)
	// Output:
	// slow: Four tenths of a second
	// shopctl fault inject payment --delay 400ms
	// lesson.md:3:1: unknown key "titel"; did you mean "title"? (syntax)
}
