package format

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Load reads all lessons below a directory, sorted by their order, then by file. A lesson that cannot be read
// does not hide the others: the error, Problems where the lessons are at fault, comes with those that can.
func Load(fsys fs.FS) ([]*Lesson, error) {
	var lessons []*Lesson
	var problems Problems
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name) != "lesson.md" {
			return err
		}
		l, err := loadLesson(fsys, path.Dir(name))
		var found Problems
		switch {
		case errors.As(err, &found):
			problems = append(problems, found...)
		case err != nil:
			return err
		default:
			lessons = append(lessons, l)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read lessons: %w", err)
	}
	problems = append(problems, duplicates(lessons)...)
	slices.SortStableFunc(lessons, func(a, b *Lesson) int { return byOrder(a.Front, b.Front) })
	if len(problems) > 0 {
		return lessons, problems
	}
	return lessons, nil
}

// byOrder sorts front matters, those without an order last.
func byOrder(a, b Front) int {
	last := func(f Front) int {
		if f.Order == 0 {
			return math.MaxInt
		}
		return f.Order
	}
	return cmp.Compare(last(a), last(b))
}

// Curriculum returns the ids of all lessons below a directory in their order. It reads no more than front matters.
func Curriculum(fsys fs.FS) ([]string, error) {
	var fronts []Front
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name) != "lesson.md" {
			return err
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		var f Front
		if err := strictyaml.Decode(readPage(&reporter{file: name}, src).front, &f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fronts = append(fronts, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read lessons: %w", err)
	}
	slices.SortStableFunc(fronts, byOrder)
	ids := make([]string, len(fronts))
	for i, f := range fronts {
		ids[i] = f.ID
	}
	return ids, nil
}

func duplicates(lessons []*Lesson) Problems {
	var problems Problems
	owner := map[string]string{}
	for _, l := range lessons {
		for _, id := range append([]string{l.ID}, l.Aliases...) {
			if first, ok := owner[id]; ok {
				problems = append(problems, Problem{File: l.File, Line: 1, Column: 1, Code: "id", Text: fmt.Sprintf("id %q belongs to %s already", id, first)})
			}
			owner[id] = l.File
		}
	}
	return problems
}

// loadLesson reads the lesson in one directory.
func loadLesson(fsys fs.FS, dir string) (*Lesson, error) {
	file := path.Join(dir, "lesson.md")
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	l, err := Parse(file, src)
	if err != nil {
		return nil, err
	}
	l.Files, l.Scripts, l.Translations = map[string][]byte{}, map[string][]byte{}, map[string]*Translation{}
	if err := l.readFiles(fsys, dir); err != nil {
		return nil, err
	}
	l.Hash = l.hash(src)
	return l, nil
}

// Dir is the directory of the lesson, as File has it.
func (l *Lesson) Dir() string { return path.Dir(l.File) }

func (l *Lesson) readFiles(fsys fs.FS, dir string) error {
	var problems Problems
	err := fs.WalkDir(fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		lang, isText := language(rel)
		switch {
		case path.Base(rel) == "shopctl.yaml":
			// The lesson's commands run in the workspace, and would be configured by it.
			problems = append(problems, Problem{File: name, Line: 1, Column: 1, Code: "file", Text: "a lesson cannot contain a shopctl.yaml: the learner's own configures shopctl"})
		case rel == "lesson.md":
		case isText:
			t, err := parseTranslation(name, content)
			var found Problems
			if errors.As(err, &found) {
				problems = append(problems, found...)
			} else {
				l.Translations[lang] = t
			}
		case strings.HasPrefix(rel, "testdata/"):
			if script, ok := strings.CutSuffix(strings.TrimPrefix(rel, "testdata/"), ".txtar"); ok {
				l.Scripts[script] = content
			}
		default:
			l.Files[rel] = content
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read lesson %s: %w", l.ID, err)
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// language is the language of "lesson.ja.md".
func language(file string) (string, bool) {
	rest, ok := strings.CutPrefix(file, "lesson.")
	if !ok {
		return "", false
	}
	lang, ok := strings.CutSuffix(rest, ".md")
	return lang, ok && lang != ""
}

func (l *Lesson) hash(src []byte) string {
	h := sha256.New()
	h.Write(src)
	names := make([]string, 0, len(l.Files))
	for name := range l.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(h, "\x00%s\x00%d\x00", name, len(l.Files[name]))
		h.Write(l.Files[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// hash changes with every text of the step: it identifies what a translation was made from.
func (s *Step) hash() string {
	h := sha256.New()
	fmt.Fprintln(h, s.Title)
	for i := range s.Blocks {
		if b := &s.Blocks[i]; b.Kind == Prose {
			fmt.Fprintf(h, "%s\x00", b.Markdown)
		} else {
			fmt.Fprint(h, wordsIn(b).text())
		}
	}
	// A letter first: an attribute of a heading may not begin like a number.
	return "s" + hex.EncodeToString(h.Sum(nil)[:4])
}

// ScriptNames returns the names of the scripts that begin with a prefix, sorted.
func (l *Lesson) ScriptNames(prefix string) []string {
	var names []string
	for name := range l.Scripts {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
