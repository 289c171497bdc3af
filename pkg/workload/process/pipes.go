package process

import (
	"os"
)

// pipes are the ends of a container's pipes: child* are handed to it, the others stay here.
type pipes struct {
	childDown, childUp, childOut *os.File
	down, up, out                *os.File
}

func newPipes() (p pipes, err error) {
	for _, pair := range []struct{ r, w **os.File }{{&p.childDown, &p.down}, {&p.up, &p.childUp}, {&p.out, &p.childOut}} {
		if *pair.r, *pair.w, err = os.Pipe(); err != nil {
			p.closeChild()
			p.closeOurs()
			return p, err
		}
	}
	return p, nil
}

func (p pipes) closeChild() { closeAll(p.childDown, p.childUp, p.childOut) }

func (p pipes) closeOurs() { closeAll(p.down, p.up, p.out) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}
