package shop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/portowner"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// minDisk is the space that logs and carts may need, in bytes.
const minDisk = 200 << 20

func checkBinary(executable string) finding {
	c := finding{Check: "binary", Verdict: verdictOK, Found: executable}
	if _, err := os.Stat(executable); err != nil {
		c.Verdict, c.Found = verdictFail, "the running binary has been deleted: "+executable
		c.Hint = "build or install it again; services are started from it"
	}
	return c
}

// checkDirectory checks the nearest existing directory, without creating any.
func checkDirectory(name, path string, verify func() error) finding {
	c := finding{Check: name, Verdict: verdictOK, Found: path}
	at := rundir.Existing(path)
	info, err := os.Stat(at)
	switch {
	case err != nil:
		c.Verdict, c.Found = verdictFail, err.Error()
	case !info.IsDir():
		c.Verdict, c.Found, c.Hint = verdictFail, at+" is not a directory", "mv "+at+" "+at+".old"
	default:
		if err := unix.Access(at, unix.W_OK|unix.X_OK); err != nil {
			c.Verdict, c.Found = verdictFail, fmt.Sprintf("%s: %s is not writable: %v", path, at, err)
			c.Hint = "chmod u+rwx " + at
		}
	}
	var refused *rundir.RefusedError
	if errors.As(verify(), &refused) {
		c.Verdict, c.Found, c.Hint = verdictFail, refused.Error(), refused.Hint
	}
	return c
}

func checkDisk(path string) finding {
	c := finding{Check: "disk", Verdict: verdictOK}
	var st unix.Statfs_t
	if err := unix.Statfs(rundir.Existing(path), &st); err != nil {
		c.Verdict, c.Found = verdictWarn, err.Error()
		return c
	}
	free := st.Bavail * uint64(st.Bsize) // Bsize is signed on Linux, and 32 bits wide on macOS
	c.Found = fmt.Sprintf("%.1f GB free", float64(free)/1e9)
	if free < minDisk {
		c.Verdict = verdictFail
		c.Hint = fmt.Sprintf("make at least %d MB free on the disk of %s", minDisk>>20, path)
	}
	return c
}

// checkPort tries the storefront's default port; a running shop may use it itself.
func checkPort(ctx context.Context, ios *iostreams.IO, dir rundir.Dir) finding {
	const port = 8080
	c := finding{Check: fmt.Sprintf("port %d", port), Verdict: verdictOK, Found: "free"}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		l.Close()
		return c
	}
	by := ""
	if owner, ok := portowner.Find(port); ok {
		by = " by " + owner.String()
	}
	c.Verdict, c.Found = verdictInfo, "taken"+by+"; the storefront will use another port"
	if _, alive := dir.Holder(); alive {
		c.Found = "taken" + by + "; the shop is running"
	}
	return c
}

func checkRedis(getenv func(string) string) finding {
	c := finding{Check: "redis-server", Verdict: verdictInfo}
	if addr := getenv("REDIS_ADDR"); addr != "" {
		c.Found = "carts are stored in the Redis at " + addr
		return c
	}
	if path, err := exec.LookPath("redis-server"); err == nil {
		c.Found = path
		return c
	}
	c.Found = "not installed; carts are stored in the embedded store, which is persistent too"
	return c
}

// checkCrash finds a crash of the daemon, or of the one before.
func checkCrash(dir rundir.Dir) finding {
	for _, log := range []string{dir.DaemonLog(), dir.PreviousDaemonLog()} {
		if crash := rundir.Crash(log); crash != "" {
			return finding{Check: "daemon", Verdict: verdictWarn, Found: "it crashed: " + crash, Hint: "its stack is in " + log}
		}
	}
	return finding{Check: "daemon", Verdict: verdictOK, Found: "no crash logged"}
}

// checkShop looks for what the running shop lacks.
func checkShop(ctx context.Context, ios *iostreams.IO, dir rundir.Dir) finding {
	c := finding{Check: "shop", Verdict: verdictInfo, Found: "not running"}
	if _, alive := dir.Holder(); !alive {
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, shopTimeout)
	defer cancel()
	shop, err := control.Dial(dir)
	var st *controlpb.StatusResponse
	if err == nil {
		defer shop.Close()
		st, err = shop.Status(ctx, &controlpb.StatusRequest{})
	}
	if err != nil {
		c.Verdict, c.Found = verdictFail, "running, and does not respond: "+status.Convert(err).Message()
		return c
	}
	view := viewStatus(ios, st)
	c.Verdict, c.Found = verdictOK, healthLine(view.Services, view.Missing)
	var fixes []string
	for _, m := range view.Missing {
		c.Found += "; " + m.Service + ": " + m.Message
		fixes = append(fixes, m.Restore)
	}
	if len(fixes) > 0 {
		c.Verdict, c.Hint = verdictWarn, strings.Join(fixes, "; ")
	}
	return c
}

// shopTimeout is how long the doctor waits for a running shop.
const shopTimeout = 3 * time.Second

func checkTerminal(ios *iostreams.IO, getenv func(string) string) finding {
	c := finding{Check: "terminal", Verdict: verdictInfo}
	switch {
	case !ios.InTTY || !ios.OutTTY:
		c.Found = "not a terminal; the terminal UI does not start"
	case getenv("TERM") == "dumb", getenv("CI") != "":
		c.Found = "TERM is dumb or CI is set; the terminal UI does not start"
	case ios.Width < 50 || ios.Height < 15:
		c.Verdict, c.Found = verdictWarn, fmt.Sprintf("%dx%d is too small for the terminal UI", ios.Width, ios.Height)
		c.Hint = "make the window at least 50x15; 120x30 shows everything"
	default:
		c.Verdict, c.Found = verdictOK, fmt.Sprintf("%s, %dx%d", getenv("TERM"), ios.Width, ios.Height)
	}
	return c
}

// leftovers checks every shop whose daemon is dead, and with --fix cleans up after it.
func (o *doctorOptions) leftovers(ctx context.Context) []finding {
	dirs, err := rundir.List(o.getenv)
	if err != nil {
		return []finding{{Check: "leftovers", Verdict: verdictWarn, Found: err.Error()}}
	}
	var found []finding
	for _, dir := range dirs {
		if _, alive := dir.Holder(); alive {
			continue
		}
		found = append(found, o.leftover(ctx, dir))
	}
	if len(found) == 0 {
		found = []finding{{Check: "leftovers", Verdict: verdictOK, Found: "none"}}
	}
	return found
}

func (o *doctorOptions) leftover(ctx context.Context, dir rundir.Dir) finding {
	c := finding{Check: "leftovers", Verdict: verdictWarn, Hint: "shopctl doctor --fix"}
	ps, err := dir.Leftovers()
	if err != nil {
		c.Found = err.Error()
		return c
	}
	c.Found = "stale run directory " + dir.Run
	if len(ps) > 0 {
		c.Verdict = verdictFail
		var names []string
		for _, p := range ps {
			names = append(names, fmt.Sprintf("%s (%d)", p.Name, p.PID))
		}
		c.Found += ", still running: " + strings.Join(names, ", ")
	}
	if !o.fix {
		return c
	}
	if _, err := dir.Clean(ctx, 2*time.Second); err != nil {
		c.Found += "; " + err.Error()
		return c
	}
	c.Fixed = true
	return c
}
