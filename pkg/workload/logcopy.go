package workload

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/shopctl/shopctl/pkg/logrecord"
	"github.com/shopctl/shopctl/pkg/printable"
)

// maxLine is the longest line that is kept whole; a longer one is cut into several.
const maxLine = 64 << 10

// copyLines copies output line by line. A line that is not a JSON object becomes one, and one without a time is stamped, so
// that every line of a log has a time and a message. Lines that are there already are written together. The error is why reading
// ended; nil at the end of the output.
func copyLines(to io.Writer, from io.Reader, now func() time.Time) error {
	lines := bufio.NewReaderSize(from, 4<<10)
	var line, batch []byte
	for {
		part, err := lines.ReadSlice('\n')
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) && len(line) < maxLine {
			continue
		}
		if len(bytes.TrimSpace(line)) > 0 {
			batch = append(batch, asJSON(bytes.TrimRight(line, "\r\n"), now())...)
		}
		if len(batch) > 0 && (lines.Buffered() == 0 || len(batch) > maxLine || err != nil) {
			// A log that cannot be written (a full disk) must not stop the container: the lines are lost.
			_, _ = to.Write(batch)
			batch = batch[:0]
		}
		line = line[:0]
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}

// asJSON makes a record of a line. A record without a time that can be right gets the time at which it came, in front of it.
func asJSON(line []byte, now time.Time) []byte {
	if logrecord.HasOwnTime(line, now) {
		return append(line, '\n')
	}
	if r, ok := logrecord.Parse(line); ok {
		if at, written := r.TimeAt(now); !written {
			line = logrecord.Stamp(line, at)
		}
		return append(line, '\n')
	}
	return record(now, logrecord.TextLevel(printable.WithoutColors(string(line))), string(line))
}

// record is a line of a log.
func record(now time.Time, severity, message string) []byte {
	line, err := json.Marshal(struct {
		Timestamp time.Time `json:"timestamp"`
		Severity  string    `json:"severity"`
		Message   string    `json:"message"`
	}{now.UTC(), severity, message})
	if err != nil {
		return []byte(message + "\n") // not reached: a time and strings can be encoded
	}
	return append(line, '\n')
}

// logError logs why a container failed, which its program may have no level for, or no time.
func logError(log io.Writer, now time.Time, message string) {
	_, _ = log.Write(record(now, "error", message)) // as in copyLines
}
