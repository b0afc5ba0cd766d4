package faultfs

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// FS is a mounted file system.
type FS struct {
	backing string
	server  *fuse.Server
	gate    *gate
	writes  *unsynced
}

// Mount mounts a file system at a folder that exists, in front of another one. Source
// is what the table of mounts says that it is of. It needs /dev/fuse, and either root or
// fusermount.
func Mount(backing, at, source string) (*FS, error) {
	ops, err := fs.NewLoopbackRoot(backing)
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", at, err)
	}
	f := &FS{backing: backing, gate: newGate(), writes: newUnsynced()}
	// Nothing is cached but data: files may be changed behind it while the program is down.
	options := &fs.Options{MountOptions: fuse.MountOptions{
		FsName: source, Name: "faultfs", DirectMount: true, DisableXAttrs: true,
	}}
	if f.server, err = fs.Mount(at, &node{ops.(*fs.LoopbackNode), f}, options); err != nil {
		return nil, fmt.Errorf("mount %s: %w", at, err)
	}
	return f, nil
}

// Set replaces the faults.
func (f *FS) Set(to Faults) { f.gate.set(to) }

// Counts is what happened so far.
func (f *FS) Counts() Counts { return f.gate.count() }

// Unsynced is how many writes have not been synced.
func (f *FS) Unsynced() int { return f.writes.pending() }

// LosePower undoes every write that was not synced, and returns how many there were
// and by how many bytes files became shorter. The program must have ended.
func (f *FS) LosePower() (writes int, bytes int64, err error) {
	if writes, bytes, err = f.writes.lose(); err != nil {
		err = fmt.Errorf("undo what was not synced: %w", err)
	}
	return writes, bytes, err
}

// Unmount takes the file system away. What was not synced stays.
func (f *FS) Unmount() error {
	f.gate.set(Faults{})
	if err := f.server.Unmount(); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	f.writes.close()
	return nil
}

// node is a file or folder.
type node struct {
	*fs.LoopbackNode
	of *FS
}

var (
	_ fs.NodeWrapChilder    = (*node)(nil)
	_ fs.NodeOpener         = (*node)(nil)
	_ fs.NodeCreater        = (*node)(nil)
	_ fs.NodeMkdirer        = (*node)(nil)
	_ fs.NodeSetattrer      = (*node)(nil)
	_ fs.NodeFsyncer        = (*node)(nil)
	_ fs.NodeCopyFileRanger = (*node)(nil)
)

// WrapChild implements fs.NodeWrapChilder.
func (n *node) WrapChild(_ context.Context, ops fs.InodeEmbedder) fs.InodeEmbedder {
	if inner, ok := ops.(*fs.LoopbackNode); ok {
		return &node{inner, n.of}
	}
	return ops
}

// path is where the node is in the backing folder.
func (n *node) path() string { return filepath.Join(n.of.backing, n.Path(n.Root())) }

// Open implements fs.NodeOpener.
func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_TRUNC != 0 {
		var out fuse.AttrOut
		in := &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{Valid: fuse.FATTR_SIZE}}
		if errno := n.Setattr(ctx, nil, in, &out); errno != 0 {
			return nil, 0, errno
		}
		flags &^= syscall.O_TRUNC
	}
	inner, fuseFlags, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	h, errno := n.of.handle(inner, n.path(), flags)
	return h, fuseFlags, errno
}

// Create implements fs.NodeCreater.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.of.gate.pass(true); errno != 0 {
		return nil, nil, 0, errno
	}
	child, inner, fuseFlags, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	h, errno := n.of.handle(inner, filepath.Join(n.path(), name), flags)
	return child, h, fuseFlags, errno
}

// Mkdir implements fs.NodeMkdirer.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if errno := n.of.gate.pass(true); errno != 0 {
		return nil, errno
	}
	return n.LoopbackNode.Mkdir(ctx, name, mode, out)
}

// Setattr implements fs.NodeSetattrer. A change of the size is a write.
func (n *node) Setattr(ctx context.Context, h fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	size, resized := in.GetSize()
	if !resized {
		return n.LoopbackNode.Setattr(ctx, h, in, out)
	}
	if errno := n.of.gate.pass(false); errno != 0 {
		return errno
	}
	f, err := n.of.writes.use(n.path())
	if err != nil {
		return fs.ToErrno(err)
	}
	defer n.of.writes.release(f)
	return f.change(int64(size), -1, func() syscall.Errno { return n.LoopbackNode.Setattr(ctx, h, in, out) })
}

// Fsync implements fs.NodeFsyncer, of files and of folders.
func (n *node) Fsync(ctx context.Context, h fs.FileHandle, flags uint32) syscall.Errno {
	if errno := n.of.gate.pass(false); errno != 0 {
		return errno
	}
	w, ok := h.(*handle)
	if !ok { // a folder: names are durable anyway
		return 0
	}
	if w.file == nil {
		return w.loopbackFile.Fsync(ctx, flags)
	}
	return n.of.writes.sync(w.file, func() syscall.Errno { return w.loopbackFile.Fsync(ctx, flags) })
}

// CopyFileRange implements fs.NodeCopyFileRanger: the kernel then reads and writes.
func (n *node) CopyFileRange(context.Context, fs.FileHandle, uint64, *fs.Inode, fs.FileHandle, uint64, uint64, uint64) (uint32, syscall.Errno) {
	return 0, syscall.ENOSYS
}

// loopbackFile is all that an open file of the backing folder does, but for the
// passing of its descriptor to the kernel, which would leave this layer out.
type loopbackFile interface {
	fs.FileReleaser
	fs.FileGetattrer
	fs.FileReader
	fs.FileWriter
	fs.FileGetlker
	fs.FileSetlker
	fs.FileSetlkwer
	fs.FileLseeker
	fs.FileFlusher
	fs.FileFsyncer
	fs.FileSetattrer
	fs.FileAllocater
}

// handle is an open file.
type handle struct {
	loopbackFile
	of      *FS
	file    *file // nil when it is open for reading alone
	durable bool  // each write is synced
}

func (f *FS) handle(inner fs.FileHandle, path string, flags uint32) (fs.FileHandle, syscall.Errno) {
	h := &handle{loopbackFile: inner.(loopbackFile), of: f, durable: flags&syscall.O_DSYNC != 0}
	if flags&(syscall.O_WRONLY|syscall.O_RDWR) == 0 {
		return h, 0
	}
	var err error
	if h.file, err = f.writes.use(path); err != nil {
		_ = h.loopbackFile.Release(context.Background())
		return nil, fs.ToErrno(err)
	}
	return h, 0
}

// Read implements fs.FileReader.
func (h *handle) Read(ctx context.Context, into []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	if errno := h.of.gate.pass(false); errno != 0 {
		return nil, errno
	}
	return h.loopbackFile.Read(ctx, into, at)
}

// Write implements fs.FileWriter.
func (h *handle) Write(ctx context.Context, data []byte, at int64) (n uint32, errno syscall.Errno) {
	if errno := h.of.gate.pass(true); errno != 0 {
		return 0, errno
	}
	if h.file == nil || h.durable {
		return h.loopbackFile.Write(ctx, data, at)
	}
	errno = h.file.change(at, int64(len(data)), func() (errno syscall.Errno) {
		n, errno = h.loopbackFile.Write(ctx, data, at)
		return errno
	})
	return n, errno
}

// Allocate implements fs.FileAllocater. Space that is allocated is not undone: it
// reads as zeroes, and a file that was truncated to its former size lost nothing.
func (h *handle) Allocate(ctx context.Context, at, size uint64, mode uint32) syscall.Errno {
	if errno := h.of.gate.pass(true); errno != 0 {
		return errno
	}
	return h.loopbackFile.Allocate(ctx, at, size, mode)
}

// Release implements fs.FileReleaser.
func (h *handle) Release(ctx context.Context) syscall.Errno {
	if h.file != nil {
		h.of.writes.release(h.file)
	}
	return h.loopbackFile.Release(ctx)
}
