package apiserver

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/kubectl/pkg/cmd/apply"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// kubectl applies manifests as the command of that name does.
type kubectl struct {
	config    *rest.Config
	namespace string
	discovery discovery.CachedDiscoveryInterface
	mapper    meta.RESTMapper

	mu       sync.Mutex
	warnings []string
}

func newKubectl(t *testing.T, config *rest.Config) *kubectl {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	cached := memory.NewMemCacheClient(client)
	k := &kubectl{discovery: cached, mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached)}
	k.config = rest.CopyConfig(config)
	k.config.WarningHandler = k
	return k
}

// HandleWarningHeader collects the warnings of responses.
func (k *kubectl) HandleWarningHeader(_ int, _, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.warnings = append(k.warnings, text)
}

func (k *kubectl) takeWarnings() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.warnings
	k.warnings = nil
	slices.Sort(taken)
	return taken
}

func (k *kubectl) ToRESTConfig() (*rest.Config, error) { return k.config, nil }

func (k *kubectl) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return k.discovery, nil
}

func (k *kubectl) ToRESTMapper() (meta.RESTMapper, error) { return k.mapper, nil }

func (k *kubectl) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	overrides := &clientcmd.ConfigOverrides{Context: clientcmdapi.Context{Namespace: k.namespace}}
	return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(), overrides)
}

// apply applies a manifest and returns the object that the server answers with, as JSON.
func (k *kubectl) apply(t *testing.T, manifest string, dryRun bool) ([]byte, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	factory := cmdutil.NewFactory(k)
	streams := genericiooptions.IOStreams{In: bytes.NewReader(nil), Out: &out, ErrOut: io.Discard}
	flags := apply.NewApplyFlags(streams)
	cmd := apply.NewCmdApply("kubectl", factory, streams)
	cmd.ResetFlags()
	flags.AddFlags(cmd)
	args := []string{"--filename=" + file, "--output=json"}
	if dryRun {
		args = append(args, "--dry-run=server")
	}
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	options, err := flags.ToOptions(factory, cmd, "kubectl", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := options.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := options.Run(); err != nil {
		return nil, &applyError{err, file}
	}
	return out.Bytes(), nil
}

// applyError is an error of kubectl without the file's directory, which is another each time.
type applyError struct {
	error
	file string
}

func (e *applyError) Unwrap() error { return e.error }

func (e *applyError) Error() string {
	return strings.ReplaceAll(e.error.Error(), e.file, filepath.Base(e.file))
}

// refusal describes the error of an apply.
func refusal(err error) (reason string, causes []Cause) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return "client", []Cause{{Message: err.Error()}}
	}
	s := status.Status()
	if s.Details == nil || len(s.Details.Causes) == 0 {
		return string(s.Reason), []Cause{{Message: err.Error()}}
	}
	for _, c := range s.Details.Causes {
		causes = append(causes, Cause{Field: c.Field, Type: string(c.Type), Message: c.Message})
	}
	return string(s.Reason), causes
}
