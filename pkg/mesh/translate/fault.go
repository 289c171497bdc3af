package translate

import (
	commonfaultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/common/fault/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	networking "istio.io/api/networking/v1alpha3"
)

// faultFilter is the name of the filter that injects faults before a request is routed.
const faultFilter = "envoy.filters.http.fault"

// translateFault translates a fault. Without a percentage a delay has no effect, and without a status an abort has none.
func translateFault(fault *networking.HTTPFaultInjection) *faultv3.HTTPFault {
	out := &faultv3.HTTPFault{}
	if delay := fault.GetDelay(); delay != nil {
		//lint:ignore SA1019 Istio still accepts the older field.
		percentage := &typev3.FractionalPercent{Numerator: uint32(delay.GetPercent())}
		if delay.GetPercentage() != nil {
			percentage = millionths(delay.GetPercentage())
		}
		out.Delay = &commonfaultv3.FaultDelay{Percentage: percentage}
		if fixed := delay.GetFixedDelay(); fixed != nil {
			out.Delay.FaultDelaySecifier = &commonfaultv3.FaultDelay_FixedDelay{FixedDelay: fixed}
		}
	}
	if abort := fault.GetAbort(); abort != nil {
		out.Abort = &faultv3.FaultAbort{}
		if abort.GetPercentage() != nil {
			out.Abort.Percentage = millionths(abort.GetPercentage())
		}
		switch kind := abort.GetErrorType().(type) {
		case *networking.HTTPFaultInjection_Abort_HttpStatus:
			out.Abort.ErrorType = &faultv3.FaultAbort_HttpStatus{HttpStatus: uint32(kind.HttpStatus)}
		case *networking.HTTPFaultInjection_Abort_GrpcStatus:
			out.Abort.ErrorType = &faultv3.FaultAbort_GrpcStatus{GrpcStatus: uint32(grpcCode(kind.GrpcStatus))}
		default:
			out.Abort = nil
		}
	}
	return out
}

// grpcCode is the code of a name, such as UNAVAILABLE. Others are refused before they are stored.
func grpcCode(name string) codes.Code {
	var code codes.Code
	if err := code.UnmarshalJSON([]byte(`"` + name + `"`)); err != nil {
		return codes.Unknown
	}
	return code
}

// millionths is a percentage as Envoy takes one with a fraction.
func millionths(p *networking.Percent) *typev3.FractionalPercent {
	return &typev3.FractionalPercent{Numerator: uint32(p.GetValue() * 10000), Denominator: typev3.FractionalPercent_MILLION}
}

// Pack wraps a message, always in the same bytes. It fails for messages that no code of the mesh makes.
func Pack(m proto.Message) *anypb.Any {
	wrapped := &anypb.Any{}
	if err := anypb.MarshalFrom(wrapped, m, proto.MarshalOptions{Deterministic: true}); err != nil {
		return nil
	}
	return wrapped
}
