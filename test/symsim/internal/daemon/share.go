// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// share is the way of everything that the master writes: what is below the shared directory it also notes in the write
// log there, so that a test can see that no two masters write one directory at a time. It keeps nobody from writing: that
// is the start scripts' work.
type share struct {
	mutex sync.Mutex
	// top is the shared directory, empty on hosts that are not the master and on a master without one.
	top string
	// log is the write log in it.
	log      string
	identity string
	began    bool
	stopped  bool
}

var errStopped = errors.New("LIM stops and writes nothing any more")

// write notes after the fact: a write that hung while another master took over must not look as if it came before.
func (s *share) write(path string, do func() error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.stopped {
		return errStopped
	}
	err := do()
	if what, below := strings.CutPrefix(path, s.top+"/"); below && s.top != "" {
		err = errors.Join(err, s.note(what))
	}
	return err
}

// append notes what is no other write: the start, and that the master still runs.
func (s *share) append(what string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.top == "" || s.stopped {
		return nil
	}
	s.began = true
	return s.note(what)
}

// stop is the last word, and only of a daemon that was the master.
func (s *share) stop() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.began && !s.stopped {
		_ = s.note("stop")
	}
	s.stopped = true
}

func (s *share) note(what string) error {
	line := fmt.Sprintf("%s %s %s\n", time.Now().UTC().Format(time.RFC3339Nano), s.identity, what)
	return appendTo(s.log, []byte(line))
}

// appendTo is one call for all lines, so that nobody else's come between.
func appendTo(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o664)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// beatOnShare shows each second that this master runs, whatever else it has to write.
func (d *lim) beatOnShare(ctx context.Context) {
	what, said := "start", ""
	for {
		err := d.share.append(what)
		if err != nil && err.Error() != said {
			said = err.Error()
			d.log.Printf("beatOnShare(): %v", err)
		}
		if !wait(ctx, time.Second) {
			return
		}
		what = "heartbeat"
	}
}

// sharedFile is a daemon's log: it can be in the shared directory too.
type sharedFile struct {
	*os.File

	share *share
}

func (f sharedFile) Write(text []byte) (count int, err error) {
	err = f.share.write(f.Name(), func() error {
		count, err = f.File.Write(text)
		return err
	})
	return count, err
}
