package lessontest

import (
	"testing"
	"testing/fstest"

	"github.com/shopctl/shopctl/pkg/lesson"
)

// Note is a file of the lesson.
const Note = "{apiVersion: v1, kind: ConfigMap, metadata: {name: note}}\n"

// Text is a lesson of two steps on the shop of this package.
const Text = `---
id: sample
title: A sample
track: communication
minutes: 5
summary: What an unknown id answers, and what a slow answer.
steady_state:
  - id: up
    title: the catalog is up and has no faults
    instance: {service: catalog, state: ok, faults: 0}
rollback: [faults, objects]
---

## An unknown id {#missing}

What does the catalog say?

` + "```yaml predict" + `
question: What comes back for an unknown id?
options:
  - id: empty
    say: An empty product
    reply: Then it would look the same as a product without a name.
  - id: not-found
    say: NOT_FOUND
    reply: A status of its own.
    correct: true
` + "```" + `

Ask for it.

` + "```sh run" + `
shopctl call catalog GetProduct '{"id":"NOPE"}'
` + "```" + `
` + "```yaml observe" + `
question: Which exit code did the command end with?
kind: number
value: 69
from: {take: exit}
right: That is 64 and 5.
wrong: The line after the output says it.
` + "```" + `

A status says what an empty answer cannot.

` + "```yaml check" + `
- id: logged
  title: The catalog refused an id
  log: {service: catalog, contains: NotFound}
- id: code
  title: You know the number of NOT_FOUND
  needs: [logged]
  answer:
    question: Which number is NOT_FOUND?
    kind: number
    accept: ["5"]
    right: Five.
    wrong:
      - given: ["69"]
        say: That is the exit code, 64 more.
    otherwise: The exit code is 64 and the number.
` + "```" + `
` + "```yaml hints" + `
look: Look at the exit code.
principle: Exit codes of call are 64 and the code.
worked: 69 - 64 = 5
why: Why is it not 0?
` + "```" + `
` + "```yaml recall" + `
- id: code
  ask: Which code has an unknown id?
  accept: [NOT_FOUND]
` + "```" + `

## Slow {#slow}

Make it slow, and then fast again.

` + "```yaml check" + `
- id: timed-out
  title: A call runs out of its deadline
  rpc:
    service: catalog
    method: ListProducts
    deadline: 500ms
    expect: {code: DEADLINE_EXCEEDED}
  broken_setup:
    - instance: {service: catalog, state: stopped}
      say: The catalog is stopped.
- id: fast
  title: The list comes within 500 ms again
  rpc:
    service: catalog
    method: ListProducts
    deadline: 500ms
    expect:
      code: OK
      below: 500ms
  needs: [timed-out]
  for: 2s
  timeout: 60s
  hint_when:
    - observed: {contains: DEADLINE_EXCEEDED}
      say: The fault is still there.
` + "```" + `
` + "```yaml hints" + `
look: a
principle: b
worked: c
` + "```" + `
`

// Solution, Wrong and BrokenSetup are scripts for it.
const (
	Solution = `step missing
predict not-found sure
run
exit 69
output NotFound
observe 69
observed pass
expect logged pass
answer code 5
next
step slow
shopctl fault inject catalog --delay 2s
expect timed-out pass
expect fast fail 'still there'
shopctl fault clear
expect fast pass
next
`
	Wrong = `step missing
predict empty guess
! shopctl call catalog GetProduct '{"id":"NOPE"}'
observe 0
observed fail 69
expect logged pass
answer code 69
expect code fail 'That is the exit code'
`
	BrokenSetup = `step slow
shopctl stop catalog
expect timed-out broken_setup 'is stopped'
`
)

// Lesson returns the lesson of Text with its scripts; changed replaces files.
func Lesson(t testing.TB, changed map[string]string) *lesson.Lesson {
	t.Helper()
	fsys := fstest.MapFS{
		"sample/lesson.md":                {Data: []byte(Text)},
		"sample/note.yaml":                {Data: []byte(Note)},
		"sample/testdata/solution.txtar":  {Data: []byte(Solution)},
		"sample/testdata/wrong-one.txtar": {Data: []byte(Wrong)},
	}
	for name, content := range changed {
		fsys["sample/"+name] = &fstest.MapFile{Data: []byte(content)}
	}
	lessons, err := lesson.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return lessons[0]
}
