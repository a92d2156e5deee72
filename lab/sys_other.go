//go:build !linux

package lab

import (
	"errors"
	"os"
	"os/exec"
)

func inNetwork(string, func() error) error { return errors.ErrUnsupported }

func shutDown(string) error { return errors.ErrUnsupported }

func fill(*os.File) error { return errors.ErrUnsupported }

func detach(*exec.Cmd, *os.File) {}

func umount(string, bool) error { return errors.ErrUnsupported }
