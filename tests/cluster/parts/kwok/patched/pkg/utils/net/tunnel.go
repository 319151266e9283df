// Package net is kwok's own of that name, with one change.
//
// kwok waits until both sides of a forwarded connection have ended. So a client does not see that
// its server closed the connection, and a server not that its client is gone. Here the end of one
// side is the end of the other, a second later at most, as containerd has it
// (internal/cri/server/sandbox_portforward_linux.go).
package net

import (
	"context"
	"errors"
	"io"
	"time"
)

const grace = time.Second

// Tunnel copies both ways until one side ends; the caller then closes them.
//
// The caller's buffers serve somebody else once this returns, and the slower copy may still run.
func Tunnel(ctx context.Context, c1, c2 io.ReadWriter, _, _ []byte) error {
	ended := make(chan error, 2)
	go func() {
		_, err := io.Copy(c2, c1)
		ended <- err
	}()
	go func() {
		_, err := io.Copy(c1, c2)
		ended <- err
	}()
	select {
	case <-ctx.Done():
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	case err := <-ended:
		select {
		case <-ended:
		case <-ctx.Done():
		case <-time.After(grace):
		}
		return err
	}
}
