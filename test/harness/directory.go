package harness

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// DirectoryBase is the entry of a directory that all others are below. Its people are below ou=people, its groups below ou=groups.
const DirectoryBase = "dc=test"

// SearcherPassword is that of cn=searcher, the entry that may read all others.
const SearcherPassword = "searchers-secret"

const rootPassword = "roots-secret"

// Directory is OpenLDAP's slapd with a data base of its own, where three wrong passwords lock an entry. It listens on loopback, runs in a
// directory of the test's, and ends with the test.
type Directory struct {
	Dir string
	// Plain and Secure are the addresses of ldap:// and ldaps://. The first takes StartTLS.
	Plain, Secure string
	// CA is a file with the certificate that both are verified by.
	CA string

	cmd    *exec.Cmd
	exited chan struct{}
	log    *tail
}

// StartDirectory starts a directory with people, whose passwords are those of the map. Each is in the group of his own name.
func StartDirectory(t testing.TB, people map[string]string) *Directory {
	t.Helper()
	d := &Directory{Dir: t.TempDir(), Plain: FreeAddress(t), Secure: FreeAddress(t), log: &tail{}}
	d.CA = filepath.Join(d.Dir, "ca.pem")
	d.certificate(t)
	if err := os.Mkdir(filepath.Join(d.Dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.write(t, "slapd.conf", fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile %[1]s/pid
TLSCACertificateFile %[1]s/ca.pem
TLSCertificateFile %[1]s/ca.pem
TLSCertificateKeyFile %[1]s/key.pem
database mdb
maxsize 16777216
suffix %[2]q
rootdn "cn=root,%[2]s"
rootpw %[3]s
directory %[1]s/db
overlay memberof
overlay ppolicy
ppolicy_default "cn=policy,%[2]s"
access to attrs=userPassword by anonymous auth by * none
access to * by self read by dn.exact="cn=searcher,%[2]s" read by * none
`, d.Dir, DirectoryBase, rootPassword))
	d.Launch(t)
	t.Cleanup(func() {
		d.Stop()
		if t.Failed() {
			t.Logf("the directory's log ends with:\n%s", d.log.last(logLines))
		}
	})
	d.Add(t, d.entries(people))
	return d
}

func (d *Directory) entries(people map[string]string) string {
	var text strings.Builder
	fmt.Fprintf(&text, `dn: %[1]s
objectClass: dcObject
objectClass: organization
dc: test
o: test

dn: cn=policy,%[1]s
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3

dn: cn=searcher,%[1]s
objectClass: person
cn: searcher
sn: searcher
userPassword: %[2]s

dn: ou=people,%[1]s
objectClass: organizationalUnit
ou: people

dn: ou=groups,%[1]s
objectClass: organizationalUnit
ou: groups

`, DirectoryBase, SearcherPassword)
	for name, password := range people {
		fmt.Fprintf(&text, `dn: uid=%[1]s,ou=people,%[3]s
objectClass: inetOrgPerson
cn: %[1]s
sn: %[1]s
uid: %[1]s
userPassword: %[2]s

dn: cn=%[1]s,ou=groups,%[3]s
objectClass: groupOfNames
cn: %[1]s
member: uid=%[1]s,ou=people,%[3]s

`, name, password, DirectoryBase)
	}
	return text.String()
}

// Add adds entries in the form of LDIF.
func (d *Directory) Add(t testing.TB, ldif string) {
	t.Helper()
	Command(t, ldif, "ldapadd", "-x", "-H", "ldap://"+d.Plain, "-D", "cn=root,"+DirectoryBase, "-w", rootPassword)
}

// Password changes somebody's password.
func (d *Directory) Password(t testing.TB, name, password string) {
	t.Helper()
	change := fmt.Sprintf("dn: uid=%s,ou=people,%s\nchangetype: modify\nreplace: userPassword\nuserPassword: %s\n", name, DirectoryBase, password)
	Command(t, change, "ldapmodify", "-x", "-H", "ldap://"+d.Plain, "-D", "cn=root,"+DirectoryBase, "-w", rootPassword)
}

// certificate makes one of 127.0.0.1 that has signed itself.
func (d *Directory) certificate(t testing.TB) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	d.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

func (d *Directory) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.Dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Stop ends the process.
func (d *Directory) Stop() {
	_ = d.cmd.Process.Kill()
	<-d.exited
}

// Launch starts the process, also again after Stop.
func (d *Directory) Launch(t testing.TB) {
	t.Helper()
	d.cmd = exec.Command(sbin(t, "slapd"), "-f", filepath.Join(d.Dir, "slapd.conf"), "-h", "ldap://"+d.Plain+" ldaps://"+d.Secure, "-d", "0")
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	d.exited = startProcess(t, "slapd", d.cmd)
	awaitReady(t, "slapd", d.exited, d.log, listens(d.Secure))
}
