package probe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/resource"
	manifests "github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Manifest is a file in the workspace that the learner writes: it must decode strictly.
type Manifest struct {
	At   strictyaml.Position
	File string `yaml:"file" lesson:"required"`
	// Objects must be in the file.
	Objects []ManifestObject `yaml:"objects"`
}

// ManifestObject is an object that the file must contain.
type ManifestObject struct {
	At     strictyaml.Position
	Kind   string  `yaml:"kind" lesson:"required"`
	Name   string  `yaml:"name"`
	Fields []Field `yaml:"fields"`
}

// Validate implements Probe.
func (m *Manifest) Validate(report Report) {
	if !filepath.IsLocal(m.File) {
		report(m.At, "a manifest check names a file of the workspace, got %q", m.File)
	}
	for _, o := range m.Objects {
		if o.Kind == "" {
			report(o.At, "an object has a kind")
		} else {
			report.kind(o.At, o.Kind)
		}
		report.fields(o.Fields)
	}
}

// ProbeKind implements Probe.
func (*Manifest) ProbeKind() string { return "manifest" }

// NamedServices implements Probe.
func (*Manifest) NamedServices() []Named { return nil }

// Lookback implements Probe.
func (*Manifest) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Manifest) Triggers() Event { return 0 }

// maxManifest bounds the file that is read, in bytes.
const maxManifest = 1 << 20

// Command implements Probe.
func (m *Manifest) Command() string {
	return shellword.Join("shopctl", "diff", "-f", m.File)
}

// Evidence implements Probe.
func (m *Manifest) Evidence() Evidence {
	return Evidence{Kind: FileEvidence, Name: m.File}
}

// Ask implements Probe. It reads a file of the learner as strictly as apply would, and compares its objects.
func (m *Manifest) Ask(_ context.Context, env Env, _ Baseline) Result {
	r := Result{Verdict: Fail, Expected: m.File + ": " + wantedObjects(m.Objects)}
	path := filepath.Join(env.Workspace, filepath.FromSlash(m.File))
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Observed = m.File + " does not exist yet"
		return r
	case err == nil && (!info.Mode().IsRegular() || info.Size() > maxManifest):
		r.Observed = m.File + " is not a regular file of at most 1 MiB"
		return r
	}
	content, err := os.ReadFile(path)
	if err != nil {
		r.Verdict, r.Observed = Inconclusive, err.Error()
		return r
	}
	objects, err := manifests.Decode(m.File, content)
	if err != nil {
		var problems resource.Problems
		if errors.As(err, &problems) && len(problems) > 0 {
			err = errors.New(problems[0].String())
		}
		r.Observed = err.Error()
		return r
	}
	ok := true
	var parts []string
	for _, o := range m.Objects {
		holds, observed := findObject(o, objects)
		ok = ok && holds
		parts = append(parts, observed)
	}
	if len(parts) == 0 {
		ok = len(objects) > 0
		parts = append(parts, fmt.Sprintf("%d objects", len(objects)))
	}
	r.Verdict, r.Observed = verdict(ok), m.File+": "+strings.Join(parts, "; ")
	return r
}

func wantedObjects(objects []ManifestObject) string {
	if len(objects) == 0 {
		return "valid objects"
	}
	parts := make([]string, len(objects))
	for i, o := range objects {
		parts[i] = strings.TrimSpace(o.Kind+" "+o.Name) + ": " + wantedFields(o.Fields, "is there")
	}
	return strings.Join(parts, "; ")
}

// findObject finds the object among those of a file; of several of a kind, one that matches.
func findObject(want ManifestObject, objects []resource.Manifest) (ok bool, observed string) {
	if k, err := resource.LookupKind(want.Kind); err == nil {
		want.Kind = k.Name
	}
	what := strings.TrimSpace(want.Kind + " " + want.Name)
	var others []string
	for _, o := range objects {
		kind, name := o.Object.GetObjectKind().GroupVersionKind().Kind, o.Object.GetName()
		if kind == "" {
			kind, _ = o.Written["kind"].(string)
		}
		if kind != want.Kind || want.Name != "" && name != want.Name {
			others = append(others, kind+" "+name)
			continue
		}
		holds, is := compareFields(want.Fields, o.Written)
		observed = what + ": " + is
		if holds {
			return true, observed
		}
	}
	if observed == "" {
		observed = "there is no " + what + strictyaml.DidYouMean(what, others)
	}
	return false, observed
}
