package audit

// The classes of OCSF 1.8.0 that are used; the category is the class divided by 1000.
const (
	classAccountChange  = 3001
	classAuthentication = 3002
	classLifecycle      = 6002
	classAPIActivity    = 6003
	classError          = 6008
)

// The activities of API Activity.
const (
	activityCreate = 1
	activityRead   = 2
	activityUpdate = 3
	activityDelete = 4
	activityOther  = 99
)

// The activities of the other classes.
const (
	activityLock         = 9
	activityLogon        = 1
	activityLogoff       = 2
	activityStart        = 3
	activityStop         = 4
	activityUpdateApp    = 8
	activityErrorGeneral = 1
)

// The severities of OCSF that are used.
const (
	severityInformational = 1
	severityLow           = 2
	severityMedium        = 3
	severityHigh          = 4
	severityCritical      = 5
)

// The statuses of OCSF that are used.
const (
	statusSuccess = 1
	statusFailure = 2
)

const (
	ocsfVersion = "1.8.0"
	vendor      = "Chronik"
	productName = "Chronik"
	serviceName = "kafka"
)

// document is one OCSF event. Its fields are encoded in this order, always.
type document struct {
	ActivityID   int                `json:"activity_id"`
	ActivityName string             `json:"activity_name,omitempty"`
	CategoryUID  int                `json:"category_uid"`
	ClassUID     int                `json:"class_uid"`
	ClassName    string             `json:"class_name"`
	TypeUID      int                `json:"type_uid"`
	Time         int64              `json:"time"`
	SeverityID   int                `json:"severity_id"`
	StatusID     int                `json:"status_id,omitempty"`
	StatusCode   string             `json:"status_code,omitempty"`
	StatusDetail string             `json:"status_detail,omitempty"`
	Message      string             `json:"message,omitempty"`
	Count        uint64             `json:"count,omitempty"`
	StartTime    int64              `json:"start_time,omitempty"`
	EndTime      int64              `json:"end_time,omitempty"`
	Duration     int64              `json:"duration,omitempty"`
	Actor        *actorObject       `json:"actor,omitempty"`
	User         *userObject        `json:"user,omitempty"`
	AuthProtocol string             `json:"auth_protocol,omitempty"`
	ProtocolID   int                `json:"auth_protocol_id,omitempty"`
	IsCleartext  *bool              `json:"is_cleartext,omitempty"`
	IsRemote     *bool              `json:"is_remote,omitempty"`
	LogonTypeID  int                `json:"logon_type_id,omitempty"`
	Session      *sessionObject     `json:"session,omitempty"`
	Certificate  *certificateObject `json:"certificate,omitempty"`
	Service      *nameObject        `json:"service,omitempty"`
	API          *apiObject         `json:"api,omitempty"`
	App          *productObject     `json:"app,omitempty"`
	Source       *endpoint          `json:"src_endpoint,omitempty"`
	Destination  *endpoint          `json:"dst_endpoint,omitempty"`
	Resources    []resource         `json:"resources,omitempty"`
	Unmapped     *unmapped          `json:"unmapped,omitempty"`
	Metadata     metadata           `json:"metadata"`
}

type nameObject struct {
	Name string `json:"name"`
}

type userObject struct {
	Name   string       `json:"name"`
	UID    string       `json:"uid,omitempty"`
	TypeID int          `json:"type_id"`
	Groups []nameObject `json:"groups,omitempty"`
}

type sessionObject struct {
	UID        string `json:"uid"`
	Created    int64  `json:"created_time,omitempty"`
	Expiration int64  `json:"expiration_time,omitempty"`
}

type actorObject struct {
	User           *userObject     `json:"user,omitempty"`
	Session        *sessionObject  `json:"session,omitempty"`
	AppName        string          `json:"app_name,omitempty"`
	Authorizations []authorization `json:"authorizations,omitempty"`
}

type authorization struct {
	Decision string  `json:"decision"`
	Policy   *policy `json:"policy,omitempty"`
}

type policy struct {
	Name        string `json:"name"`
	Description string `json:"desc,omitempty"`
}

type apiObject struct {
	Operation string       `json:"operation"`
	Version   string       `json:"version,omitempty"`
	Service   *nameObject  `json:"service,omitempty"`
	Request   *apiRequest  `json:"request,omitempty"`
	Response  *apiResponse `json:"response,omitempty"`
}

type apiRequest struct {
	UID string `json:"uid"`
}

type apiResponse struct {
	Code  int    `json:"code"`
	Error string `json:"error,omitempty"`
}

type endpoint struct {
	IP      string `json:"ip,omitempty"`
	Name    string `json:"name,omitempty"`
	Service string `json:"svc_name,omitempty"`
}

type resource struct {
	Name string        `json:"name,omitempty"`
	Type string        `json:"type,omitempty"`
	Data *accessObject `json:"data,omitempty"`
}

// unmapped holds what OCSF has no attribute for.
type unmapped struct {
	Operation     string            `json:"operation,omitempty"`
	AnyOfType     bool              `json:"any_of_type,omitempty"`
	Alternatives  []needObject      `json:"alternatives,omitempty"`
	ACL           *aclObject        `json:"acl,omitempty"`
	Method        string            `json:"auth_method,omitempty"`
	Protocol      string            `json:"security_protocol,omitempty"`
	Accesses      string            `json:"audit_access,omitempty"`
	Renewed       bool              `json:"renewed,omitempty"`
	Approvals     string            `json:"approval_required,omitempty"`
	Proven        string            `json:"proven_name,omitempty"`
	Token         string            `json:"delegation_token,omitempty"`
	TLS           *tlsObject        `json:"tls,omitempty"`
	Merged        *mergedObject     `json:"merged,omitempty"`
	RequestDigest string            `json:"request_sha256,omitempty"`
	Item          *int              `json:"item,omitempty"`
	Before        map[string]string `json:"before,omitempty"`
	After         map[string]string `json:"after,omitempty"`
	Lost          map[string]uint64 `json:"lost,omitempty"`
}

type metadata struct {
	Version        string        `json:"version"`
	Product        productObject `json:"product"`
	UID            string        `json:"uid"`
	CorrelationUID string        `json:"correlation_uid,omitempty"`
	LogName        string        `json:"log_name"`
	Sequence       uint64        `json:"sequence"`
}

type productObject struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor_name"`
	Version string `json:"version,omitempty"`
	UID     string `json:"uid,omitempty"`
}

// of starts a document of a class.
func of(class, activity, severity int) document {
	names := map[int]string{
		classAccountChange:  "Account Change",
		classAuthentication: "Authentication",
		classLifecycle:      "Application Lifecycle",
		classAPIActivity:    "API Activity",
		classError:          "Application Error",
	}
	return document{
		ActivityID: activity, CategoryUID: class / 1000, ClassUID: class, ClassName: names[class],
		TypeUID: class*100 + activity, SeverityID: severity,
	}
}
