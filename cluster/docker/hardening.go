package docker

import (
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
)

// What a container may take of the host. A node that outgrows its memory is
// killed by the kernel and says so in its State.
const (
	nodeMemory    = 1 << 30 // bytes
	nodePids      = 1024    // processes and threads
	sandboxMemory = 256 << 20
	sandboxPids   = 256
	logBytes      = "64m" // of each of two files of output
)

// Data is the folder that survives the restart of a node, on the engine's disk.
const dataDir = "/data"

// sharedDir is the folder that all nodes of a run see.
const sharedDir = "/shared"

// harden takes from a container all that neither linkd nor a node needs:
// capabilities, new privileges, a writable root, unlimited memory and processes.
func harden(h *container.HostConfig, memory, pids int64) {
	h.CapDrop = []string{"ALL"}
	h.SecurityOpt = []string{"no-new-privileges:true"}
	h.ReadonlyRootfs = true
	h.Tmpfs = map[string]string{"/tmp": tmpfsOptions}
	h.Memory, h.MemorySwap = memory, memory
	h.PidsLimit = &pids
	h.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
	h.LogConfig = container.LogConfig{
		Type:   "json-file",
		Config: map[string]string{"max-size": logBytes, "max-file": "2"},
	}
}

// tmpfsOptions are those of a folder in memory.
const tmpfsOptions = "rw,noexec,nosuid,size=64m,mode=1777"

// volume is an anonymous volume at a folder: it lives as long as its container,
// however often that is started, and is removed with it.
func volume(folder string, labels map[string]string) mount.Mount {
	return mount.Mount{
		Type: mount.TypeVolume, Target: folder,
		VolumeOptions: &mount.VolumeOptions{Labels: labels},
	}
}

// sharedVolume is the run's one volume that many nodes mount. It has a name, so
// that the engine makes it with the first and finds it for the others; it goes
// with the run.
func sharedVolume(name, run string) mount.Mount {
	return mount.Mount{
		Type: mount.TypeVolume, Source: name, Target: sharedDir,
		VolumeOptions: &mount.VolumeOptions{Labels: runLabels(run, nil)},
	}
}
