// Command generate writes the Go code of the .proto files in the working
// directory. It compiles them itself, so nobody needs protoc. With -check it
// writes nothing and fails where the code in the tree is not what it would write.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// plugins are the code generators, in the versions of the code in the tree. That of
// messages has the version of the protobuf module, which the code is linked with.
var plugins = []string{
	"google.golang.org/protobuf/cmd/protoc-gen-go",
	"google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
}

func main() {
	check := flag.Bool("check", false, "compare the code with the files in the tree, and write nothing")
	flag.Parse()
	if err := run(context.Background(), *check); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, check bool) error {
	req, err := compile(ctx)
	if err != nil {
		return err
	}
	made := map[string]string{}
	for _, plugin := range plugins {
		files, err := generate(ctx, plugin, req)
		if err != nil {
			return fmt.Errorf("%s: %w", plugin, err)
		}
		for _, f := range files {
			made[f.GetName()] = f.GetContent()
		}
	}
	if check {
		return compare(made)
	}
	for name, content := range made {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compile reads every .proto file of the working directory.
func compile(ctx context.Context) (*pluginpb.CodeGeneratorRequest, error) {
	names, err := filepath.Glob("*.proto")
	if err != nil || len(names) == 0 {
		return nil, errors.Join(err, errors.New("there are no .proto files here"))
	}
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{}),
		SourceInfoMode: protocompile.SourceInfoStandard, // comments become those of the code
	}
	compiled, err := c.Compile(ctx, names...)
	if err != nil {
		return nil, err
	}
	req := &pluginpb.CodeGeneratorRequest{FileToGenerate: names, Parameter: proto.String("paths=source_relative")}
	seen := map[string]bool{}
	for _, f := range compiled {
		req.ProtoFile = appendWithImports(req.ProtoFile, f, seen)
	}
	return req, nil
}

// appendWithImports appends a file after everything that it imports.
func appendWithImports(out []*descriptorpb.FileDescriptorProto, f protoreflect.FileDescriptor, seen map[string]bool) []*descriptorpb.FileDescriptorProto {
	if seen[f.Path()] {
		return out
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		out = appendWithImports(out, f.Imports().Get(i).FileDescriptor, seen)
	}
	return append(out, protodesc.ToFileDescriptorProto(f))
}

// generate has a plugin make the code.
func generate(ctx context.Context, plugin string, req *pluginpb.CodeGeneratorRequest) ([]*pluginpb.CodeGeneratorResponse_File, error) {
	in, err := proto.Marshal(req)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "run", plugin)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var resp pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &resp); err != nil {
		return nil, err
	}
	if resp.Error != nil {
		return nil, errors.New(resp.GetError())
	}
	return resp.File, nil
}

// compilerLine names the compiler of the .proto files, which does not change the code.
var compilerLine = regexp.MustCompile(`(?m)^//[ \t-]+protoc[ \t]+.*\n`)

// compare fails where a file of the tree differs from what was made, is missing, or
// belongs to no .proto file any more.
func compare(made map[string]string) error {
	var stale []string
	for name, want := range made {
		got, err := os.ReadFile(name)
		if err != nil || compilerLine.ReplaceAllString(string(got), "") != compilerLine.ReplaceAllString(want, "") {
			stale = append(stale, name)
		}
	}
	there, err := filepath.Glob("*.pb.go")
	if err != nil {
		return err
	}
	for _, name := range there {
		if _, ok := made[name]; !ok {
			stale = append(stale, name)
		}
	}
	if len(stale) == 0 {
		fmt.Printf("%d generated files are current\n", len(made))
		return nil
	}
	slices.Sort(stale)
	return fmt.Errorf("not current: %v; run go generate ./mcp/api", stale)
}
