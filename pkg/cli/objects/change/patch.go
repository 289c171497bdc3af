package change

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"

	"github.com/spf13/cobra"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/merge"
)

// NewPatchCmd returns the command patch.
func NewPatchCmd(f *cmdutil.Factory, complete cobra.CompletionFunc) *cobra.Command {
	e, s := newEditor(f), &selection{}
	kind, text, file := "strategic", "", ""
	kinds := []string{"strategic", "merge", "json"}
	cmd := &cobra.Command{
		Use:   "patch KIND NAME -p PATCH",
		Short: "Change fields of an object",
		Long: `Change fields of an object by a patch in JSON or YAML. A strategic patch merges lists whose elements have a
name, such as containers; a merge patch (RFC 7386) replaces lists; a JSON patch (RFC 6902) is a list of operations.`,
		Example: `shopctl patch deployment frontend -p '{"spec": {"replicas": 2}}'
shopctl patch deployment frontend --type json -p '[{"op": "remove", "path": "/metadata/labels/tier"}]'`,
		Args:              cmdutil.AtLeast(1, "KIND NAME"),
		ValidArgsFunction: complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			if file != "" {
				if err := f.CheckFile(file); err != nil {
					return err
				}
				content, err := os.ReadFile(file)
				if err != nil {
					return cmdutil.HintErr(cmdutil.ExitUsage, "give --patch-file a file", fmt.Errorf("read patch: %w", err))
				}
				text = string(content)
			}
			if text == "" {
				return cmdutil.UsageErr(`-p '{"spec": {"replicas": 2}}'`, "missing flag: -p with a patch, or --patch-file")
			}
			patch, err := parsePatch(kind, text)
			if err != nil {
				return cmdutil.UsageErr(`-p '{"spec": {"replicas": 2}}'`, "read patch: %w", err)
			}
			if err := s.read(args); err != nil {
				return err
			}
			return e.run(cmd.Context(), s, "patched", patch)
		},
	}
	cmd.Flags().StringVarP(&text, "patch", "p", "", "the `PATCH`, in JSON or YAML")
	cmd.Flags().StringVar(&file, "patch-file", "", "`FILE` with the patch")
	cmdutil.Must(cmd.MarkFlagFilename("patch-file", "yaml", "yml", "json"))
	cmd.Flags().Var(&cmdutil.EnumFlag{Value: &kind, Allowed: kinds, Kind: "TYPE"}, "type", "what the patch is: strategic, merge, json")
	cmdutil.CompleteWords(cmd, "type", kinds...)
	e.add(cmd)
	return cmd
}

// parsePatch returns the change that a patch makes.
func parsePatch(kind, text string) (func(kind string, tree map[string]any) error, error) {
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	if kind == "json" {
		operations, err := jsonpatch.DecodePatch(data)
		if err != nil {
			return nil, fmt.Errorf("want a list of operations: %w", err)
		}
		return func(_ string, tree map[string]any) error { return throughJSON(tree, operations.Apply) }, nil
	}
	var patch map[string]any
	if err := json.Unmarshal(data, &patch); err != nil || patch == nil {
		return nil, fmt.Errorf("want an object, such as {\"spec\": {\"replicas\": 2}}")
	}
	if kind == "merge" {
		return func(_ string, tree map[string]any) error {
			return throughJSON(tree, func(doc []byte) ([]byte, error) { return jsonpatch.MergePatch(doc, data) })
		}, nil
	}
	return func(kind string, tree map[string]any) error {
		k, err := resource.LookupKind(kind)
		if err != nil {
			return err
		}
		merged := merge.Patch(reflect.TypeOf(k.New()), tree, patch)
		clear(tree)
		for name, value := range merged {
			tree[name] = value
		}
		return nil
	}, nil
}

// throughJSON changes an object as JSON.
func throughJSON(tree map[string]any, change func(doc []byte) ([]byte, error)) error {
	doc, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	if doc, err = change(doc); err != nil {
		return err
	}
	clear(tree)
	return json.Unmarshal(doc, &tree)
}
