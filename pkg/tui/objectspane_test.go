package tui

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/resource"
)

// objects is a screen with the list of objects in focus.
func objects(t testing.TB, c Config) *screen {
	s := dash(t, c, shopStatus())
	s.press("o")
	s.fetch()
	return s
}

// fetch answers what the screen asks for, from its shop.
func (s *screen) fetch() {
	s.t.Helper()
	f := s.hands.feed
	f.ask(s.t.Context(), s.shop, vision{sight: s.gazing, number: s.gazed, changed: make(chan struct{})})
	f.mu.Lock()
	news := f.pending
	f.pending = batch{}
	f.mu.Unlock()
	s.send(news)
}

func TestObjectsAreListedAndFiltered(t *testing.T) {
	s := objects(t, Config{})
	s.wantText("[o Objects]", "KIND", "Deployment", "cartservice", "1/2 ready", "60m", "7070/TCP", "production")
	s.press("/")
	s.typing("dep pay")
	s.press("enter")
	s.wantText("paymentservice")
	s.wantNoText("cartservice", "ConfigMap")
	s.press("/")
	s.typing("x")
	s.wantText("nothing matches dep payx")
	s.press("esc", "G")
	s.wantText("▸ Namespace")
}

func TestAnObjectIsShownAsAManifestWithItsCommand(t *testing.T) {
	s := objects(t, Config{})
	s.press("/")
	s.typing("deployment cart")
	s.press("enter", "enter")
	s.wantText("o Objects deployment/cartservice", "$ shopctl get deployment cartservice -o yaml", "asking for the object")
	s.fetch()
	s.wantText("apiVersion: apps/v1", "replicas: 2")
	s.press("ctrl+d", "G", "g")
	_, cmd := s.Update(keyOf("Y"))
	if cmd == nil {
		t.Error("Y copies nothing")
	}
	s.wantText("copied: shopctl get deployment cartservice -o yaml")
	s.press("esc")
	s.wantText("KIND")
}

func TestValuesOfSecretsAreHidden(t *testing.T) {
	s := objects(t, Config{})
	s.press("/")
	s.typing("secret")
	s.press("enter", "enter")
	s.fetch()
	s.wantText("values are hidden here", "*** (7 bytes)")
	s.wantNoText("aHVudGVyMg", "hunter2")
}

func TestAnObjectThatIsGoneSaysSo(t *testing.T) {
	s := objects(t, Config{})
	s.objects.Open(resource.Key{Kind: "deploy", Name: "none"}, "")
	if got := s.objects.About(); got != "deployment/none" {
		t.Errorf("open is %s", got)
	}
	s.see(seen{fail: `deployment "none" does not exist`})
	s.press("j")
	s.wantText(`deployment "none" does not exist`)
}

func TestAnObjectThatDecidedIsOpenedAtItsField(t *testing.T) {
	s := openedAt(t, check.Evidence{Kind: check.ObjectEvidence, Object: "Deployment", Name: "cartservice", Field: "spec.template.spec.containers[name=server].image"})
	s.wantPane(paneObjects)
	s.fetch()
	s.size(80, 24)
	s.wantText("▸           image: shopctl/x:v1")
	s.wantBack()
	s.press("o")
	if s.objects.IsOpen() {
		t.Error("the object stays open")
	}
}

func TestAFieldIsFoundInAManifest(t *testing.T) {
	lines := strings.Split(`kind: Deployment
metadata:
  labels:
    app.kubernetes.io/name: cart
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: server
          image: x
          ports:
            - containerPort: 80`, "\n")
	for path, want := range map[string]int{
		"spec.replicas": 5, "spec.template.spec.containers[0].image": 10, "spec.template.spec.containers[name=server].ports[0].containerPort": 12,
		`metadata.labels["app.kubernetes.io/name"]`: 3, "spec.paused": 4, "none": -1, "": -1, "spec..replicas": 5, "spec[": 4,
	} {
		if got := fieldLine(lines, path); got != want {
			t.Errorf("%s is found in line %d, want %d (parts %q)", path, got, want, pathParts(path))
		}
	}
}

func TestObjectsAreAskedForEveryTwoSecondsInView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, shopStatus())
		defer f.end()
		f.look(1, sight{topic: topicObjects})
		lists := 0
		for _, b := range f.news(20 * time.Second) {
			if b.seen != nil && len(b.seen.objects) > 0 {
				lists++
			}
		}
		if lists < 9 || lists > 11 {
			t.Errorf("%d lists in 20 s", lists)
		}
		f.look(2, sight{topic: topicObjects, object: resource.Key{Kind: "Secret", Name: "payment"}})
		all := f.news(3 * time.Second)
		if !slices.ContainsFunc(all, func(b batch) bool { return b.seen != nil && slices.Contains(b.seen.manifest, "kind: Secret") }) {
			t.Errorf("no manifest in %+v", all)
		}
		_ = shop
	})
}
