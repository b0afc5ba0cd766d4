package local

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// unmount takes a layer away whose process is gone or does not answer, whoever has
// files open in it: what waits for its answer fails. A user who is not root needs
// fusermount for that.
func unmount(at string) error {
	err := unix.Unmount(at, unix.MNT_FORCE|unix.MNT_DETACH)
	if err == nil || err == unix.EINVAL { // it is no mount any more
		return nil
	}
	for _, tool := range []string{"fusermount3", "fusermount"} {
		if exec.Command(tool, "-u", "-z", at).Run() == nil {
			return nil
		}
	}
	return err
}
