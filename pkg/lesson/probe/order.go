package probe

import (
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Order audits the shop's money: each charge since the step began belongs to an order that was placed, or was
// refunded. It reads the spans on which payment and checkout record each transaction.
type Order struct {
	At strictyaml.Position
	// Window limits how far back charges count; default: to the beginning of the step.
	Window time.Duration `yaml:"window"`
	// Charges, Orders and Refunds bound their numbers.
	Charges *Bound `yaml:"charges"`
	Orders  *Bound `yaml:"orders"`
	Refunds *Bound `yaml:"refunds"`
	// Lost are charges without an order or a refund; default 0.
	Lost *Bound `yaml:"lost"`
}

// Validate implements Probe.
func (o *Order) Validate(report Report) { report.bounds(o.Charges, o.Orders, o.Refunds, o.Lost) }

// ProbeKind implements Probe.
func (*Order) ProbeKind() string { return "order" }

// NamedServices implements Probe.
func (o *Order) NamedServices() []Named { return []Named{{"payment", o.At}, {"checkout", o.At}} }

// Lookback implements Probe.
func (o *Order) Lookback() time.Duration { return o.Window }

// Triggers implements Probe.
func (*Order) Triggers() Event { return TraceEnded }
