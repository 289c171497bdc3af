package translate

import (
	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
)

// The logic of permissions, which are about requests, and of principals, which are about callers: any of a list of values,
// and none of another.

func anyPermission() *rbacv3.Permission {
	return &rbacv3.Permission{Rule: &rbacv3.Permission_Any{Any: true}}
}

func notPermission(p *rbacv3.Permission) *rbacv3.Permission {
	return &rbacv3.Permission{Rule: &rbacv3.Permission_NotRule{NotRule: p}}
}

func allPermissions(all []*rbacv3.Permission) *rbacv3.Permission {
	if len(all) == 0 {
		all = []*rbacv3.Permission{anyPermission()}
	}
	return &rbacv3.Permission{Rule: &rbacv3.Permission_AndRules{AndRules: &rbacv3.Permission_Set{Rules: all}}}
}

// permissions are conditions on one property of a request.
func permissions(values, not []string, one func(value string) *rbacv3.Permission) []*rbacv3.Permission {
	or := func(values []string) *rbacv3.Permission {
		set := &rbacv3.Permission_Set{}
		for _, v := range values {
			set.Rules = append(set.Rules, one(v))
		}
		return &rbacv3.Permission{Rule: &rbacv3.Permission_OrRules{OrRules: set}}
	}
	var all []*rbacv3.Permission
	if len(values) > 0 {
		all = append(all, or(values))
	}
	if len(not) > 0 {
		all = append(all, notPermission(or(not)))
	}
	return all
}

func anyPrincipal() *rbacv3.Principal {
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_Any{Any: true}}
}

func notPrincipal(p *rbacv3.Principal) *rbacv3.Principal {
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_NotId{NotId: p}}
}

func allPrincipals(all []*rbacv3.Principal) *rbacv3.Principal {
	if len(all) == 0 {
		all = []*rbacv3.Principal{anyPrincipal()}
	}
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_AndIds{AndIds: &rbacv3.Principal_Set{Ids: all}}}
}

func onePrincipal(any []*rbacv3.Principal) *rbacv3.Principal {
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_OrIds{OrIds: &rbacv3.Principal_Set{Ids: any}}}
}

// principals are conditions on one property of a caller.
func principals(values, not []string, one func(value string) *rbacv3.Principal) []*rbacv3.Principal {
	or := func(values []string) *rbacv3.Principal {
		var any []*rbacv3.Principal
		for _, v := range values {
			any = append(any, one(v))
		}
		return onePrincipal(any)
	}
	var all []*rbacv3.Principal
	if len(values) > 0 {
		all = append(all, or(values))
	}
	if len(not) > 0 {
		all = append(all, notPrincipal(or(not)))
	}
	return all
}
