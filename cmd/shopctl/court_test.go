package main_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wholeCourt tries all columns in all rows: `make test-court` does so.
var wholeCourt = flag.Bool("court", false, "let TestTheCourtFindsPlantedMistakes try all columns in all rows, not those without a kill only")

// trial is what `saga prove -o json` prints.
type trial struct {
	Orders, Wrong int
	NotReached    int `json:"not_reached"`
	Cells         []struct{ Killed, Step, When, Column, Wrong string }
}

// mistakes are what can be wrong with smallcheckout, and the cells that show it: columns by who is killed, the step and the
// point. The rows in which shipping loses its responses are those of the steps "cancel shipment" and "refund".
func mistakes() map[string]map[string]string {
	const all = "once twice late lost"
	takenBack := map[string]string{
		"- charge": "lost", "- ship": "lost", "- cancel shipment": "twice late lost", "- refund": "twice late lost",
		"checkout charge arrived": "late", "checkout charge done": all, "checkout charge after": all,
		"checkout ship arrived": all, "checkout ship done": all, "checkout ship after": "lost",
		"payment charge arrived": "late", "payment charge done": all, "payment charge after": "lost",
		"shipping ship arrived": all, "shipping ship done": all, "shipping ship after": "lost",
	}
	for _, who := range []string{"checkout cancel shipment", "checkout refund", "payment refund", "shipping cancel shipment"} {
		for _, when := range []string{"arrived", "done", "after"} {
			takenBack[who+" "+when] = all
		}
	}
	return map[string]map[string]string{
		"":                nil,
		"no-compensation": takenBack,
		"not-idempotent": {
			"- charge":                "twice late lost",
			"checkout charge arrived": "twice late", "checkout charge done": all, "checkout charge after": "twice late lost",
			"payment charge arrived": "twice late", "payment charge done": all, "payment charge after": "twice late lost",
		},
		"commit-before-publish": {
			"- empty cart":        "lost",
			"checkout ship after": "once twice late", "checkout empty cart arrived": all, "checkout empty cart done": all, "checkout empty cart after": all,
			"checkout confirm arrived": "once twice lost",
			"cart empty cart arrived":  all, "cart empty cart done": all, "cart empty cart after": "lost",
			"email confirm arrived": "once twice lost",
		},
	}
}

// A checkout in another process, which is not built on the chassis, stands trial: as it is, and with each of three mistakes,
// which turn exactly the cells wrong in which they matter.
func TestTheCourtFindsPlantedMistakes(t *testing.T) {
	s := startStormShop(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "smallcheckout")
	if out, err := exec.Command("go", "build", "-tags", "grpcnotrace", "-o", program, "../../pkg/court/smallcheckout").CombinedOutput(); err != nil {
		t.Fatalf("build smallcheckout: %v\n%s", err, out)
	}
	write(t, filepath.Join(dir, "shopctl.yaml"), "images:\n  smallcheckout: "+program+"\n")
	t.Chdir(dir)
	s.run(t, "config", "trust")
	for mistake, want := range mistakes() {
		t.Run("mistake "+mistake, func(t *testing.T) {
			write(t, filepath.Join(dir, "own.yaml"), fmt.Sprintf(ownCheckout, mistake, filepath.Join(dir, "journal of "+mistake)))
			s.run(t, "apply", "-f", "own.yaml", "--wait")
			args := []string{"saga", "prove", "--service", "mycheckout", "--within", "10s", "-o", "json", "-q"}
			if *wholeCourt {
				args = append(args, "--matrix")
			} else {
				args = append(args, "--killed", "none")
			}
			v := s.prove(t, mistake != "", args...)
			if got, want := v.wrong(), v.expected(want); !slices.Equal(got, want) {
				t.Errorf("wrong cells:\n%s\n\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			t.Logf("%d orders, %d wrong, %d not at their point", v.Orders, v.Wrong, v.NotReached)
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// prove runs a trial, whose exit code is 1 if something is wrong.
func (s *stormShop) prove(t *testing.T, wrong bool, args ...string) (v trial) {
	t.Helper()
	cmd := exec.Command(filepath.Join(binary.dir, "shopctl"), args...)
	cmd.Env = s.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != map[bool]int{false: 0, true: 1}[wrong] {
		t.Errorf("exit code %d: %v\n%s", cmd.ProcessState.ExitCode(), err, stderr.String())
	}
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, stderr.String())
	}
	return v
}

func (v trial) each(use func(row, column, wrong string)) {
	for _, c := range v.Cells {
		killed := strings.TrimPrefix(c.Killed, "my")
		if killed == "" {
			killed = "-"
		}
		use(strings.TrimSpace(killed+" "+c.Step+" "+c.When), strings.TrimPrefix(c.Column, "reply "), c.Wrong)
	}
}

func (v trial) wrong() (cells []string) {
	v.each(func(row, column, wrong string) {
		if wrong != "" {
			cells = append(cells, row+", "+column)
		}
	})
	return cells
}

// expected are the cells that were tried of those that are to be wrong.
func (v trial) expected(want map[string]string) (cells []string) {
	v.each(func(row, column, _ string) {
		if slices.Contains(strings.Fields(want[row]), column) {
			cells = append(cells, row+", "+column)
		}
	})
	return cells
}

// ownCheckout is the manifest of a checkout beside the built-in one, with a mistake and the path of its journal.
const ownCheckout = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: mycheckout
spec:
  selector:
    matchLabels: {app: mycheckout}
  template:
    metadata:
      labels: {app: mycheckout}
    spec:
      containers:
        - name: server
          image: smallcheckout:v1
          ports:
            - {name: grpc, containerPort: 5050}
          env:
            - {name: PORT, value: "5050"}
            - {name: CHECKOUT_MISTAKE, value: %q}
            - {name: CHECKOUT_JOURNAL, value: %q}
            - {name: PRODUCT_CATALOG_SERVICE_ADDR, value: "productcatalogservice:3550"}
            - {name: SHIPPING_SERVICE_ADDR, value: "shippingservice:50051"}
            - {name: PAYMENT_SERVICE_ADDR, value: "paymentservice:50051"}
            - {name: EMAIL_SERVICE_ADDR, value: "emailservice:5000"}
            - {name: CURRENCY_SERVICE_ADDR, value: "currencyservice:7000"}
            - {name: CART_SERVICE_ADDR, value: "cartservice:7070"}
          readinessProbe:
            periodSeconds: 1
            grpc: {port: 5050}
---
apiVersion: v1
kind: Service
metadata:
  name: mycheckout
spec:
  selector: {app: mycheckout}
  ports:
    - {name: grpc, port: 5050}
`
