package explain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/resource"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// The form is that of the template of k8s.io/kubectl.
func TestAFieldIsExplainedInTheFormOfKubectl(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "explain", "deploy.spec.strategy")
	const want = `GROUP:      apps
KIND:       Deployment
VERSION:    v1

FIELD: strategy <DeploymentStrategy>


DESCRIPTION:
    The deployment strategy to use to replace existing pods with new ones.
    DeploymentStrategy describes how to replace existing pods with new ones.
    ` + `
FIELDS:
  rollingUpdate	<RollingUpdateDeployment>
    Rolling update config params. Present only if DeploymentStrategyType =
    RollingUpdate.

`
	if got := w.Out.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestEveryKindCanBeExplainedToItsLastField(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, k := range resource.Kinds() {
		w.Want(cmdutil.ExitOK, "explain", k.Plural, "--recursive")
		w.WantOut("KIND:       "+k.Name+"\n", "  metadata\t<ObjectMeta>")
		for _, version := range k.AlsoServed {
			w.Want(cmdutil.ExitOK, "explain", k.Plural, "--api-version", version)
			w.WantOut("VERSION:    " + version[strings.Index(version, "/")+1:])
		}
		for _, f := range slices.Concat(k.Inert(), k.Unfollowed()) {
			path := k.Plural + "." + strings.NewReplacer("[]", "", "[*]", "").Replace(f.Field)
			if strings.Contains(path, "[") {
				continue // one entry of a mapping
			}
			w.Want(cmdutil.ExitOK, "explain", path)
			w.WantOut("IN SHOPCTL:\n")
		}
	}
}

func TestFieldsThatDoNothingHereAreMarked(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "explain", "pod.spec")
	w.WantOut("In shopctl: has no effect here, where every instance runs on this machine\n")
	w.Want(cmdutil.ExitOK, "explain", "vs.spec", "-R")
	w.WantOut("exportTo\t<[]string> # is not followed here")
	w.Want(cmdutil.ExitOK, "explain", "deployment.spec.template.spec.affinity.nodeAffinity")
	w.WantOut("IN SHOPCTL:\n    spec.template.spec.affinity has no effect here")
	w.Want(cmdutil.ExitOK, "explain", "deployment.spec.replicas")
	if strings.Contains(w.Out.String(), "SHOPCTL") {
		t.Errorf("a field that is followed is marked:\n%s", w.Out.String())
	}
}

func TestWhatCannotBeExplainedIsNamed(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitFailed, "explain", "deployment.spec.replcas")
	w.WantErr(`error: field "replcas" does not exist`, "hint: shopctl explain deployment.spec.replicas")
	w.Want(cmdutil.ExitFailed, "explain", "deployment.spec.replicas.more")
	w.WantErr(`error: field "more" does not exist`)
	w.Want(cmdutil.ExitFailed, "explain", "dr", "--api-version", "apps/v1")
	w.WantErr("couldn't find resource", "--api-version networking.istio.io/v1")
	w.Want(cmdutil.ExitUsage, "explain", "ingress")
	w.Want(cmdutil.ExitUsage, "explain")
}
