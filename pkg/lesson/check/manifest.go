package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/resource"
	manifests "github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// maxManifest bounds the file that is read, in bytes.
const maxManifest = 1 << 20

// manifestAsker evaluates probe.Manifest.
type manifestAsker struct{ *probe.Manifest }

func (a manifestAsker) command() string {
	return "shopctl diff -f " + a.File
}

func (a manifestAsker) evidence() Evidence {
	return Evidence{Kind: FileEvidence, Name: a.File}
}

// evaluate reads a file of the learner as strictly as apply would, and compares its objects.
func (a manifestAsker) evaluate(_ context.Context, p Prober, _ Baseline) Result {
	want := a.Manifest
	r := Result{Verdict: Fail, Expected: want.File + ": " + wantedObjects(want.Objects)}
	path := filepath.Join(p.Workspace, filepath.FromSlash(want.File))
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Observed = want.File + " does not exist yet"
		return r
	case err == nil && (!info.Mode().IsRegular() || info.Size() > maxManifest):
		r.Observed = want.File + " is not a regular file of at most 1 MiB"
		return r
	}
	content, err := os.ReadFile(path)
	if err != nil {
		r.Verdict, r.Observed = Inconclusive, err.Error()
		return r
	}
	objects, err := manifests.Decode(want.File, content)
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
	for _, o := range want.Objects {
		holds, observed := findObject(o, objects)
		ok = ok && holds
		parts = append(parts, observed)
	}
	if len(parts) == 0 {
		ok = len(objects) > 0
		parts = append(parts, fmt.Sprintf("%d objects", len(objects)))
	}
	r.Verdict, r.Observed = verdict(ok), want.File+": "+strings.Join(parts, "; ")
	return r
}

func wantedObjects(objects []probe.ManifestObject) string {
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
func findObject(want probe.ManifestObject, objects []resource.Manifest) (ok bool, observed string) {
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
