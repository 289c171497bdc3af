//go:build linux && !race

package nats

import (
	_ "unsafe" // for the link

	_ "github.com/nats-io/nats-server/v2/server/pse" // initialized before this package
)

// procStat is the file that the server's package pse reads each second from its initialization on, for a statistic of its
// monitoring port, which is not open here. All processes of this binary would do so. Without the file, it stops at the first
// time.
//
//go:linkname procStat github.com/nats-io/nats-server/v2/server/pse.procStatFile
var procStat string

func init() { procStat = "" }
