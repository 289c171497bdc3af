// Package format reads lessons. A lesson is one Markdown file that also reads well where nothing executes it.
//
//	lessons/<track>/<slug>/
//	  lesson.md              front matter, prose and fenced blocks
//	  lesson.<lang>.md       the words in another language, by step id
//	  *.yaml *.proto *.go    files that the learner applies or edits: copied to the workspace
//	  testdata/*.txtar       scripts that prove the lesson: solution, alt-*, wrong-*
//
// The front matter is YAML between two lines of three dashes: id, title, summary, track, order,
// minutes, level, needs, aliases, shop (profile, seed, load), steady_state (a list of checks) and rollback (a list of
// faults, objects). A step is a heading of the second level with an id:
//
//	## An empty response or an error {#not-found}
//
// The engine acts on fenced blocks at the margin whose info string is a language and a role. A step has each role at
// most once; everything else is prose.
//
//	```yaml predict     question; options: id, say, reply, correct; confidence
//	```sh run           shopctl commands, one a line, quoted as in a shell
//	```yaml observe     question; kind number (value, tolerance, unit), text (accept) or option (options);
//	                    or from: command, take exit|milliseconds|match, match; right, wrong
//	```yaml check       a list of checks
//	```yaml hints       look, principle, worked; why
//	```yaml recall      a list of questions: id, ask, accept or options, answer
//
// A check has id, title, look, for, timeout, needs, hint_when, broken_setup, and either a probe, whose kinds and keys are
// those of package probe, or
//
//	answer: question, kind, unit, accept, tolerance, options, right, wrong: given, say; otherwise
//
// A match is any of equals, contains, matches, count, at_least, at_most, absent; a bound a number, or any
// of above, below, at_least, at_most, equals. A path is names with dots and places in brackets:
// products[0].name, containers[name=server].image, labels["app.kubernetes.io/name"]. An entry of hint_when
// and broken_setup is a state (observed: a match on what the check observed; or a probe) and what to say.
//
// A translation repeats the headings, `## Title {#id source=HASH}` with the hash of the step that it
// was made from, and under each the pieces of prose. Each block of the original is replaced by a line of
// three dashes, or by a block of the same role with nothing but ids and words, in the shape of the original:
//
//	```yaml predict
//	question: サングラスは 19.99 ドルです。catalog はその値段をどう送りますか。
//	options:
//	  - {id: float, say: 19.99 という数として, reply: 二進数の小数に 19.99 はありません。}
//	```
//
// Entries without an id (hint_when, wrong) are matched by their place; accept adds to the accepted answers, and a unit
// may be translated. Commands are not.
//
// Every mistake is reported as file:line:column with a code, and with the nearest name where one is near.
package format
