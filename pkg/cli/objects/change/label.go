package change

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// NewLabelCmd returns the command label. complete completes names of objects.
func NewLabelCmd(f *cmdutil.Factory, complete cobra.CompletionFunc) *cobra.Command {
	return metadataCmd(f, complete, "labels", "label", "labeled", "shopctl label deployment frontend tier=web\nshopctl label deployment frontend tier-\nshopctl label services --all team=shop --overwrite")
}

// NewAnnotateCmd returns the command annotate.
func NewAnnotateCmd(f *cmdutil.Factory, complete cobra.CompletionFunc) *cobra.Command {
	return metadataCmd(f, complete, "annotations", "annotation", "annotated", "shopctl annotate deployment frontend kubernetes.io/change-cause='new image'\nshopctl annotate deployment frontend kubernetes.io/change-cause-")
}

// metadataCmd is a command that sets and removes entries of a map in the metadata.
func metadataCmd(f *cmdutil.Factory, complete cobra.CompletionFunc, field, what, done, example string) *cobra.Command {
	e, s, overwrite := newEditor(f), &selection{}, false
	verb := strings.TrimSuffix(done, "ed")
	if verb == "annotat" {
		verb = "annotate"
	}
	cmd := &cobra.Command{
		Use:               verb + " KIND NAME... KEY=VALUE... KEY-...",
		Short:             "Set or remove " + field + " of objects",
		Example:           example,
		Args:              cmdutil.AtLeast(2, "KIND NAME and KEY=VALUE"),
		ValidArgsFunction: complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, set, unset, err := pairs(args)
			if err != nil {
				return err
			}
			if err := s.read(names); err != nil {
				return err
			}
			return e.run(cmd.Context(), s, done, func(_ string, tree map[string]any) error {
				entries := object(tree, "metadata", field)
				for key, value := range set {
					if old, ok := entries[key]; ok && old != value && !overwrite {
						return cmdutil.UsageErr("add --overwrite", "%q already has a value (%v), and --overwrite is not given", key, old)
					}
					entries[key] = value
				}
				for _, key := range unset {
					delete(entries, key)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace a "+what+" that has another value")
	s.add(cmd)
	e.add(cmd)
	return cmd
}

// pairs splits arguments into names of objects, and what follows: KEY=VALUE and KEY-.
func pairs(args []string) (names []string, set map[string]string, unset []string, err error) {
	set = map[string]string{}
	for _, arg := range args {
		key, value, isSet := strings.Cut(arg, "=")
		gone, isUnset := strings.CutSuffix(arg, "-")
		switch {
		case isSet && key != "":
			set[key] = value
		case isUnset && gone != "":
			unset = append(unset, gone)
		case len(set)+len(unset) > 0:
			return nil, nil, nil, cmdutil.UsageErr("KEY=VALUE sets an entry, KEY- removes it", "read %q: want KEY=VALUE or KEY- after the first of them", arg)
		default:
			names = append(names, arg)
		}
	}
	if len(set)+len(unset) == 0 {
		err = cmdutil.UsageErr("KEY=VALUE sets an entry, KEY- removes it", "missing argument: KEY=VALUE or KEY-")
	}
	return names, set, unset, err
}

// NewSetImageCmd returns the command set image.
func NewSetImageCmd(f *cmdutil.Factory) *cobra.Command {
	e, s := newEditor(f), &selection{}
	cmd := &cobra.Command{
		Use:   "image deployment/NAME CONTAINER=IMAGE...",
		Short: "Set the images of a Deployment's containers",
		Long:  "Set the images of a Deployment's containers; * means all of them. The Deployment rolls out.",
		Example: `shopctl set image deployment/productcatalogservice server=shopctl/catalog:v2 --wait
shopctl set image deployment web '*=web:v2'`,
		Args: cmdutil.AtLeast(2, "deployment/NAME and CONTAINER=IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			names, images, _, err := pairs(args)
			if err != nil {
				return err
			}
			if err := s.read(names); err != nil {
				return err
			}
			return e.run(cmd.Context(), s, "image updated", func(kind string, tree map[string]any) error { return setImages(tree, kind, images) })
		},
	}
	s.add(cmd)
	e.add(cmd)
	return cmd
}

func setImages(tree map[string]any, kind string, images map[string]string) error {
	spec := object(tree, "spec", "template", "spec")
	used := map[string]bool{}
	var known []string
	for _, list := range []string{"initContainers", "containers"} {
		containers, _ := spec[list].([]any)
		for _, item := range containers {
			c, _ := item.(map[string]any)
			name, _ := c["name"].(string)
			known = append(known, name)
			for _, want := range []string{"*", name} {
				if image, ok := images[want]; ok {
					c["image"], used[want] = image, true
				}
			}
		}
	}
	for name := range images {
		if !used[name] {
			return fmt.Errorf("no container %q in this %s: it has %s", name, kind, strings.Join(known, ", "))
		}
	}
	return nil
}
