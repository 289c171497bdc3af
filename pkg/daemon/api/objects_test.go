package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/resource/decode"
)

const initPod = `apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      initContainers: [{name: prepare, image: "none:v1"}]
      containers: [{name: server, image: "some:v1"}, {name: side, image: "none:v2"}]
`

func TestImagesOfAllContainersAreChecked(t *testing.T) {
	manifests, err := decode.Decode("app.yaml", []byte(initPod))
	if err != nil {
		t.Fatal(err)
	}
	s := &objectsServer{checkImage: func(image string, _ []string) error {
		if strings.HasPrefix(image, "none") {
			return errors.New("there is no " + image)
		}
		return nil
	}}
	var got []string
	for _, p := range s.imageWarnings(manifests).Sorted() {
		got = append(got, p.String())
	}
	want := []string{"spec.template.spec.initContainers[0].image: there is no none:v1", "spec.template.spec.containers[1].image: there is no none:v2"}
	if len(got) != 2 || !strings.Contains(got[0], want[0]) || !strings.Contains(got[1], want[1]) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := new(objectsServer).imageWarnings(manifests); len(got) != 0 {
		t.Errorf("where every image can be tried: %v", got)
	}
}
