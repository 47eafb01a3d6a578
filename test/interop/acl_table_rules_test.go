//go:build interop

package interop

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ruleCases are about ACLs and passwords.
func ruleCases() []tried {
	describe, alter := []string{"DESCRIBE cluster"}, []string{"ALTER cluster"}
	return []tried{
		{name: "DescribeAcls", version: 3, request: func(*world) kmsg.Request {
			return &kmsg.DescribeACLsRequest{ResourceType: 1, ResourcePatternType: 1, Operation: 1, PermissionType: 1}
		}, needs: describe, also: []string{"ALTER cluster", "DESCRIBE_CONFIGS cluster", "DESCRIBE topic cashbook"}},
		{name: "CreateAcls", version: 3, request: func(*world) kmsg.Request {
			return &kmsg.CreateACLsRequest{Creations: []kmsg.CreateACLsRequestCreation{{
				ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: vault, ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral,
				Principal: "User:" + warden, Host: "*", Operation: kmsg.ACLOperationRead, PermissionType: kmsg.ACLPermissionTypeAllow,
			}}}
		}, needs: alter, also: []string{"DESCRIBE cluster", "CREATE cluster", "ALTER topic vault"}},
		{name: "DeleteAcls", version: 3, request: func(*world) kmsg.Request {
			return &kmsg.DeleteACLsRequest{Filters: []kmsg.DeleteACLsRequestFilter{{
				ResourceType: 1, ResourcePatternType: 1, Operation: 1, PermissionType: 1, Principal: kmsg.StringPtr("User:" + warden),
			}}}
		}, needs: alter, also: []string{"DESCRIBE cluster", "DELETE topic vault"}},
		{name: "DescribeUserScramCredentials", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.DescribeUserSCRAMCredentialsRequest{Users: []kmsg.DescribeUserSCRAMCredentialsRequestUser{{Name: userName}}}
		}, needs: describe, also: []string{"ALTER cluster", "DESCRIBE_TOKENS user somebody"}},
		{
			name: "DescribeUserScramCredentials of all", version: 0, request: func(*world) kmsg.Request {
				return &kmsg.DescribeUserSCRAMCredentialsRequest{Users: []kmsg.DescribeUserSCRAMCredentialsRequestUser{}} // to null Apache Kafka fails
			},
			needs: describe,
		},
		{name: "AlterUserScramCredentials", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.AlterUserSCRAMCredentialsRequest{Deletions: []kmsg.AlterUserSCRAMCredentialsRequestDeletion{{Name: warden, Mechanism: 2}}}
		}, needs: alter, also: []string{"DESCRIBE cluster", "ALTER_CONFIGS cluster", "ALL user warden"}},
	}
}

// tokenCases are about delegation tokens.
func tokenCases() []tried {
	rights := []string{"ALL cluster", "DESCRIBE token", "CREATE_TOKENS user warden", "DESCRIBE_TOKENS user warden"}
	return []tried{
		{name: "DescribeDelegationToken", version: 3, request: func(*world) kmsg.Request {
			return &kmsg.DescribeDelegationTokenRequest{Owners: []kmsg.DescribeDelegationTokenRequestOwner{{PrincipalType: "User", PrincipalName: warden}}}
		}, needs: []string{"DESCRIBE_TOKENS user warden"}, also: []string{"DESCRIBE token", "CREATE_TOKENS user warden", "DESCRIBE cluster", "DESCRIBE token *"}},
		{
			name: "DescribeDelegationToken of all", version: 3, request: func(*world) kmsg.Request { return &kmsg.DescribeDelegationTokenRequest{} },
			needs: []string{"DESCRIBE token"}, also: []string{"DESCRIBE_TOKENS user warden", "DESCRIBE_TOKENS user warden, deny DESCRIBE token", "ALL cluster"},
		},
		{name: "RenewDelegationToken", version: 2, request: func(w *world) kmsg.Request {
			return &kmsg.RenewDelegationTokenRequest{HMAC: w.tokenHMAC, RenewTimeMillis: -1}
		}, also: rights},
		{name: "ExpireDelegationToken", version: 2, request: func(w *world) kmsg.Request {
			return &kmsg.ExpireDelegationTokenRequest{HMAC: w.tokenHMAC, ExpiryPeriodMillis: -1}
		}, also: rights},
		{
			name: "CreateDelegationToken for another", version: 3, request: func(*world) kmsg.Request { return createTokenOf(warden) },
			needs: []string{"CREATE_TOKENS user warden"}, also: []string{"DESCRIBE_TOKENS user warden", "ALL cluster"},
		},
		{
			name: "CreateDelegationToken for oneself", version: 3, request: func(*world) kmsg.Request { return &kmsg.CreateDelegationTokenRequest{MaxLifetimeMillis: -1} },
			also: []string{"deny CREATE_TOKENS user somebody"},
		},
	}
}

func createTokenOf(owner string) kmsg.Request {
	return &kmsg.CreateDelegationTokenRequest{OwnerPrincipalType: kmsg.StringPtr("User"), OwnerPrincipalName: &owner, MaxLifetimeMillis: -1}
}
