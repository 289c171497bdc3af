package change

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/files"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// NewEditCmd returns the command edit.
func NewEditCmd(f *cmdutil.Factory, complete cobra.CompletionFunc) *cobra.Command {
	e, s, read := newEditor(f), &selection{}, files.Flags{}
	cmd := &cobra.Command{
		Use:   "edit KIND NAME... | KIND/NAME... | -f FILE",
		Short: "Change objects in an editor",
		Long: `Change objects in the editor that KUBE_EDITOR or EDITOR names, else vi. What is saved takes effect; what is not valid is
opened again, with the reasons on top. An empty file, or one without changes, changes nothing.`,
		Example: `shopctl edit deployment frontend
KUBE_EDITOR="code --wait" shopctl edit svc/frontend deployment/frontend --wait`,
		ValidArgsFunction: complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			read.Limit(cmd)
			switch {
			case len(read.Paths) > 0 && len(args) > 0:
				return cmdutil.UsageErr("shopctl edit --help", "KIND NAME and -f cannot be combined")
			case len(read.Paths) > 0:
				refs, err := read.Refs(f.IO.In)
				if err != nil {
					return err
				}
				s.refs = refs
			default:
				if err := s.read(args); err != nil {
					return err
				}
			}
			return e.edit(cmd.Context(), s, editorCommand(f.Getenv))
		},
	}
	read.Add(cmd, f)
	s.add(cmd)
	e.add(cmd)
	return cmd
}

// edits is the state of a command edit while its file is open.
type edits struct {
	*editor
	shop *control.Client
	// command opens the file.
	command []string
	before  []*controlpb.Object
	// reasons are why the file is opened again.
	reasons []string
	file    string
	// saved: the file has what the user wrote.
	saved bool
}

func (e *editor) edit(ctx context.Context, s *selection, command []string) error {
	shop, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	objects, err := s.objects(ctx, shop, e.namespace())
	if err != nil {
		return err
	}
	if len(objects) == 0 {
		return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl get "+s.refs[0].Kind.Plural, errors.New("edit cancelled, no objects found"))
	}
	typed := make([]resource.Object, len(objects))
	for i, o := range objects {
		if typed[i], err = edit.TypedObject(o); err != nil {
			return err
		}
	}
	toYAML := render.ToYAMLList
	if len(typed) == 1 {
		toYAML = render.ToYAML
	}
	text, err := toYAML(typed...)
	if err != nil {
		return err
	}
	d := &edits{editor: e, shop: shop, command: command, before: objects}
	if d.file, err = newFile(); err != nil {
		return err
	}
	err = d.repeat(ctx, text)
	if err == nil || !d.saved {
		return errors.Join(err, os.Remove(d.file))
	}
	d.ios.Notef("A copy of your changes has been stored to %q", d.file)
	return err
}

// repeat opens the text until what is saved is valid, or as it was.
func (d *edits) repeat(ctx context.Context, text []byte) error {
	original := withoutComments(text)
	shown := original
	for {
		saved, err := d.open(ctx, append(header(d.reasons), text...))
		if err != nil {
			return err
		}
		content := withoutComments(saved)
		switch {
		case len(d.reasons) > 0 && bytes.Equal(content, shown):
			return cmdutil.HintErr(cmdutil.ExitFailed, d.ios.Command("replace -f "+d.file), errors.New("edit cancelled, no valid changes were saved"))
		case bytes.Equal(content, original):
			d.ios.Notef("Edit cancelled, no changes made.")
			return nil
		case len(bytes.TrimSpace(content)) == 0:
			d.ios.Notef("Edit cancelled, saved file was empty.")
			return nil
		}
		text, shown = trimHeader(saved), content
		err = d.save(ctx, saved)
		if err == nil || !invalid(err) {
			return err
		}
		d.reasons = d.why(err, text)
	}
}

// why are the reasons for which the text is opened again, with its lines as they are below the reasons.
func (d *edits) why(err error, text []byte) []string {
	message, _, _ := cmdutil.Explain(err)
	reasons := strings.Split(message, "\n")
	above := bytes.Repeat([]byte("\n"), bytes.Count(header(reasons), []byte("\n")))
	if _, err := files.Decode([]*controlpb.File{{Name: d.file, Content: append(above, text...)}}); err != nil {
		return strings.Split(err.Error(), "\n")
	}
	return reasons
}

// invalid reports whether an error is about what was written.
func invalid(err error) bool {
	_, _, code := cmdutil.Explain(err)
	return code == cmdutil.ExitUsage
}

// save makes the objects what the file says.
func (d *edits) save(ctx context.Context, saved []byte) error {
	manifests, err := files.Decode([]*controlpb.File{{Name: d.file, Content: saved}})
	if err != nil {
		return err
	}
	changes := map[resource.Key][]byte{}
	for _, m := range manifests {
		key := resource.KeyOf(m.Object)
		before := d.find(key)
		if before == nil {
			return cmdutil.HintErr(cmdutil.ExitFailed, d.ios.Command("replace -f "+d.file), errors.New("at least one of apiVersion, kind and name was changed"))
		}
		if changes[key], err = difference(before, m); err != nil {
			return err
		}
	}
	refs := []find.Ref{}
	for _, o := range d.before {
		key := resource.Key{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
		if changes[key] == nil {
			continue
		}
		kind, err := find.Lookup(key.Kind)
		if err != nil {
			return err
		}
		refs = append(refs, find.Ref{Kind: kind, Names: []string{key.Name}, Namespace: key.Namespace})
	}
	if len(refs) == 0 {
		return d.skipped()
	}
	return d.change(ctx, d.shop, &selection{refs: refs}, "edited", func(o *controlpb.Object, tree map[string]any) error {
		patch := changes[resource.Key{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}]
		return throughJSON(tree, func(doc []byte) ([]byte, error) { return jsonpatch.MergePatch(doc, patch) })
	})
}

// skipped reports objects that are as they were, although the file is not.
func (d *edits) skipped() error {
	for _, o := range d.before {
		if _, err := fmt.Fprintf(d.ios.Out, "%s skipped\n", iostreams.OneLine(edit.Ref(o))); err != nil {
			return err
		}
	}
	return nil
}

func (d *edits) find(key resource.Key) *controlpb.Object {
	for _, o := range d.before {
		if o.GetKind() == key.Kind && o.GetName() == key.Name && (key.Namespace == "" || key.Namespace == o.GetNamespace()) {
			return o
		}
	}
	return nil
}

// difference is the merge patch (RFC 7386) that makes an object what was written; nil if it is. The status and what else the
// shop sets are left as they are.
func difference(before *controlpb.Object, m resource.Manifest) ([]byte, error) {
	written, err := json.Marshal(m.Written)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", edit.Ref(before), err)
	}
	patch, err := jsonpatch.CreateMergePatch(before.GetJson(), written)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", edit.Ref(before), err)
	}
	var tree map[string]any
	if err := json.Unmarshal(patch, &tree); err != nil {
		return nil, fmt.Errorf("compare %s: %w", edit.Ref(before), err)
	}
	delete(tree, "status")
	if meta, ok := tree["metadata"].(map[string]any); ok {
		for _, field := range []string{"namespace", "uid", "creationTimestamp", "generation", "managedFields", "resourceVersion"} {
			delete(meta, field)
		}
		if len(meta) == 0 {
			delete(tree, "metadata")
		}
	}
	if len(tree) == 0 {
		return nil, nil
	}
	return json.Marshal(tree)
}
