package api

import (
	"errors"
	"fmt"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/foreign"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// explainObjects gives an error about objects its status code and its hint.
func explainObjects(err error) error {
	var (
		problems    resource.Problems
		notFound    *store.NotFoundError
		unsupported *resource.UnsupportedKindError
		limited     *foreign.RefusedError
		conflict    *store.ConflictError
		exists      *store.ExistsError
	)
	switch {
	case errors.As(err, &problems):
		return control.Error(codes.InvalidArgument, problems.Error(), problems.Hint(), 2)
	case errors.As(err, &limited):
		return refused(err.Error())
	case errors.As(err, &notFound):
		hint := "shopctl get " + plural(notFound.Key.Kind)
		if notFound.NoNamespace {
			hint = "shopctl get namespaces"
		}
		return control.Error(codes.NotFound, err.Error(), hint, 2)
	case errors.As(err, &conflict):
		return control.Error(codes.Aborted, err.Error(), fmt.Sprintf("shopctl get %s -o yaml", conflict.Key), 1)
	case errors.As(err, &exists):
		return control.Error(codes.AlreadyExists, err.Error(), fmt.Sprintf("shopctl get %s -o yaml", exists.Key), 1)
	case errors.As(err, &unsupported):
		return control.Error(codes.InvalidArgument, err.Error(), "shopctl get --help", 2)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return control.Error(codes.ResourceExhausted, err.Error(), "free some disk space; nothing was changed", 5)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EROFS):
		return control.Error(codes.FailedPrecondition, err.Error(), "make the state directory writable; nothing was changed", 5)
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.FailedPrecondition, err.Error())
}

func plural(kind string) string {
	if k, err := resource.LookupKind(kind); err == nil {
		return k.Plural
	}
	return "deployments"
}
